"""What may go from a store, and how it goes: modelcache prune.

prune        what happens in which order: begin here
options      what is asked for
choice       which models go, and why others stay
protection   which models pods may read
leftovers    what loaders are writing, or left behind
removal      a model out of the store
cluster      which pods there are, and what a node says that it holds
whereabouts  where pods meet the store
outcome      what became of each model, as people and programs read it

Rule 1: what can't be known to be unused stays.
Rule 2: a reader sees a model whole or not at all, also while it goes.
"""
