"""Measure the webhook and a naive webhook for comparison: `make bench`."""
