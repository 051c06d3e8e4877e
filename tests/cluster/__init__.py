"""Tests with real clusters: those of one folder share its cluster, and run in one process."""
