"""Rule hostPathRoots."""

from typing import Annotated

from msgspec import Meta

from webhook.admission.policy.rules.rule import SET, Directory, Rule, Writers


class HostPathRoots(Rule, frozen=True):
    """Refuses node caches outside the roots, and hostPath volumes of pods that reach into one."""

    name = "hostPathRoots"
    code = "MC035"

    roots: Annotated[
        tuple[Directory, ...],
        Meta(
            description="The directories of nodes that hold models.",
            min_length=1,
            max_length=16,
            extra_json_schema=SET,
        ),
    ]
    writers: Writers = ("modelcache-loader",)
