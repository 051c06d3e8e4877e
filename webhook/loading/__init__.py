"""modelcache load: download a model into a store.

load                the steps, in order: begin here
options             what is to be loaded, and how
origins/            CATALOGUE of sources: they list files, and read their bytes
layers              unpacks the layers of an image
transfer            downloads files in parallel, resumes and checks them
patience            attempts and waits, until the deadline
threads             calls that nobody has to wait for
arriving            the digests of a file while it arrives
shards              whether the source has what an index names
patterns            which files of a source are wanted
abilities           what the file system of the store can do
hub_cache           makes a model a Hugging Face cache too
defaults            those of a repository if nobody names others
quantisations       those of one quantisation in GGUF
capacity            whether the store has room, before the first byte
published           what the store has already
in_cluster/         a Lease, and the label of a node

Rule 1: a loader may be killed at any moment. The next one continues where it stopped.
Rule 2: nothing is published before it was compared with the source's sizes and digests.
"""
