"""Strategy image: an OCI image that holds the model, as a volume (KEP-4639).

An API server that does not support image volumes drops them silently. So it must be
known that it keeps them: only here, what is not known is an obstacle.
"""

from collections.abc import Iterator

from webhook.admission import codes
from webhook.admission.problem import Problem
from webhook.admission.request.annotations import PREFIX
from webhook.admission.request.declared import Options
from webhook.admission.request.model import Model
from webhook.admission.strategies.strategy import Provided, Strategy
from webhook.models import layout
from webhook.objects import names
from webhook.objects.facts import NAMESPACES, Facts
from webhook.objects.json import Json
from webhook.objects.volume import ImageSource, Volume
from webhook.values.text import quoted


class Image(Strategy):
    """An OCI image that holds the model."""

    __slots__ = ()
    name = "image"
    reads = ("image",)
    has_hub_cache = False

    @classmethod
    def contradictions(cls, options: Options) -> Iterator[Problem]:
        if not options.read_only:
            yield Problem(
                codes.COMBINATION,
                PREFIX + "read-only",
                "an image volume can't be written: set this to true, or use strategy pvc",
            )

    @staticmethod
    def reference(volume: Json) -> str | None:
        return (volume.get("image") or {}).get("reference")

    def volumes(self) -> list[Json]:
        return [
            {
                "name": names.numbered(names.MODEL_VOLUME, i),
                "image": {"reference": model.image or "", "pullPolicy": "IfNotPresent"},
            }
            for i, model in enumerate(self.request.models)
        ]

    def receipt(self, volume: Volume, ours: Json) -> bool:
        source = volume.source
        return isinstance(source, ImageSource) and _same_content(
            source.reference or "", ours["image"]["reference"]
        )

    def provided(self) -> list[Provided]:
        return [
            Provided(names.numbered(names.MODEL_VOLUME, i), self._inside(model))
            for i, model in enumerate(self.request.models)
        ]

    def _inside(self, model: Model) -> str | None:
        if self.request.options.layout == "hf-cache" and model.source.repository:
            folder = layout.hub_cache_folder(model.source.repository)
            return f"{model.image_directory}/{folder}" if model.image_directory else folder
        return model.image_directory

    def obstacles(self, facts: Facts) -> Iterator[Problem]:
        yield from self._dropped(facts)
        for model in self.request.models:
            if not model.image:
                wrong = f"no image is known for {quoted(model.asked)}: give one"
            elif "@sha256:" not in model.image:
                wrong = f"the content of {quoted(model.image, 80)} can change: give it"
            else:
                continue
            yield Problem(codes.IMAGE, PREFIX + "image", f"{wrong} by digest, name@sha256:…")

    def looks_at(self, facts: Facts) -> tuple[str, ...]:
        return (NAMESPACES,) if facts.older_than(33) else ()

    def _dropped(self, facts: Facts) -> Iterator[Problem]:
        """Yield why the API server would drop or refuse the image volume."""
        version = f"1.{facts.kube_version[1]}" if facts.kube_version else "unknown"
        needs_sub_path = any(place.sub_path for place in self.provided())
        if not facts.image_volumes and (facts.kube_version is None or facts.older_than(35)):
            yield Problem(
                codes.IMAGE_VOLUME,
                PREFIX + "strategy",
                f"the API server (version {version}) may drop image volumes and start the pod "
                "without its model: use pvc, a server of 1.35, or --image-volumes if the gate is "
                "on",
            )
        elif facts.older_than(33) and (needs_sub_path or facts.pod_security == "restricted"):
            what = "a directory inside the image" if needs_sub_path else "Pod Security restricted"
            yield Problem(
                codes.IMAGE_VOLUME,
                PREFIX + ("directory" if needs_sub_path else "strategy"),
                f"image volumes allow {what} from 1.33 on, and the API server has {version}: "
                "use pvc",
            )


def _same_content(reference: str, ours: str) -> bool:
    """Whether both references name one image.

    A webhook for registry mirrors changes the registry, and maybe the repository. The digest says
    what the image contains, wherever it comes from.
    """
    digest = ours.partition("@")[2]
    return reference == ours or (digest != "" and reference.partition("@")[2] == digest)
