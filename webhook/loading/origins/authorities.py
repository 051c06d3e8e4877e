"""Which authorities servers are verified by: one file for all libraries, whatever its name."""

import os
from pathlib import Path
from typing import Final

from webhook.loading.origins.origin import Unavailable

_NAMES: Final = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE")
"""OpenSSL's, which httpx2 and aiohttp follow; that of requests; that of botocore."""


def trust_alike() -> None:
    """Let the libraries that are told nothing trust what others are told; Unavailable if it's none.

    What is set stays: SSL_CERT_FILE for the hub, https, oci and gs, AWS_CA_BUNDLE for s3.
    """
    told = {name: os.environ[name] for name in _NAMES if os.environ.get(name)}
    if missing := [f"{name}={path}" for name, path in told.items() if not Path(path).exists()]:
        raise Unavailable(f"{', '.join(missing)}: is no file: name the authorities, as PEM")
    first = next(iter(told.values()), "")
    for name in _NAMES:
        if name not in told:
            os.environ.pop(name, None)  # one that is empty is a mistake for botocore
            os.environ |= {name: first} if first else {}
