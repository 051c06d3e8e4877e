"""modelcache: a mutating admission webhook that gives pods a shared model volume.

A review goes bytes → Review → Decision → bytes. The core decides and knows no
HTTP, no clock, no files; the shell around it does. From the outside in:

    cli, commands/              what people type
    serve, shutdown, http/      listen, drain, stop; ports and their connections
    admission, review, response    bytes in, bytes out
    telemetry, log, self_check  what is told of a review; our own patch, tried
    controller/                 the process that keeps certificates and bundle, and turns strict
    doctor/                     what is wrong with an installation, asked of the cluster
    kubernetes_api              requests to the API server, of these two
    offline/, documents/        the same decisions for files, without a cluster
    copy, verify                the programs of our init containers

    admit, workload             the story of one pod, of one workload
    reading, request            what a pod asks for: the annotations
    policy, catalogue           what the platform team wrote: CachePolicy, CachedModel
    strategies/, servers        CATALOGUES: volumes and inference servers
    plan, patch                 what a pod lacks, and how that is written
    containers, mounts, correction, init_containers/, placement    its parts
    memory, limits, codes       the arithmetic; LimitRange and quota; refusals and warnings
    objects/, facts             the fields of Kubernetes objects that are read
"""

__version__ = "0.1.0"
