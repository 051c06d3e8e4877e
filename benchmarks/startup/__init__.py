"""Measure the seconds until a pod serves, with shared models and with a download at each start."""
