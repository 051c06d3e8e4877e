"""Text to values and back: quantities, durations, paths, names.

quantity   bytes as Kubernetes writes them: 16Gi
duration   times as Kubernetes writes them: 1h30m
paths      absolute and relative paths, and whether two of them meet
readers    one function for each kind of annotation value
text       text of others, made safe to print
shape      whether an object has the types that we read
mistakes   collects every mistake before anything is refused

Rule 1: ValueError says what is wrong with the text, and what would be right.
Rule 2: nothing here knows Kubernetes objects, models or stores.
"""
