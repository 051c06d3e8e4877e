"""CATALOGUE of the rules that concern every pod, in CEL: add one here."""

from typing import Final

from webhook.rule_policies.host_path_roots import HOST_PATH_ROOTS
from webhook.rule_policies.judged import InCel
from webhook.rule_policies.read_only_mounts import READ_ONLY_MOUNTS
from webhook.rule_policies.require_model import REQUIRE_MODEL

IN_CEL: Final[tuple[InCel, ...]] = (READ_ONLY_MOUNTS, HOST_PATH_ROOTS, REQUIRE_MODEL)
"""In the order of the catalogue of rules, which is that of the findings in a message."""
