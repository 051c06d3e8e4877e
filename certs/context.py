"""The TLS contexts that the webhook serves with."""

import os
import ssl


def empty_context() -> ssl.SSLContext:
    """Return a context for TLS 1.2 and later that has no certificate yet."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # The API server keeps no session cache and asks for HTTP/1.1 alone, so tickets would be
    # work for nothing (client-go transport.go, apiserver util/webhook/client.go).
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    return context


def server_context(certificate: bytes, key: bytes) -> ssl.SSLContext:
    """Return a context for a PEM pair; ValueError if the pair can't be served."""
    context = empty_context()
    descriptors = []
    try:
        for content in (certificate, key):  # ssl reads files only; these lie on no disk
            descriptor = os.memfd_create("modelcache-pair")
            descriptors.append(descriptor)
            os.write(descriptor, content)
        chain, private = (f"/proc/self/fd/{descriptor}" for descriptor in descriptors)
        # A password, so that OpenSSL doesn't ask for one of an encrypted key.
        context.load_cert_chain(chain, private, password="")
    except (OSError, ssl.SSLError) as error:
        raise ValueError(
            f"{error}; both must be PEM files, and the key that of the certificate"
        ) from error
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    return context
