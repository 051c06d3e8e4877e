"""What is known of a model before anything is read of it.

source        how a model is named: hf://, s3://, gs://, https://, oci://
layout        where a model lies below the root of a store
cached_model  a CachedModel: what the platform team says of a model
catalogue     all CachedModels, by name

Rule 1: every program computes paths of a store with layout, so that they agree.
Rule 2: nothing here does input or output.
"""
