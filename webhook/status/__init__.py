"""Which models there are, and how far those are that are loaded: modelcache status.

store      of a store: published, incomplete, being loaded
cluster    of a cluster: who reads which model, which loaders there are, what nodes hold
loader     of one Job or DaemonSet that loads, and its pods
*_report   as people and programs read it
"""
