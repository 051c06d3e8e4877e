"""Measure how fast a store can be read: modelcache bench-storage.

Memory is limited to a buffer of 4Mi for each reader and one mapping of 64Mi. Reads also fill the
page cache, which the kernel takes back when it needs memory.
"""
