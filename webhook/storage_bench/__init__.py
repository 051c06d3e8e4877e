"""How fast a store can be read: modelcache bench-storage.

Memory is bounded: a buffer of 4Mi for each reader, and 64Mi of one mapping. What else
a read leaves is page cache, which the kernel takes back when it needs memory.
"""
