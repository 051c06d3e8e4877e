"""What a row of the catalogue of inference servers says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

PATH: Final = "{path}"
FILE: Final = "{file}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubCache:
    """Where a server looks for a model that it names by its hub name."""

    flags: tuple[str, ...] = ()
    """Arguments that set a place for weights."""
    variables: tuple[str, ...] = ("HF_HUB_CACHE",)
    """Variables that set the place. We set those that the author has not set."""
    older: tuple[str, ...] = ("HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE")
    """Variables that also set a place, for a part of the server, if the author has set them."""
    offline: Mapping[str, str] = field(default_factory=lambda: {"HF_HUB_OFFLINE": "1"})
    """Variables with which the server asks no hub. Empty: it has no such mode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What is known of one inference server."""

    name: str
    images: tuple[str, ...] = ()
    """Regular expressions for the end of the image's repository."""
    commands: tuple[str, ...] = ()
    """Words, one after the other, by which a command is recognised: "vllm serve"."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables with which the server reads a directory: {path} is where the model is mounted, and
    {file} is the one file in it that the annotation `file` names."""
    model_flags: tuple[str, ...] = ("--model",)
    """Arguments and variables that name the model that it serves."""
    file_flag: str = ""
    """The argument that names one file of a model, if the server reads files."""
    more_flags: tuple[str, ...] = ()
    """Arguments that name further models: tokenizers, drafts, adapters. Also as lists or JSON."""
    positional: bool = False
    """Whether a word without a flag may name the model."""
    served_name_flags: tuple[str, ...] = ()
    """Arguments that set the name of the model in the API. We add the first one. Without it the
    server answers only to the path, and clients get 404."""
    served_name_variable: str | None = None
    """The variable that does the same. We set it if there is no such argument."""
    named_elsewhere: bool = False
    """Whether its models are named in files or by clients, which a review can't see."""
    cache: HubCache | None = None
    """How it reads a Hugging Face cache; None if it reads none."""
    source: str = ""
    """Where these facts were read, with the version."""
