"""Decide about objects in files as the webhook would, without a cluster: inject and check."""
