"""The ValidatingAdmissionPolicies with which an API server itself enforces rules of CachePolicies.

policies           the policies, one for each mode, and their bindings
catalogue          CATALOGUE of the rules that concern every pod: add one here
read_only_mounts   each of these rules in CEL
host_path_roots
require_model
containers         the image of a server, and accelerators
matching           resources and namespaces that policies concern
judged             a rule in CEL, and what every such rule reads of an object and a CachePolicy

Rule 1: a rule is declared in admission/policy/rules. Its texts, defaults and patterns are taken
from there, and tests/cluster/rule_policies compares the verdicts.
Rule 2: what needs a newer API server than 1.30 is not used.
"""
