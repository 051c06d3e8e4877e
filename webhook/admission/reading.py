"""Read what a pod requests: its annotations, with the platform's defaults added.

Every mistake is collected, so that a person sees all of them at once.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from webhook.admission import codes
from webhook.admission.containers.servers import BY_KEY, OTHER
from webhook.admission.problem import Problem
from webhook.admission.request.annotations import PREFIX, declared, read, unknown
from webhook.admission.request.declared import AUTO, KNOWN, CacheRequest, Options
from webhook.admission.request.model import Model
from webhook.admission.request.resolve import resolve
from webhook.admission.strategies import STRATEGIES
from webhook.models import layout
from webhook.models.catalogue import Catalogue
from webhook.models.layout import DEFAULT_ROOT

DECLARED: Final = declared(Options, strategy=(*STRATEGIES, AUTO), server=(*BY_KEY, OTHER))
"""Field → annotation, in the order of the manual's table."""
MOST_MODELS: Final = 16
_MEANS: Final = {"claim": "pvc", "host-path": "hostPath", "image": "image"}
"""Annotation → the strategy that it means, if the author names none."""
_SNAPSHOT: Final = re.compile(rf"(?:(.*)/)?{layout.HUB_CACHE}[^/]+/snapshots/[^/]+(?:/.*)?")
"""A directory in a Hugging Face cache. Group 1: the directory that holds the cache."""


def read_request(
    own: Mapping[str, str], defaults: Mapping[str, str], catalogue: Catalogue
) -> tuple[CacheRequest, list[Problem]]:
    """Return the request of annotations *own* (without prefix), and every mistake in them.

    An annotation that can't be read has its default in the request, so that the other
    checks can continue.
    """
    found, problems = read(DECLARED.items(), {**defaults, **own, **_meant(own)})
    options = Options(**found)
    models: tuple[Model, ...] = ()
    if len(options.model) > MOST_MODELS:
        problems.append(
            Problem(codes.MODEL, PREFIX + "model", f"names more than {MOST_MODELS} models")
        )
    elif options.model:
        models, faults = resolve(
            options.model, catalogue,
            directories=options.directory, sizes=options.size, images=options.image,
            mount_paths=options.mount_path if options.layout != "hf-cache" else (),
            files=options.file,
        )  # fmt: skip
        problems += faults
    problems += _contradictions(options, models)
    problems += _snapshots(models)
    fields: dict[str, Any] = read(DECLARED.items(), defaults)[0]
    request = CacheRequest(
        models=models,
        options=options,
        root=fields.get("host_path", DEFAULT_ROOT),
        asked=frozenset(own),
        remarks=tuple(unknown(own, KNOWN)),
    )
    return request, problems


def _meant(own: Mapping[str, str]) -> Mapping[str, str]:
    """Return the strategy that the author means, who names a claim, a directory or an image."""
    named = [strategy for annotation, strategy in _MEANS.items() if annotation in own]
    if "strategy" in own or len(named) != 1:
        return {}
    return {"strategy": named[0]}


def _contradictions(options: Options, models: tuple[Model, ...]) -> list[Problem]:
    problems = []
    if options.target and options.containers and options.target not in options.containers:
        problems.append(
            Problem(
                codes.COMBINATION,
                PREFIX + "target",
                f"{options.target} is not one of modelcache.io/containers: add it there",
            )
        )
    if options.strategy != AUTO:
        problems += STRATEGIES[options.strategy].contradictions(options)
    if options.layout == "hf-cache":
        if len(options.mount_path) > 1:
            problems.append(
                Problem(
                    codes.LIST, PREFIX + "mount-path", "must be one directory with layout hf-cache"
                )
            )
        problems += [
            Problem(
                codes.COMBINATION,
                PREFIX + "layout",
                f"hf-cache holds only org/name models, which {model.asked} is not: use directory",
            )
            for model in models
            if not model.source.repository
        ]
        named = [model.source.repository for model in models]
        problems += [
            Problem(
                codes.COMBINATION,
                PREFIX + "layout",
                f"hf-cache has one folder for {name}, and {PREFIX}model names it {times} times: "
                "name one of them, or set this to auto",
            )
            for name in dict.fromkeys(filter(None, named))
            if (times := named.count(name)) > 1
        ]
    return problems


def _snapshots(models: tuple[Model, ...]) -> list[Problem]:
    """Return a problem for each directory that is a snapshot in a Hugging Face cache.

    Its files are links to ../../blobs. A mount of the directory alone does not have those.
    """
    problems = []
    for model in models:
        if found := _SNAPSHOT.fullmatch(model.directory):
            above = found[1]
            words = f"modelcache.io/directory: {above}"
            if not above:
                words = "put the cache into a directory of the store, and name that"
            problems.append(
                Problem(
                    codes.SNAPSHOT,
                    PREFIX + "directory",
                    f"{model.directory} is a snapshot in a Hugging Face cache. Its files are links "
                    "to blobs outside it, so the mount would have none: write "
                    f"modelcache.io/layout: hf-cache, and {words}",
                )
            )
    return problems
