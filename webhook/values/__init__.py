"""Read and write values: quantities, durations, paths, names.

quantity      bytes as Kubernetes writes them: 16Gi
duration      times as Kubernetes writes them: 1h30m
paths         absolute and relative paths, and whether two of them meet
readers       one function for each kind of value of an annotation
text          text from outside, made safe to print
shape         whether the fields of an object have the types that we read
constraints   whether they keep the limits of those types, and are known
lenient       leaves out the fields that are not known, and names them
mistakes      collects every mistake, to report them together

Rule 1: ValueError says what is wrong with the text, and what to write instead.
Rule 2: nothing here knows Kubernetes objects, models or stores.
"""
