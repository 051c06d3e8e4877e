"""Decide what the containers of a pod gain.

choice        which containers get the mount, and which one is the target
readings      how a container reads each model: from its path, from a cache, or not at all
mentions      the places at which a container names a model
references    the places at which it names the path of a model, or our variable with it
own_model     what it gives to its server as the model
other_models  models that it names, and nobody annotated
texts         what a container runs: its words and variables
shell         words of a shell command
shell_variables   values of a shell's variables
started       what the commands in front of a server do to its variables
revisions     which revision of a model a server is asked for
hub_cache     where a container looks for a Hugging Face cache
gains         what one container still lacks
mounts        where models are mounted, and what conflicts with that
environment   variables
arguments     names of models, replaced by their paths
reading_remarks   warnings about models that a container will not read from its mount
offline_remarks   warnings about what the offline mode of a server breaks
advice        the words to write so that a server reads a model from its mount
own_downloads warnings about commands of the author's that download
shm           shared memory, at /dev/shm
server        what a row of the catalogue of servers says
servers       CATALOGUE of inference servers: add one here; and what only looks like one
accelerators  CATALOGUE of accelerators
sidecars      CATALOGUE of proxies and agents of other tools

Rule 1: what the author wrote stays. A variable, mount or argument that is set is left alone, except
the name of a model that is replaced by its path.
Rule 2: everything specific to one server is in its row of servers.
"""
