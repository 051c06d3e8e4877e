"""Measure how fast a store can be read: modelcache bench-storage.

options                     the options, and the run: begin here
target, found, scratch      what is read: files of a store, or a scratch file
measurement                 all kinds of reads, in rounds
readers, mapped             reads by read(2); reads by page faults
page_faults                 the program that touches the pages
page_cache                  which pages are in memory
span, interruption          blocks for readers; an end between two blocks
result, row, hint           the rates, and what they advise
report, svg                 the result for people and programs, and as a picture

Rule 1: files of a store are never written to.
Rule 2: memory is limited to a buffer of 4Mi for each reader and one mapping of 64Mi. Reads also
fill the page cache, which the kernel takes back when it needs memory.
"""
