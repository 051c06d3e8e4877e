"""From a source into a store: what modelcache load does, each part by the field's word for it.

load                what happens in which order
incoming            where a model is while it is written, and whose turn it is
transfer, attempts  files in parallel, resumed, checked, tried again
publication         the manifest, and the rename by which readers see the model
hub, https, s3, gs, oci, directory   origins: what a source has, and its bytes
registry, docker_config     the registry that oci asks, and who we are there
image, layers       archives that have the files of a model
patterns, file_names    which files are wanted, and which names are refused
authorities         whom servers are signed by
http_body, status, bucket   what several origins have in common
origin, schemes     what all origins answer, and what there is of them
"""
