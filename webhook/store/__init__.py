"""Read and write a store: a directory of published models.

contents      what a store holds
manifest      the files of a published model, with sizes and digests
digests       the digests that a manifest has of a file
incoming      the folder of a model that is being written, and which loader's turn it is
cached_snapshots  a model in a Hugging Face cache that other programs filled
hub_cache     the same model as a Hugging Face cache, by hard links
publication   the rename that makes a model visible to readers
replaced      a whole model in the place of a damaged one
last_use      when a loader last requested a model
readers       which stores and models pods mount
verify        whether a model is complete: modelcache verify
tree          the files below a directory, through links to folders too
weights       whether one file of weights is whole, by its format
safetensors   lengths, from the headers of the files
gguf          the same for GGUF files
shards        which shards are missing: by an index, or by their numbers
alike         names that a file system can't tell apart
file_system   what is mounted here
space         what a full file system has left
memory_limit  whether a write to a tmpfs would exceed the container's memory limit

Rule 1: readers see a whole model or none. Everything else is below .incoming.
Rule 2: a process may be killed at any line; the next one continues or cleans up.
"""
