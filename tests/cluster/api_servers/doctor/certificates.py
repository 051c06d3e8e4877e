"""Certificates with the faults that a test wants, and a server with one."""

import contextlib
import datetime as dt
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.kubernetes.certificates import Pair, new_key, write_key

DAY = dt.timedelta(days=1)


class Signer:
    """A certificate and its key, which can sign another."""

    def __init__(
        self,
        name: str = "doctor",
        by: "Signer | None" = None,
        *,
        begins: dt.timedelta = -DAY,
        ends: dt.timedelta = 29 * DAY,
        hosts: Sequence[str] = (),
        client: bool = False,
    ) -> None:
        now = dt.datetime.now(dt.UTC)
        self.key = new_key()
        words = [x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else []
        self.subject = x509.Name(words)
        issuer = by or self
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.subject)
            .issuer_name(issuer.subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins)
            .not_valid_after(now + ends)
            .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        )
        if by:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if hosts:
            names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        self.pem = builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def files(self, folder: Path) -> Pair:
        """Write both into *folder*."""
        pair = Pair(folder / "tls.crt", write_key(folder / "tls.key", self.key))
        pair.certificate.write_bytes(self.pem)
        return pair


def lasting(begins: dt.timedelta, ends: dt.timedelta) -> bytes:
    """Return a CA's certificate, PEM, which begins and ends that long from now."""
    return Signer(begins=begins, ends=ends).pem


@contextlib.contextmanager
def serving(pair: Pair) -> Iterator[int]:
    """Shake hands with one caller after the other on a loopback port; yields the port."""
    context = pair.server_context()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run() -> None:
            with contextlib.suppress(OSError):  # the end: the socket is shut down
                while True:
                    accepted, _ = listening.accept()
                    with contextlib.suppress(OSError), accepted:
                        context.wrap_socket(accepted, server_side=True).close()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
