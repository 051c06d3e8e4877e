"""From a source into a store: modelcache load.

load                what happens in which order: begin here
options             what is to be loaded, and how
origins/            CATALOGUE of sources: what each has, and its bytes
layers              archives that have the files of a model
transfer            files in parallel, resumed and checked
patience            attempts and waits, until the deadline
arriving            the digest of a file while it arrives
patterns            which files are wanted
capacity            room in the store, asked for before the first byte
published           what is in the store already
in_cluster/         Lease and node labels

Rule 1: a loader may be killed at any moment. The next one goes on where it stopped.
Rule 2: nothing is published that was not compared with what the source says of it.
"""
