"""The decisions of the cluster for files, without a cluster: inject and check."""
