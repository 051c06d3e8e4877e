"""Tests that share two nodes, and install, change and remove the release on them."""
