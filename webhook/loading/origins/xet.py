"""Read files of the hub from its Xet storage, with the hub's library.

By default the library buffers gigabytes of a fast stream. Here its buffers fit a loader's memory.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import hf_xet
from huggingface_hub.utils import XetFileData  # type: ignore[attr-defined]

from webhook.loading.origins.origin import Body, Interrupted, Unavailable

PLAIN_MOST: Final = 50 * 10**9
"""Bytes of a file; the hub gives larger files only by Xet."""
_MB: Final = 10**6
_BUFFERS: Final = {
    "reconstruction.min_reconstruction_fetch_size": 8 * _MB,
    "reconstruction.max_reconstruction_fetch_size": 8 * _MB,
    "reconstruction.min_prefetch_buffer": 8 * _MB,
    "reconstruction.download_buffer_size": 8 * _MB,
    "reconstruction.download_buffer_perfile_size": 8 * _MB,
    "reconstruction.download_buffer_limit": 16 * _MB,
    "client.ac_initial_download_concurrency": 1,
    "client.ac_max_download_concurrency": 2,
}


class Xet:
    """The storage; streams of one loader share its connections and buffers."""

    def __init__(self) -> None:
        self._session = hf_xet.XetSession(hf_xet.XetConfig().with_config(_BUFFERS))

    @contextmanager
    def open(
        self, found: XetFileData, size: int, start: int, headers: Mapping[str, str]
    ) -> Iterator[Body]:
        """Yield a file from byte *start* on; *headers* go to the hub, which issues a token."""
        with _translated():
            group = self._session.new_download_stream_group(
                token_refresh_url=found.refresh_route, token_refresh_headers=dict(headers)
            )
            stream = group.download_stream(hf_xet.XetFileInfo(found.file_hash, size), start=start)
        try:
            yield Body(start, _blocks(stream))
        finally:
            stream.cancel()


def _blocks(stream: "hf_xet.XetDownloadStream") -> Iterator[bytes]:
    with _translated():
        yield from stream


@contextmanager
def _translated() -> Iterator[None]:
    """Turn errors of the library into Interrupted or Unavailable."""
    try:
        yield
    except hf_xet.XetAuthenticationError as error:
        raise Unavailable(f"Xet: the token is not valid, or has expired: {error}") from error
    except hf_xet.XetObjectNotFoundError as error:
        raise Unavailable(f"Xet: a file that was listed is gone: {error}") from error
    except (RuntimeError, OSError, ValueError) as error:
        raise Interrupted(f"Xet: {error}") from error
