"""List models, and the progress of downloads: modelcache status.

store           the models of a store: published, incomplete, being loaded
store_report    that report, for people and for programs
cluster         the models of a cluster: pods that read them, loaders, nodes that hold them
cluster_report  that report, for people and for programs
loaders         Jobs and DaemonSets that load, and their pods

Rule 1: it changes nothing.
Rule 2: what it has no permission to read is listed at the end; the rest is shown.
"""
