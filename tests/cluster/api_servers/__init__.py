"""Tests that share two API servers without nodes: the newest Kubernetes, and 1.34."""
