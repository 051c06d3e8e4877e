"""The Kubernetes objects that fill a store with `modelcache load`, as YAML.

Unusual fields carry the reason for them, which becomes a comment.
"""
