"""What is known of a model before any of its files is read.

schemes         CATALOGUE of sources, one row per scheme
source          how a model is named: org/name or a URI
layout          where a model is below the root of a store
model_document  the fields of a CachedModel document, and what each means
cached_model    a CachedModel: what the platform team says about a model
catalogue       all CachedModels, by name
formats         which files are pickles

Rule 1: all programs compute the paths of a store with layout, so that they agree.
Rule 2: nothing here does input or output.
"""
