"""CATALOGUE of rules: add one here."""

from typing import Final

from webhook.admission.policy.rules.allowed_models import AllowedModels
from webhook.admission.policy.rules.allowed_strategies import AllowedStrategies
from webhook.admission.policy.rules.host_path_roots import HostPathRoots
from webhook.admission.policy.rules.max_memory_model import MaxMemoryModel
from webhook.admission.policy.rules.max_shared_memory import MaxSharedMemory
from webhook.admission.policy.rules.pinned_revisions import PinnedRevisions
from webhook.admission.policy.rules.read_only_mounts import ReadOnlyMounts
from webhook.admission.policy.rules.require_model import RequireModel
from webhook.admission.policy.rules.rule import Rule
from webhook.admission.policy.rules.safetensors_only import SafetensorsOnly
from webhook.admission.policy.rules.served_from_cache import ServedFromCache
from webhook.admission.policy.rules.shared_claims import SharedClaims

RULES: Final[tuple[type[Rule], ...]] = (
    AllowedStrategies,
    AllowedModels,
    MaxMemoryModel,
    ReadOnlyMounts,
    HostPathRoots,
    PinnedRevisions,
    SafetensorsOnly,
    MaxSharedMemory,
    SharedClaims,
    RequireModel,
    ServedFromCache,
)
"""In the order of their codes, and of the table in the manual."""
BY_NAME: Final[dict[str, type[Rule]]] = {rule.name: rule for rule in RULES}
