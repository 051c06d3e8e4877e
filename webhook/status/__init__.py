"""List models, and the progress of downloads: modelcache status.

store      the models of a store: published, incomplete, being loaded
cluster    the models of a cluster: which pods read them, what loads them, which nodes hold them
loaders    Jobs and DaemonSets that load, and their pods
*_report   the reports, for people and for programs

Rule 1: it changes nothing.
Rule 2: what it has no permission to read is listed at the end; the rest is shown.
"""
