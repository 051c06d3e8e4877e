"""Measure the webhook while it watches a large cluster that changes."""
