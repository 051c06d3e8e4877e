"""The TLS context that the webhook serves with."""

import os
import ssl
from pathlib import Path


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return a context for TLS 1.2 and later; ValueError if the pair can't be served."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # The API server keeps no session cache and asks for HTTP/1.1 alone, so tickets would be
    # work for nothing (client-go transport.go, apiserver util/webhook/client.go).
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        # A password, so that OpenSSL doesn't ask for one of an encrypted key.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ssl.SSLError) as error:
        raise ValueError(
            f"--cert {certificate} and --key {key} can't be served: {error}; "
            "both must be PEM files, and the key that of the certificate"
        ) from error
    return context


def memory_context(certificate: bytes, key: bytes) -> ssl.SSLContext:
    """Return a context for a pair that lies on no disk (ssl reads files only)."""
    descriptors = []
    try:
        for content in (certificate, key):
            descriptor = os.memfd_create("modelcache-pair")
            descriptors.append(descriptor)
            os.write(descriptor, content)
        paths = [Path(f"/proc/self/fd/{descriptor}") for descriptor in descriptors]
        return server_context(paths[0], paths[1])
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
