"""Tests that share a cluster with two nodes."""
