"""Which models there are, and the progress of downloads: modelcache status.

store      of a store: published, incomplete, being loaded
cluster    of a cluster: who reads which model, which loaders there are, what nodes hold
loaders    Jobs and DaemonSets that load, and their pods
*_report   as people and programs read it

Rule 1: it changes nothing.
Rule 2: what may not be asked is said at the end; the rest is shown.
"""
