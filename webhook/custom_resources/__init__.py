"""The CustomResourceDefinitions of CachedModel and CachePolicy, from their declarations.

definitions      both of them
cached_models    that of CachedModel
cache_policies   that of CachePolicy
definition       what both have: names, columns, conditions
forms            what a reader of text accepts, as CEL
schema           a struct as a structural schema

Rule 1: a field, its meaning and its limits are declared where they are read. Here they only
change their form.
Rule 2: what needs a newer API server than the chart's oldest is not used.
"""
