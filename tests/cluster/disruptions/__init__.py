"""Tests that share two nodes and a release, and take replicas away."""
