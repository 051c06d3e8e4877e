"""CATALOGUE of sources: the schemes of their URIs, one row each.

To add one, write its class in webhook/loading/origins/ and its row here. What annotations, `load`
and `render` accept, their help and the manual's table follow.
"""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """One kind of source."""

    name: str
    """The text before ://."""
    form: str
    """What such a source looks like."""
    files: str
    """Which files become the model."""
    commit: str
    """What names those files for good."""
    credentials: str
    """Where they come from."""
    origin: str
    """Module and class below webhook.loading.origins; imported when the source is used."""
    extra: str = ""
    """The extra of our distribution that the class needs; empty: none."""
    digests: bool = False
    """Whether its sources may end in @sha256:…."""
    local: bool = False
    """Whether it is a directory of the machine that loads: no pod can name that."""
    allow: tuple[str, ...] = ()
    """Patterns of the files that are loaded by default; empty: those that servers read."""
    reader: str = ""
    """The only server that reads such a model, by its name in the catalogue; empty: any."""
    location: re.Pattern[str] | None = None
    """The text behind ://, if the scheme allows less than host and path."""
    path: re.Pattern[str] | None = None
    """The form of host and path, if that is not LOCATION of webhook/models/source.py."""
    credentials_file: str = ""
    """The variable that names a file of credentials; empty: a loader has `--token-file`."""


HF: Final = Scheme(
    name="hf",
    form="[hf://]org/name[:quantisation][@revision]",
    files="the files of the repository; behind a colon: those of one quantisation in GGUF",
    commit="the commit of the hub",
    credentials="`--token-file`, `HF_TOKEN`, or else the login of `hf auth login`",
    origin="hub.Hub",
)
_KEY: Final = r"[\w.+=@:~()!*&-](?:[\w.+=@:~()!*& -]*[\w.+=@:~()!*&-])?"
_OBJECTS: Final = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._:-]*(?:/{_KEY})*/?", re.ASCII)
"""Bucket and key, without the quote and the comma, which separate words and models."""
S3: Final = Scheme(
    name="s3",
    form="s3://bucket/prefix-or-key",
    files="the objects below the prefix, or the one with that key",
    commit="sha256 of their names and ETags",
    credentials="as AWS's tools find them: environment, files, identity of the pod or machine",
    origin="s3.S3",
    path=_OBJECTS,
    extra="s3",
    credentials_file="AWS_SHARED_CREDENTIALS_FILE",
)
GS: Final = Scheme(
    name="gs",
    form="gs://bucket/prefix-or-key",
    files="the objects below the prefix, or the one with that key",
    commit="sha256 of their names and ETags",
    credentials="as Google's tools find them: environment, files, identity of the pod or machine",
    origin="gs.GoogleStorage",
    path=_OBJECTS,
    extra="gs",
    credentials_file="GOOGLE_APPLICATION_CREDENTIALS",
)
HTTPS: Final = Scheme(
    name="https",
    form="https://host/path",
    files="that file",
    commit="sha256 of the ETag, or else of date and size",
    credentials="none",
    origin="https.Https",
)
OCI: Final = Scheme(
    name="oci",
    form="oci://registry/repository[:tag|@digest]",
    files="the files of an artifact; of an image those in `/models`, or else all",
    commit="the digest of the tag",
    credentials="`--token-file`, or else `config.json` in `DOCKER_CONFIG` or `~/.docker`",
    origin="oci.Oci",
    digests=True,
)
# The parts of a name are those of ollama/ollama, types/model/name.go (isValidPart).
OLLAMA: Final = Scheme(
    name="ollama",
    form="ollama://[host/]namespace/model[:tag]",
    files="the manifest and its blobs, as Ollama stores them",
    commit="the digest of the manifest",
    credentials="none",
    origin="ollama.Ollama",
    allow=("*",),
    reader="Ollama",
    location=re.compile(
        r"(?:[a-zA-Z0-9][\w.:-]*/)?[a-zA-Z0-9_][\w-]{0,79}/[a-zA-Z0-9_][\w.-]{0,79}"
        r"(?::[a-zA-Z0-9_][\w.-]{0,79})?",
        re.ASCII,
    ),
)
FILE: Final = Scheme(
    name="file",
    form="file:///directory",
    files="the files that its manifest lists, or else all; of a Hugging Face cache, "
    "`…/models--org--name[@revision]` or `…/snapshots/COMMIT`, those of that snapshot",
    commit="the commit in the manifest or of the snapshot; or sha256 of names, sizes and times",
    credentials="none",
    origin="directory.Directory",
    local=True,
)
SCHEMES: Final = (HF, S3, GS, HTTPS, OCI, OLLAMA, FILE)
REMOTE: Final = {scheme.name: scheme for scheme in SCHEMES if not scheme.local}
"""The schemes that a pod may name, by name."""
