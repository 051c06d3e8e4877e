"""Measurements of the webhook beside the one that everybody writes: `make bench`."""
