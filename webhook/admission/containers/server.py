"""What a row of the catalogue of inference servers says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

PATH: Final = "{path}"
FILE: Final = "{file}"


def normal(flag: str) -> str:
    """Return an argument with hyphens, since several servers take both spellings."""
    return flag.replace("_", "-") if flag.startswith("-") else flag


def image_pattern(ends: Sequence[str]) -> str:
    """Return a regular expression for whole images, without digest, from *ends* of a catalogue.

    Python and RE2, the API server's, both understand it.
    """
    tagged = (end if ":" in end.replace("(?:", "") else rf"(?:{end})(?::[^/]*)?" for end in ends)
    return rf"(?:.*/)?(?:{'|'.join(tagged)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubCache:
    """Where a server looks for a model that it names by its hub name."""

    flags: tuple[str, ...] = ()
    """Arguments that set a place for weights."""
    variables: tuple[str, ...] = ("HF_HUB_CACHE",)
    """Variables that set the place. We set those that the author has not set."""
    older: tuple[str, ...] = ("HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE")
    """Variables that also set a place, for a part of the server, if the author has set them."""
    home: str = ""
    """What HF_HOME is in its images, if a part of the server looks only at $HF_HOME/hub. We never
    set HF_HOME: the server must be able to write there."""
    overrides: tuple[str, ...] = ()
    """Arguments and variables that name another directory with weights, in place of a cache."""
    offline: Mapping[str, str] = field(default_factory=lambda: {"HF_HUB_OFFLINE": "1"})
    """Variables with which the server asks no hub. Empty: it has no such mode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What is known of one inference server."""

    name: str
    images: tuple[str, ...] = ()
    """Regular expressions for the end of the image's repository; with a colon, for its tag too.
    RE2 must understand them: an API server matches them too."""
    other_images: tuple[str, ...] = ()
    """The same for images that `images` match, and that are not of this server."""
    commands: tuple[str, ...] = ()
    """Words, one after the other, by which a command is recognised: "vllm serve"."""
    entrypoint: str = ""
    """The program that the image starts, if its first argument says whether it serves."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables with which the server reads a directory: {path} is where the model is mounted, and
    {file} is the one file in it that the annotation `file` names."""
    model_flags: tuple[str, ...] = ("--model",)
    """Arguments and variables that name the model that it serves."""
    path_flag: str = ""
    """The argument that takes a path, if it is another one than that for a hub name."""
    reads_at: str = ""
    """The directory that it reads if it is given no model. No argument or variable names it."""
    takes_path: tuple[str, ...] = ()
    """Those of model_flags that take a path, and no hub name."""
    hub_flag: str = ""
    """The argument that takes a hub name, if it is not the first of model_flags."""
    file_formats: tuple[str, ...] = ()
    """Ends of the names of files that it reads by the argument for its model."""
    reads_file: bool = False
    """Whether it reads one file of a model, and no directory."""
    joins_flags: bool = True
    """Whether it takes --flag=value. Otherwise: only --flag value."""
    more_flags: tuple[str, ...] = ()
    """Arguments that name further models: tokenizers, drafts, adapters. Also as lists or JSON."""
    line_variables: tuple[str, ...] = ()
    """Variables that hold a line of arguments."""
    positional: bool = False
    """Whether a word without a flag may name the model."""
    config_flags: tuple[str, ...] = ()
    """Arguments with a file that may name the model too."""
    ignoring_words: tuple[str, ...] = ()
    """Those commands that take a word without a flag, and ignore it."""
    ignores_words: bool = False
    """Whether it runs by such a command."""
    revisions: tuple[str, ...] = ("--revision", "--model-revision", "REVISION", "HF_MODEL_REVISION")
    """Arguments and variables that set the revision of the model that it serves."""
    more_revisions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Argument with another revision → the arguments that name the model that has it. That is the
    served one, if there is none of these. All are written with hyphens."""
    names_revisions: bool = False
    """Whether a path stands for a hub name with what follows it: a revision or a quantisation."""
    served_name_flags: tuple[str, ...] = ()
    """Arguments that set the name of the model in the API. We add the first one if a path is the
    name without it, and there is no variable: clients would get 404."""
    served_name_variable: str | None = None
    """The variable that does the same. We set it."""
    name_separator: str = ""
    """What is between the names in that variable, if it serves several models: it needs a name for
    each, in their order."""
    path_as_name: str = "whole"
    """The name in the API that a path gives, if no other is set. "whole": the path. "last": its
    last part. "last two": its last two parts. "unused": the name is not compared, or has nothing to
    do with the path."""
    needs_hub_name: str = ""
    """Why the hub name is never replaced by a path, as the end of a sentence."""
    prefers_path: bool = False
    """Whether a path serves where the cache does not: its hub name is always replaced."""
    named_elsewhere: bool = False
    """Whether its models are named in files or by clients, which a review can't see."""
    asks_hub: str = ""
    """Why it may ask the hub for a model that is in its cache, as the end of a sentence."""
    cache: HubCache | None = None
    """How it reads a Hugging Face cache; None if it reads none."""
    old_builds: str = ""
    """A regular expression for images of builds that read no such cache."""
    own_format: str = ""
    """A format without which it can't read a model."""
    names_of_own_format: str = ""
    """A regular expression for the names of models that have it."""
    unserved: str = ""
    """Why it never reads a model that is named to it, and what to write, as the end of a
    sentence."""
    source: str = ""
    """Where these facts were read, with the version."""
    loads: frozenset[str] = field(init=False, default=frozenset())
    """model_flags and more_flags, with hyphens."""
    names: frozenset[str] = field(init=False, default=frozenset())
    """served_name_flags, with hyphens."""

    def __post_init__(self) -> None:
        """Compare arguments with hyphens, whatever the spelling in the row."""
        flags = (*self.model_flags, *self.more_flags)
        object.__setattr__(self, "loads", frozenset(map(normal, flags)))
        object.__setattr__(self, "names", frozenset(map(normal, self.served_name_flags)))

    @property
    def key(self) -> str:
        """Its name in the annotation `server`."""
        return self.name.lower()
