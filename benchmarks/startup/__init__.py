"""Seconds until a pod serves: shared models beside a download at every start."""
