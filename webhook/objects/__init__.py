"""The fields of Kubernetes objects that are read, and nothing else.

The decoder skips fields that are not listed here. They can't be lost, because only a
patch is written back. None means absent or null: a patch has to distinguish that from an
empty list. A decision may read only these fields: answers are kept and found by them.
"""
