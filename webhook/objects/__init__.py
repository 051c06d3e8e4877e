"""The fields of Kubernetes objects that are read, and nothing else.

pod, container, volume, affinity  a pod and its parts
workload, meta                    a workload and its templates; the metadata of all objects
workload_kinds, template_search   where objects of known and unknown kinds describe their pods
facts                             the state of the cluster at the moment of one review
kinds, cluster_object             the objects that Facts are made of, and how they are read
defaulting                        what the API server fills in before a webhook sees a pod
label_selector                    how a CachePolicy selects namespaces
windows                           which pods only nodes with Windows can run
names, restricted                 the names of what we add; security contexts
cel                               values as CEL, the language of admission policies
json, json_patch                  JSON objects, and operations on them (RFC 6902)

Rule 1: the decoder skips fields that are not listed here. They can't be lost, because only a patch
is written back. None means absent or null: a patch has to distinguish that from an empty list.
Rule 2: a decision may read only these fields: answers are kept and found by them.
"""
