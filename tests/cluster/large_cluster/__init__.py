"""A cluster with as many objects as a large company has, and the webhook that watches it."""
