"""Remove models that nobody needs from a store: modelcache prune.

prune        the steps, in their order: begin here
options      the options, and what they mean together
choice       which models are removed, and why others stay
protection   which models pods may read
leftovers    what loaders are writing, or left when they ended
removal      the removal of one model
cluster      the pods of a cluster, and the labels of a node
whereabouts  by which claim or directory pods reach the store
outcome      the report, for people and for programs

Rule 1: a model stays unless it is known to be unused.
Rule 2: readers see a whole model or none, even during its removal.
"""
