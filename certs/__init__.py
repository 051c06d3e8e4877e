"""Certificates of the webhook: made in memory for development, or given in files."""
