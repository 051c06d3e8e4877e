"""Tests that share a cluster with one node."""
