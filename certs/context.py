"""Make the TLS contexts that the webhook serves with."""

import os
import ssl


def empty_context() -> ssl.SSLContext:
    """Return a context for TLS 1.2 and later, without a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # The API server has no session cache and requests HTTP/1.1 only, so it would not use tickets
    # (client-go transport.go, apiserver util/webhook/client.go).
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    return context


def server_context(certificate: bytes, key: bytes) -> ssl.SSLContext:
    """Return a context for a certificate and key in PEM; ValueError if they can't be served."""
    context = empty_context()
    descriptors = []
    try:
        for content in (certificate, key):  # ssl only reads files; these are not on a disk
            descriptor = os.memfd_create("modelcache-pair")
            descriptors.append(descriptor)
            os.write(descriptor, content)
        chain, private = (f"/proc/self/fd/{descriptor}" for descriptor in descriptors)
        # With a password given, OpenSSL does not prompt for one if the key is encrypted.
        context.load_cert_chain(chain, private, password="")
    except (OSError, ssl.SSLError) as error:
        raise ValueError(
            f"{error}; both must be PEM files, and the key must belong to the certificate"
        ) from error
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    return context
