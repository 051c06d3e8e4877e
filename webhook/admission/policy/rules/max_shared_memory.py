"""Rule maxSharedMemory."""

from typing import Annotated

from msgspec import Meta

from webhook.admission.policy.rules.rule import Rule, Size


class MaxSharedMemory(Rule, frozen=True):
    """Refuses a larger /dev/shm."""

    name = "maxSharedMemory"
    code = "MC038"

    size: Annotated[Size, Meta(description="The most bytes of /dev/shm.")]
