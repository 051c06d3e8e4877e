"""Tell faults of TLS that last from a connection that broke, and say what helps."""

import ssl
from collections.abc import Iterator
from typing import Final

# The numbers are those of OpenSSL's x509_vfy.h.
_CERTIFICATES: Final = {
    9: "its certificate is not valid yet: check the clock of this machine",
    10: "its certificate has expired: renew it, or check the clock of this machine",
    62: "its certificate is for another name: use the name that it has",
    64: "its certificate is for another address: use a name that it has",
}
_PLAIN: Final = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})
_REFUSALS: Final = frozenset({
    "UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "SSLV3_ALERT_HANDSHAKE_FAILURE",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED", "TLSV1_ALERT_UNKNOWN_CA", "SSLV3_ALERT_BAD_CERTIFICATE",
})  # fmt: skip


def lasting(error: BaseException, variable: str = "SSL_CERT_FILE") -> str:
    """Return the fault and its remedy, if TLS failed so that no attempt will help; else "".

    *variable*: the one that names trusted authorities for the library that raised *error*.
    """
    for one in _chain(error):
        if not isinstance(one, ssl.SSLError) or not hasattr(one, "reason"):
            continue  # errors of aiohttp have that class too, but nothing of it
        if isinstance(one, ssl.SSLCertVerificationError):
            said = _CERTIFICATES.get(
                one.verify_code,
                f"{one.verify_message}: if its authority is your own, name a PEM file that has it "
                f"in {variable}",
            )
            return f"certificate verify failed: {said}"
        if one.reason in _PLAIN:
            return (
                "it, or a proxy before it, speaks plain HTTP where TLS was expected: correct the "
                "scheme of its address, or give it a certificate"
            )
        if one.reason in _REFUSALS:
            said = one.reason.lower().replace("_", " ")
            return f"it refuses TLS as we speak it ({said}): use another address of it, or a mirror"
    return ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield *error* and those that it was made from, however a library keeps them."""
    seen: list[BaseException] = []
    left: list[object] = [error]
    while left:
        one = left.pop(0)
        if isinstance(one, BaseException) and one not in seen:
            seen.append(one)
            yield one
            kept = getattr(one, "kwargs", None)  # of botocore
            left += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
            left += kept.values() if isinstance(kept, dict) else ()
