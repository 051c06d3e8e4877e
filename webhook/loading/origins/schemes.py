"""What `modelcache load` downloads from: declarations, of which the README has a table."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """One kind of source."""

    name: str
    """What stands before ://."""
    form: str
    files: str
    """What of it becomes the model."""
    commit: str
    """What names that for good."""
    credentials: str
    extra: str = ""
    """Of our distribution: what has to be installed beside it."""


HF: Final = Scheme(
    name="hf",
    form="[hf://]org/name[@revision]",
    files="those of the repository",
    commit="the hub's",
    credentials="`--token-file`, else `HF_TOKEN`",
)
HTTPS: Final = Scheme(
    name="https",
    form="https://host/path",
    files="that one",
    commit="sha256 of the ETag, else of date and size",
    credentials="none",
)
S3: Final = Scheme(
    name="s3",
    form="s3://bucket/prefix",
    files="the objects below the prefix",
    commit="sha256 of their names and ETags",
    credentials="AWS's own: environment, files, the identity of pod or machine",
    extra="s3",
)
GS: Final = Scheme(
    name="gs",
    form="gs://bucket/prefix",
    files="the objects below the prefix",
    commit="sha256 of their names and ETags",
    credentials="Google's own: environment, files, the identity of pod or machine",
    extra="gs",
)
OCI: Final = Scheme(
    name="oci",
    form="oci://registry/repository[:tag|@digest]",
    files="those of an artifact; of an image those in `/models`, else all",
    commit="the digest that the tag means",
    credentials="`--token-file`, else `config.json` of `DOCKER_CONFIG` or `~/.docker`",
)
FILE: Final = Scheme(
    name="file",
    form="file:///directory",
    files="those of the directory, or of its manifest",
    commit="the manifest's, else sha256 of names, sizes and times",
    credentials="none",
)
SCHEMES: Final = (HF, HTTPS, S3, GS, OCI, FILE)
