"""What is known of a model before anything is read of it.

schemes       CATALOGUE of sources, one row a scheme
source        how a model is named: org/name or a URI
layout        where a model lies below the root of a store
cached_model  a CachedModel: what the platform team says of a model
catalogue     all CachedModels, by name

Rule 1: every program computes paths of a store with layout, so that they agree.
Rule 2: nothing here does input or output.
"""
