"""A directory of published models, for anyone who writes or reads one.

contents      what a store holds
manifest      the files of a published model, with sizes and digests
digests       the digests that a manifest has of a file
incoming      where a model is while it is written, and whose turn it is
publication   the rename by which readers see a model
last_use      when a loader last asked for a model
readers       which stores and models a pod mounts
verify        whether a model is complete: modelcache verify
safetensors   lengths and shards, by the headers of the files
file_system   what is mounted here
memory_limit  whether a write to memory would exceed the container's limit

Rule 1: for readers a model is there or not. Everything else is below .incoming.
Rule 2: a process may be killed at any line; the next one goes on or cleans up.
"""
