"""Recognise containers that request an accelerator: a GPU, a TPU or the like."""

import re
from typing import Final

from webhook.objects.container import Container

ACCELERATORS: Final = re.compile(
    r"(?:.*\.)?nvidia\.com/(?:gpu|mig-).*|amd\.com/gpu.*|gpu\.intel\.com/.*|habana\.ai/.*"
    r"|google\.com/tpu|aws\.amazon\.com/neuron.*|huawei\.com/.*|cambricon\.com/.*"
    r"|cloud-tpus\.google\.com/.*|[a-z0-9.-]+/(?:v?gpu|npu|tpu|xpu|vcuda-core)"
)
"""The extended resources of accelerators, as their device plugins name them."""


def requests_accelerator(container: Container) -> bool:
    """Whether the container requests an accelerator: such a resource, or a DRA claim."""
    resources = container.resources
    if resources is None:
        return False
    names = (*(resources.limits or ()), *(resources.requests or ()))
    return bool(resources.claims) or any(
        ACCELERATORS.fullmatch(n)
        and str((resources.limits or {}).get(n, (resources.requests or {}).get(n))) != "0"
        for n in names
    )
