"""modelcache: a mutating admission webhook that gives pods a shared model volume.

Each command has a package, and its options are in cli/NAME.py. Below the commands are libraries,
each named after what it knows. `lint-imports` checks that imports go down this list only.

    cli/                what people type: one module a command, the options they share
    server/             serve: the webhook
        http/             ports, connections and their limits
        reviews/          bytes -> Review -> Decision -> bytes
        telemetry/        metrics, and the log
    controller/         the process next to the server that talks to the API server
        installation/     what it keeps: certificates, the registration, strictness, Events
    doctor/             doctor: what is wrong with an installation
    offline/            inject and check: the decisions of the cluster, for files
    rendering/          render: the objects that fill a store
    loading/            load: from a source into a store
        origins/          CATALOGUE of download sources
        in_cluster/       what a loader asks of the API server
    copying/            copy: from a store into memory
    pruning/            prune: what may go from a store
    status/             status: which models there are, and how far loaders are
    storage_bench/      bench-storage: how fast a store can be read

    custom_resources/   the schemas of CachedModel and CachePolicy for the API server
    rule_policies/      the policies by which the API server itself enforces rules

    admission/          one pod, one decision; begin with admit
        request/          what the pod requests: its annotations
        policy/           what the platform team decides: CachePolicy
        strategies/       CATALOGUE of volumes
        containers/       what containers gain; CATALOGUE of inference servers
        init_containers/  the containers we add
    store/              a directory of published models; verify
    models/             what is known of a model: its source, its place in a store, its CachedModel
    documents/          files of YAML
    objects/            Kubernetes objects, as far as we read them
    terminal/           what people see: lines, tables, progress
    values/             quantities, durations, paths: text to values and back
    api_server/         every request to the API server

Rule 1: admission, models, objects and values do no input and no output: no file, no clock, no
client. What they need to know is an argument.
Rule 2: ValueError says what is wrong: the place, the fault, and what would be right. The command
that the user typed prints it; nothing in between catches it.
"""

__version__ = "0.1.0"
