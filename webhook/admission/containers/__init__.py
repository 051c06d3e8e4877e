"""Decide what the containers of a pod gain.

choice        which containers get the mount, and which one is the target
gains         what one container still lacks
mounts        where models are mounted, and what conflicts with that
environment   variables
arguments     arguments that name a model
shm           shared memory, at /dev/shm
servers       CATALOGUE of inference servers: add one here
accelerators  CATALOGUE of accelerators

Rule 1: what the author wrote stays. A variable, mount or argument that is set is left alone.
Rule 2: everything specific to one server is in its row of servers.
"""
