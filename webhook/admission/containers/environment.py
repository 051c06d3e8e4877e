"""Choose the variables that a container gets. One that the author set is left alone."""

from collections.abc import Iterator, Sequence

from webhook.admission.containers.servers import PATH, Server
from webhook.admission.request.declared import CacheRequest
from webhook.objects import names
from webhook.objects.container import Container
from webhook.objects.json import Json


def cache_root(request: CacheRequest) -> str:
    """Return the path of the Hugging Face cache, for layout hf-cache."""
    return (request.options.mount_path or ("/modelcache/hub",))[0]


def environment(
    container: Container, server: Server, request: CacheRequest, mounts: Sequence[Json]
) -> Iterator[Json]:
    """Yield each variable that *container* lacks."""
    if request.options.layout == "hf-cache":
        # HF_HOME is left to the author: token, modules and xet below it must be writable.
        wanted = {"HF_HUB_CACHE": cache_root(request), "HF_HUB_OFFLINE": "1"}
    else:
        paths = [str(mount["mountPath"]) for mount in mounts]
        wanted = {names.PATH_VARIABLE: paths[0]}
        wanted |= {f"{names.PATH_VARIABLE}_{i}": path for i, path in enumerate(paths[1:], start=2)}
        wanted |= {name: value.replace(PATH, paths[0]) for name, value in server.env.items()}
    there = {variable.name for variable in container.env or ()}
    for name, value in wanted.items():
        if name not in there:
            yield {"name": name, "value": value}
