"""The options of modelcache render."""

from typing import Annotated, Final

import typer

from webhook.cli.exit_status import fail
from webhook.cli.options import LOADERS, Policies, cache_of_hub, value
from webhook.models.schemes import REMOTE
from webhook.rendering.kinds import Kind

app = typer.Typer()
_CLAIM: Final = "Claim"
_NODES: Final = "DaemonSet"
_PODS: Final = "Pods"
_PRUNE: Final = "Prune"


@app.command(
    epilog="Example: modelcache render mistral-7b-instruct --storage-class nfs | kubectl apply -f-",
    short_help="Print Kubernetes objects that fill a store, or inject models without a server.",
    help="Print the Kubernetes objects that fill a store with `modelcache load`, as YAML: a claim "
    "for all models, and for each model a Job that loads it there, or a DaemonSet that loads it "
    "into a directory of each node. --kind node-labels: the permission of the DaemonSet, if it is "
    "printed too, to label nodes that hold a model. --kind lease: a Lease for each model and the "
    "permission to hold it, so that of the Jobs that are printed too one downloads at a time. "
    "MODEL: a CachedModel of --policy or of the built-in catalogue, org/name, org/name@revision, "
    f"or a URI ({', '.join(REMOTE)}). --kind admission-policy: policies with which an API server "
    "of 1.36 or later injects models itself, by the documents of --policy; give no MODEL. "
    "--kind prune: a CronJob that removes models that nobody needs from the claim, and its "
    "permissions; alone, it needs no MODEL. "
    "Exit status 2: something is wrong, and nothing is printed.",
)
def render(
    models: Annotated[
        list[str] | None, typer.Argument(metavar="MODEL ...", show_default=False)
    ] = None,
    *,
    kind: Annotated[
        list[Kind] | None,
        typer.Option(help="What to print; repeatable. Default: pvc and job.", show_default=False),
    ] = None,
    namespace: Annotated[
        str | None, value("NAME", "Default: omit metadata.namespace.", "--namespace", "-n")
    ] = None,
    policy: Policies = None,
    claim: Annotated[
        str | None,
        value(
            "NAME",
            "Default: model-store. If given, a DaemonSet copies from it, and downloads nothing.",
            panel=_CLAIM,
        ),
    ] = None,
    storage_class: Annotated[
        str | None, value("NAME", "StorageClass of the claim.", panel=_CLAIM)
    ] = None,
    size: Annotated[
        str | None,
        value(
            "QUANTITY", "Size of the claim; default: twice the size of the models.", panel=_CLAIM
        ),
    ] = None,
    image: Annotated[str | None, value("IMAGE", "The image of modelcache.", panel=LOADERS)] = None,
    token_secret: Annotated[
        str | None,
        value(
            "NAME[/KEY]",
            "The Secret with the hub's token, or with a file of credentials for s3 or gs; default: "
            "spec.tokenSecretRef.",
            panel=LOADERS,
        ),
    ] = None,
    env: Annotated[
        list[str] | None,
        value(
            "NAME=VALUE",
            "An environment variable, such as HTTPS_PROXY or HF_ENDPOINT; repeatable.",
            panel=LOADERS,
        ),
    ] = None,
    env_from: Annotated[
        list[str] | None,
        value(
            "SOURCE",
            "Variables from elsewhere: NAME=secret/SECRET/KEY, NAME=configmap/CONFIGMAP/KEY, "
            "NAME=FIELD such as HOST_IP=status.hostIP, which --env may use as $(HOST_IP); "
            "secret/SECRET or configmap/CONFIGMAP for all their keys; repeatable.",
            panel=LOADERS,
        ),
    ] = None,
    deadline: Annotated[
        str,
        typer.Option(
            metavar="DURATION", help="Limit for one load, such as 90m.", rich_help_panel=LOADERS
        ),
    ] = "6h",
    hub_cache: Annotated[bool | None, cache_of_hub(LOADERS)] = None,
    safetensors_only: Annotated[
        bool,
        typer.Option(
            "--safetensors-only",
            help="Refuse weights in pickle format.",
            rich_help_panel=LOADERS,
        ),
    ] = False,
    host_path: Annotated[
        str | None,
        value("DIR", "Directory of the nodes; default: /var/lib/model-cache.", panel=_NODES),
    ] = None,
    node_selector: Annotated[
        list[str] | None,
        value(
            "KEY=VALUE",
            "Nodes that run the pods; a DaemonSet runs there whatever their taints, unless "
            "--toleration is given; repeatable.",
            panel=_PODS,
        ),
    ] = None,
    stagger: Annotated[
        str | None,
        value(
            "DURATION",
            "Each node starts at a random moment within this time; default: 1m.",
            panel=_NODES,
        ),
    ] = None,
    or_source: Annotated[
        bool,
        typer.Option(
            "--or-source",
            help="With --claim, nodes download what the claim does not hold.",
            rich_help_panel=_NODES,
        ),
    ] = False,
    priority_class: Annotated[
        str | None, value("NAME", "PriorityClass of the pods.", panel=_PODS)
    ] = None,
    toleration: Annotated[
        list[str] | None,
        value(
            "KEY[=VALUE][:EFFECT]",
            "A taint that the pods tolerate, as kubectl taint writes it; repeatable.",
            panel=_PODS,
        ),
    ] = None,
    runtime_class: Annotated[
        str | None, value("NAME", "RuntimeClass of the pods.", panel=_PODS)
    ] = None,
    image_pull_secret: Annotated[
        list[str] | None,
        value("NAME", "A Secret that --image is pulled with; repeatable.", panel=_PODS),
    ] = None,
    service_account: Annotated[
        str | None,
        value(
            "NAME",
            "The ServiceAccount of the loaders, whose annotations give them an identity of the "
            "cloud (IRSA, workload identity).",
            panel=_PODS,
        ),
    ] = None,
    unused_for: Annotated[
        str | None,
        value(
            "AGE", "Models that no loader has requested for this long; default: 30d.", panel=_PRUNE
        ),
    ] = None,
    schedule: Annotated[
        str | None,
        value("CRON", 'When models are removed; default: "17 3 * * *".', panel=_PRUNE),
    ] = None,
) -> None:
    """Render objects."""
    from webhook.admission.policy.documents import load_policy
    from webhook.documents.contents import read_objects
    from webhook.rendering.options import Given
    from webhook.rendering.render import rendered
    from webhook.terminal import printing

    mistakes = []
    known = None
    try:
        known = load_policy(read_objects(policy or []))
    except ValueError as error:
        mistakes.append(str(error))
    given = Given(
        kinds=tuple(kind or (Kind.PVC, Kind.JOB)),
        namespace=namespace, claim=claim, storage_class=storage_class, size=size,
        host_path=host_path, token_secret=token_secret, image=image,
        node_selector=node_selector or (), stagger=stagger, priority_class=priority_class,
        toleration=toleration or (), runtime_class=runtime_class,
        image_pull_secret=image_pull_secret or (), service_account=service_account,
        unused_for=unused_for, schedule=schedule,
        deadline=deadline, env=env or (), env_from=env_from or (), hub_cache=hub_cache,
        safetensors_only=safetensors_only, or_source=or_source,
    )  # fmt: skip
    text = ""
    try:
        text = rendered(models or (), given, known)
    except ValueError as error:
        mistakes.append(str(error))
    if mistakes:
        fail("\n".join(mistakes))
    printing.write(text.encode())
    printing.flush()
