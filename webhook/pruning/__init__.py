"""What may go from a store, and how it goes: modelcache prune.

prune             what happens in which order
outcome           what became of each model, as people and programs read it
choice            which models go, and why others stay
protection        what pods may read, what loaders have left
removal, node     out of the store; the label of the node before
order, whereabouts  what is asked for; where pods meet the store
"""
