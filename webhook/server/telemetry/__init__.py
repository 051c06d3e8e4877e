"""What operators see of a server: metrics and the log.

decisions   one decision, counted and logged
metrics     the metrics of the process: add one here
tallies     counters that every review touches, as plain numbers
log         one structured line an event
log_lines   lines, written by a thread so that the event loop does not wait

Rule 1: a label has few values, and none that a user writes.
Rule 2: no line, no label and no name holds a secret or an unescaped user's text.
"""
