"""Copy models from a store into memory: modelcache copy, which strategy emptyDir runs.

copy           the whole copy: what it checks, and in which order
destination    whether a destination may be emptied, and what that frees
model_tree     the files and links in a model's directory
parallel_copy  several threads copy files block by block, and hash them

Rule 1: a copy is whole or absent. config.json and the manifest come last.
Rule 2: space and memory are checked before the first byte.
"""
