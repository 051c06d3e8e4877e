"""The Hugging Face Hub as a source; its library does metadata, tokens, redirects and errors.

The library loses an interrupted file when its process ends, and gives up after a few attempts. So
the bytes are read here, from the address that it gives.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, Literal
from urllib.parse import urlsplit

# The library reads this when it is imported. Without it, it would ask the hub for a list of known
# programs, to report which one runs us.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import httpx2
from huggingface_hub import HfApi, close_session, hf_hub_url
from huggingface_hub.constants import HF_HUB_DISABLE_XET
from huggingface_hub.errors import (
    EntryNotFoundError,
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.file_download import HfFileMetadata, get_hf_file_metadata
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

from webhook.loading.origins.http_body import body, http_client, of_proxy, translated
from webhook.loading.origins.http_status import SECONDS, wait_asked
from webhook.loading.origins.hub_token import hub_token
from webhook.loading.origins.origin import (
    Access,
    Body,
    Changed,
    Interrupted,
    RemoteFile,
    Snapshot,
    Unavailable,
)
from webhook.loading.origins.tls import lasting
from webhook.loading.origins.xet import PLAIN_MOST, Xet
from webhook.models.layout import DEFAULT_REVISION
from webhook.models.source import Source

_LIBRARY: Final = "modelcache"


class Hub:
    """One revision of one repository."""

    def __init__(self, source: Source, access: Access) -> None:
        self._repository = source.repository or ""
        self._revision = source.revision or DEFAULT_REVISION
        found = hub_token(access)
        if found.cached:
            access.say(f"hf://{self._repository}: uses the login in {found.whence}")
        self._given = (
            f"with this token ({found.whence})" if found.token else "without a token: give one"
        )
        # False: otherwise the library would look for a token itself.
        self._token: str | Literal[False] = found.token or False
        self._api = HfApi(endpoint=access.endpoint, token=self._token, library_name=_LIBRARY)
        self._headers = build_hf_headers(token=self._token, library_name=_LIBRARY)
        self._client = http_client()
        self._commit = ""
        self._always = access.xet
        self._xet: Xet | None = None

    def snapshot(self) -> Snapshot:
        """Return its commit and files."""
        with self._translated():
            info = self._api.model_info(
                self._repository, revision=self._revision, files_metadata=True, timeout=SECONDS
            )
        if not info.sha:
            raise Unavailable(f"{self._repository}: the hub gives no commit")
        self._commit = info.sha
        return Snapshot(
            info.sha,
            tuple(
                RemoteFile(
                    path=sibling.rfilename,
                    size=sibling.size,
                    sha256=sibling.lfs.sha256 if sibling.lfs else None,
                    blob=sibling.blob_id,
                )
                for sibling in info.siblings or ()
            ),
        )

    @contextmanager
    def open(self, file: RemoteFile, start: int) -> Iterator[Body]:
        """Yield a file of the commit that snapshot() found, even if the branch has moved since."""
        url = hf_hub_url(
            self._repository, file.path, revision=self._commit, endpoint=self._api.endpoint
        )
        with self._translated(), translated(url):
            found = get_hf_file_metadata(
                url,
                timeout=SECONDS,
                headers=self._headers,
                token=self._token,
                endpoint=self._api.endpoint,
            )
        self._same(file, found)
        if found.xet_file_data and found.size is not None and self._by_xet(found.size):
            self._xet = self._xet or Xet()
            # The hub issues a token for the storage; ours is sent only to the hub.
            with self._xet.open(found.xet_file_data, found.size, start, self._headers) as opened:
                yield opened
            return
        # The address may be another host's. Our token is only for the hub.
        same = urlsplit(found.location).netloc == urlsplit(url).netloc
        headers = {
            name: value
            for name, value in self._headers.items()
            if same or name.lower() != "authorization"
        }
        # No If-Range: the ETag is the hub's, not that host's. The digests are compared later.
        with body(self._client, found.location, headers, start, None) as opened:
            yield opened

    def _by_xet(self, size: int) -> bool:
        return not HF_HUB_DISABLE_XET and (self._always or size > PLAIN_MOST)

    def close(self) -> None:
        """Close connections, the library's too."""
        self._client.close()
        close_session()

    def _same(self, file: RemoteFile, found: HfFileMetadata) -> None:
        """Raise Changed unless the hub still has the same file.

        A mirror may give an ETag of its own, and no commit (Artifactory): sizes and digests decide.
        """
        if found.commit_hash not in (None, self._commit):
            raise Changed(f"belongs to commit {found.commit_hash}, not to {self._commit}")
        if None not in (file.size, found.size) and file.size != found.size:
            raise Changed(f"has {found.size} bytes, but {file.size} were announced")

    def _translated(self) -> AbstractContextManager[None]:
        return _hub_errors(f"hf://{self._repository}@{self._revision}", self._given)


@contextmanager
def _hub_errors(name: str, given: str) -> Iterator[None]:
    """Turn errors of the library into Interrupted or Unavailable; *given*: with which token."""
    try:
        yield
    except GatedRepoError as error:
        raise Unavailable(
            f"{name}: is gated: no access {given}; request access on its page"
        ) from error
    except RevisionNotFoundError as error:
        raise Unavailable(f"{name}: there is no such revision") from error
    except RepositoryNotFoundError as error:
        raise Unavailable(f"{name}: does not exist, or there is no access {given}") from error
    except EntryNotFoundError as error:
        raise Unavailable(f"{name}: a file that was listed is gone") from error
    except (HFValidationError, FileMetadataError) as error:
        raise Unavailable(f"{name}: {error}") from error
    except OfflineModeIsEnabled as error:
        raise Unavailable(f"{name}: HF_HUB_OFFLINE is set, so the hub is not contacted") from error
    except HfHubHTTPError as error:
        _status(name, given, error)
    except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
        raise Unavailable(f"{name}: the hub redirects to what is not a URL of http") from error
    except httpx2.ProxyError as error:
        raise of_proxy(name, error) from error
    except httpx2.LocalProtocolError as error:  # its text may be that of a header with a credential
        raise Unavailable(f"{name}: a header of the request can't be sent") from error
    except httpx2.TransportError as error:
        if why := lasting(error):
            raise Unavailable(f"{name}: {why}") from error
        raise Interrupted(f"{name}: {error or type(error).__name__}") from error


def _status(name: str, given: str, error: HfHubHTTPError) -> None:
    response = error.response
    code = response.status_code
    if code in {408, 429} or code >= 500:
        raise Interrupted(f"{name}: answered {code}", wait_asked(code, response.headers)) from error
    why = f": there is no access {given}" if code in {401, 403} else ""
    raise Unavailable(f"{name}: answered {code}{why}") from error
