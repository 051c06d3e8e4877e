"""modelcache: a mutating admission webhook that gives pods a shared model volume.

A review goes bytes → Review → Decision → bytes. The core decides and knows no
HTTP, no clock, no files; the shell around it does. From the outside in:

    cli, __main__          the commands
    serve, http/           listen, drain, stop; ports and their connections
    admission, review, response    bytes in, bytes out
    inject, offline        the same decisions for files, without a cluster
    documents, yamltext    cut files apart; keep their author's lines
    copy, verify           the programs of our init containers
    telemetry, log, self_check, snapshot, present
    admit, workload        the story of one pod, of one workload
    patch, plan            what a pod lacks, and how that is written
    strategies, servers, memory, request, catalogue, policy ...
"""

__version__ = "0.1.0"
