"""Trust the same certificate authorities in all libraries, whichever variable names them."""

import os
import ssl
from pathlib import Path
from typing import Final

from webhook.loading.origins.origin import Unavailable

_NAMES: Final = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE")
"""The variables of OpenSSL (httpx2 and aiohttp use it too), of requests, and of botocore."""


def trust_alike() -> None:
    """Set the variables that are not set to the first that is.

    Unavailable if a file is missing, or has no certificates.

    Variables that are set keep their values: SSL_CERT_FILE is for the hub, https, oci and gs,
    AWS_CA_BUNDLE for s3.
    """
    given = {name: os.environ[name] for name in _NAMES if os.environ.get(name)}
    if missing := [f"{name}={path}" for name, path in given.items() if not Path(path).exists()]:
        raise Unavailable(
            f"{', '.join(missing)}: is not a file: give certificate authorities as a PEM file"
        )
    for name, path in given.items():
        if not Path(path).is_dir():
            try:
                ssl.create_default_context(cafile=path)
            except OSError as error:  # ssl.SSLError is one
                raise Unavailable(
                    f"{name}={path}: can't be read as certificates in PEM form: {error.strerror}"
                ) from error
    first = next(iter(given.values()), "")
    for name in _NAMES:
        if name not in given:
            os.environ.pop(name, None)  # botocore fails if it is empty
            os.environ |= {name: first} if first else {}
