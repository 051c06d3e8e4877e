"""Render the Kubernetes objects that fill a store with `modelcache load`, as YAML.

An unusual field has its reason with it, which becomes a comment in the YAML.
"""
