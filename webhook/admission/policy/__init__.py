"""Read what the platform team decides: defaults for annotations, and models.

documents     read CachePolicy and CachedModel documents together
cache_policy  read one CachePolicy
rules/        CATALOGUE of what a CachePolicy can refuse

Rule 1: if several policies select a namespace, the one with the highest priority wins.
Rule 2: a document that can't be read is an error when it is loaded, and reports every mistake
at once. It never reaches a review.
"""
