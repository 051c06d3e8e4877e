"""Metrics and the log: what operators see of a server.

decisions   counts and logs each decision
metrics     the metrics of the process: add a new one here
tallies     fast counters, for metrics that every review touches
log         writes one structured line per event
log_lines   writes lines in a thread, so that the event loop does not wait

Rule 1: a label has few values, and users write none of them.
Rule 2: no line and no label holds a secret or unescaped text from a user.
"""
