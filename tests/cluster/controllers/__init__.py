"""Tests that share an API server, with which they run controllers."""
