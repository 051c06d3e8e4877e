"""Declare the fields of a CachedModel document: what each means, and which values it takes.

It is said once, with the type of the field. The reader, the schema of the
CustomResourceDefinition and the table in docs/platform.md use it.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from webhook.values.paths import LONGEST_PATH

LONGEST_NAME: Final = 120
"""Characters of the name of a CachedModel: pods have it in an annotation, among others."""
_Name = Annotated[
    str,
    Meta(
        max_length=253,
        pattern="^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
        extra={"is": "a name such as hub-token"},
    ),
]
_Pattern = Annotated[str, Meta(min_length=1, max_length=200)]
_Patterns = Annotated[tuple[_Pattern, ...], Meta(max_length=64)]


class Strict(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A part of a document whose unknown fields are errors."""


class ModelFiles(Strict, frozen=True):
    """Which files of the source loaders store, by patterns such as *.safetensors."""

    allow: Annotated[
        _Patterns,
        Meta(
            description="Files that are stored. Default: weights, tokenizer, configuration, code."
        ),
    ] = ()
    ignore: Annotated[
        _Patterns, Meta(description="Files that are left out of those, although allowed.")
    ] = ()


class SecretKey(Strict, frozen=True):
    """The key of a Secret with the token of the source, for loaders. Admission never reads it."""

    name: Annotated[_Name, Meta(description="Name of the Secret.")]
    key: Annotated[
        str,
        Meta(
            max_length=253,
            pattern="^[-._a-zA-Z0-9]+$",
            extra={"is": "a key of a Secret such as token"},
            description="Key in it that has the token.",
        ),
    ] = "token"
    namespace: (
        Annotated[
            str,
            Meta(
                max_length=63,
                pattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
                extra={"is": "the name of a namespace"},
                description="Namespace of the Secret. Default: the one where the loader runs.",
            ),
        ]
        | None
    ) = None


class ModelSpec(Strict, frozen=True):
    """What the platform team says about a model."""

    source: Annotated[
        str,
        Meta(
            max_length=512,
            description=(
                "Where the model comes from: org/name[:quantisation][@revision], or a URI of hf, "
                "s3, gs, https, oci or ollama. A pod that gives this source as its model gets this "
                "entry too. In the cluster only the revision after @ can change: another model is "
                "another object."
            ),
        ),
    ]
    directory: (
        Annotated[
            str,
            Meta(
                max_length=LONGEST_PATH,
                description=(
                    "Where the model is below the root of a store, if somebody filled it by hand. "
                    "Default: the layout of the store."
                ),
            ),
        ]
        | None
    ) = None
    files: Annotated[
        ModelFiles,
        Meta(description="Which files of the source loaders store, as patterns."),
    ] = ModelFiles()
    file: (
        Annotated[
            str,
            Meta(
                max_length=LONGEST_PATH,
                description=(
                    "One file in the model that a server is pointed at, such as a .gguf file. "
                    "Loaders then take that file, with all its parts, and the *.json and *.jinja "
                    "files, unless files.allow names others."
                ),
            ),
        ]
        | None
    ) = None
    size: Annotated[
        Annotated[str, Meta(max_length=32)] | int | None,
        Meta(
            description="Bytes of the model, as a quantity such as 16Gi. status.bytes replaces it."
        ),
    ] = None
    image: (
        Annotated[
            str,
            Meta(
                max_length=512,
                description=(
                    "The image that holds the model (strategy image): an OCI reference by digest."
                ),
            ),
        ]
        | None
    ) = None
    token_secret_ref: (
        Annotated[
            SecretKey,
            Meta(
                description=(
                    "The Secret with the token of the source. `modelcache render` gives it to "
                    "loaders; admission never reads it."
                )
            ),
        ]
        | None
    ) = None
    strategies: Annotated[
        tuple[str, ...],
        Meta(
            max_length=8,
            description=(
                "The strategies that the model may be used with, in the order in which auto tries "
                "them. Default: all."
            ),
        ),
    ] = ()


class Condition(msgspec.Struct, frozen=True):
    """A condition, as all Kubernetes objects have them."""

    type: Annotated[str, Meta(max_length=64, description="What it is about, such as Ready.")]
    status: Annotated[str, Meta(max_length=16, description="True, False or Unknown.")]
    reason: Annotated[str, Meta(max_length=64, description="Why, in one word.")] = ""
    message: Annotated[str, Meta(max_length=1024, description="Why, in words.")] = ""


class StoreStatus(msgspec.Struct, frozen=True):
    """What became of one of the stores that shall hold a model."""

    name: Annotated[str, Meta(max_length=40, description="Name of the store.")]
    state: Annotated[str, Meta(max_length=64, description="Its state, such as Loading.")]


class ModelStatus(msgspec.Struct, frozen=True, rename="camel"):
    """What a loader found out about the model."""

    revision: (
        Annotated[
            str,
            Meta(
                max_length=128,
                pattern="^([A-Za-z0-9][A-Za-z0-9_.+-]*|sha256:[0-9a-f]{64})$",
                description="The commit or digest that the stores hold. It replaces spec's.",
                extra={"is": "a commit, a branch, a tag or a digest"},
            ),
        ]
        | None
    ) = None
    bytes: (
        Annotated[
            int,
            Meta(ge=0, description="The exact bytes of the model. They replace spec.size."),
        ]
        | None
    ) = None
    formats: (
        Annotated[
            tuple[Annotated[str, Meta(max_length=32)], ...],
            Meta(
                max_length=16,
                description="The formats of its weights, such as safetensors and pickle.",
            ),
        ]
        | None
    ) = None
    stores: Annotated[
        tuple[StoreStatus, ...],
        Meta(max_length=32, description="The state of each store that shall hold the model."),
    ] = ()
    conditions: Annotated[
        tuple[Condition, ...],
        Meta(
            max_length=16,
            description=(
                "Ready: whether the stores hold the model. While it is False and none does, pods "
                "are told that they wait."
            ),
        ),
    ] = ()


class Named(msgspec.Struct, frozen=True):
    """The metadata that is read."""

    name: str


class ModelDocument(Strict, frozen=True):
    """A whole CachedModel document."""

    metadata: Named
    spec: ModelSpec
    api_version: str | None = None
    kind: str | None = None
    status: ModelStatus | None = None
