"""Tests of tests/kubernetes: what it starts, and that nothing of it is left behind."""
