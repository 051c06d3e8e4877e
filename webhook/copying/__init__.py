"""From a store into memory: modelcache copy, the loader of strategy emptyDir.

copy           the copy as a whole: what it checks, in which order
model_tree     the files and links of a model's directory
parallel_copy  several readers, block by block, hashed on the way

Rule 1: a copy is whole or it is not there. config.json and the manifest come last.
Rule 2: memory is asked for before the first byte.
"""
