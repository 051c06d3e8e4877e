"""Tests, in a folder for each part of the product, and what they run on.

cases/       pods and what becomes of them: one folder is one behaviour
admission/   the core: one pod, one decision, without input and output
server/ certs/ api_server/ cli/ loading/ store/ storage_bench/ benchmarks/ docs/    one part each
cluster/     tests with real clusters; the tests of one folder share its cluster
kubernetes/  starts these clusters: API servers, nodes, networks
images/      builds the images that nodes run
hub/         a Hub with faults, from which tests load models
"""
