"""What the platform team decides.

documents     CachePolicy and CachedModel documents, read together
cache_policy  one CachePolicy: defaults for annotations, by namespace

Rule 1: if several policies select a namespace, the one with the highest priority wins.
Rule 2: a document that can't be read is an error of whoever loads it, with every mistake at once;
it never reaches a review.
"""
