"""Look at replicas without an API server: a program that runs in the network of a cluster.

`get URL` prints the body of an answer. `leaves ADDRESS ...` prints the certificate that each address
shows to a new connection. It imports little, because tests run it every few seconds.
"""

import http.client
import ssl
import sys
from typing import Final
from urllib.parse import urlsplit

PATIENCE_SECONDS: Final = 5.0
"""Seconds to wait for an answer: timeoutSeconds of the registration."""
PORT: Final = 8443


def get(url: str) -> str:
    """Return the body of the answer, whatever its status is."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE_SECONDS)
    connection.request("GET", parts.path)
    return connection.getresponse().read().decode()


def leaf(address: str) -> str:
    """Return the certificate of a server, in PEM."""
    return ssl.get_server_certificate((address, PORT), timeout=PATIENCE_SECONDS)


def main() -> None:
    what, *places = sys.argv[1:]
    for place in places:
        sys.stdout.write(get(place) if what == "get" else leaf(place))


if __name__ == "__main__":
    main()
