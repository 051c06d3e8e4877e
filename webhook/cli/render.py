"""modelcache render: its options."""

from typing import Annotated

import typer

from webhook.cli.exit_status import fail
from webhook.cli.options import Policies, value
from webhook.models.schemes import RENDERED
from webhook.rendering.kinds import Kind

app = typer.Typer()


@app.command(
    epilog="Example: modelcache render mistral-7b-instruct --storage-class nfs | kubectl apply -f-",
    short_help="Print the objects that fill a store.",
    help="Print the Kubernetes objects that fill a store by `modelcache load`, as YAML: a claim "
    "for all models, and for each a Job that loads it there, or a DaemonSet that loads it into a "
    "directory of each node. node-labels: what permits the DaemonSet, if printed with it, to "
    "label nodes that hold a model. lease: what Jobs that are printed with it hold while they "
    "download, one at a time. MODEL: a CachedModel of --policy or of the built-in catalogue, "
    f"org/name, org/name@revision, or a URI ({', '.join(RENDERED)}). Exit status 2: something is "
    "wrong, and nothing is printed.",
)
def render(
    models: Annotated[list[str], typer.Argument(metavar="MODEL ...", show_default=False)],
    *,
    kind: Annotated[
        list[Kind] | None,
        typer.Option(help="Repeatable. Default: pvc and job.", show_default=False),
    ] = None,
    namespace: Annotated[
        str | None,
        value("NAME", "Default: none is written.", "--namespace", "-n"),
    ] = None,
    claim: Annotated[
        str | None,
        value(
            "NAME",
            "Default: model-store. If given, a DaemonSet copies from it, and asks no source.",
        ),
    ] = None,
    storage_class: Annotated[
        str | None,
        value("NAME", "Of the claim."),
    ] = None,
    size: Annotated[
        str | None,
        value("QUANTITY", "Of the claim; default: twice what the models have."),
    ] = None,
    token_secret: Annotated[
        str | None,
        value("NAME[/KEY]", "The Secret that holds the hub's token; default: spec.tokenSecretRef."),
    ] = None,
    host_path: Annotated[
        str | None,
        value("DIR", "The nodes' directory; default: /var/lib/model-cache."),
    ] = None,
    node_selector: Annotated[
        list[str] | None,
        value("KEY=VALUE", "Nodes that get the DaemonSet, whatever their taints; repeatable."),
    ] = None,
    stagger: Annotated[
        str | None,
        value("DURATION", "Each node begins at some moment within it; default: 1m."),
    ] = None,
    priority_class: Annotated[
        str | None,
        value("NAME", "Of the DaemonSet's pods."),
    ] = None,
    image: Annotated[
        str | None,
        value("IMAGE", "The image of this product."),
    ] = None,
    deadline: Annotated[str, typer.Option(help="For a load, such as 90m.")] = "6h",
    env: Annotated[
        list[str] | None,
        value(
            "NAME=VALUE",
            "A variable of the loader, such as HTTPS_PROXY or HF_ENDPOINT; repeatable.",
        ),
    ] = None,
    hub_cache: Annotated[
        bool,
        typer.Option("--hub-cache", help="Also as Hugging Face caches, for layout hf-cache."),
    ] = False,
    or_source: Annotated[
        bool,
        typer.Option(
            "--or-source", help="With --claim, nodes ask the source for what the claim has not."
        ),
    ] = False,
    safetensors_only: Annotated[
        bool,
        typer.Option("--safetensors-only", help="Loaders refuse weights that are pickle."),
    ] = False,
    policy: Policies = None,
) -> None:
    """Render objects."""
    from webhook.admission.policy.documents import load_policy
    from webhook.documents.contents import read_objects
    from webhook.rendering.options import Given, Options
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
        deadline=deadline, env=env or (), hub_cache=hub_cache,
        safetensors_only=safetensors_only, or_source=or_source,
    )  # fmt: skip
    try:
        options = Options.of(models, given, known)
    except ValueError as error:
        mistakes.append(str(error))
    if mistakes:
        fail("\n".join(mistakes))
    printing.write(rendered(options).encode())
    printing.flush()
