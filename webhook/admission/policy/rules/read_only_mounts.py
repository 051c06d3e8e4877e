"""Rule readOnlyMounts."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from webhook.admission import codes
from webhook.admission.policy.rules.rule import SET, Name, Rule, Writers
from webhook.admission.policy.rules.subject import Asking, Running, account, plain
from webhook.objects import names
from webhook.objects.container import Container


class ReadOnlyMounts(Rule, frozen=True):
    """Refuses mounts through which a container could write to a model volume, in every pod."""

    name = "readOnlyMounts"
    code = codes.RULE_READ_ONLY
    of_all = True

    claims: Annotated[
        tuple[Name, ...],
        Meta(
            description="Claims that are model volumes wherever they are mounted, next to that of "
            "spec.defaults.",
            max_length=32,
            extra_json_schema=SET,
        ),
    ] = ("model-store",)
    writers: Writers = ("modelcache-loader",)

    def asked(self, pod: Asking) -> Iterator[str]:
        """Yield a finding if the pod requests mounts that can be written."""
        if not pod.request.options.read_only and account(pod.spec) not in self.writers:
            who = pod.said("read-only")
            yield (
                f'read-only "false"{who} lets containers write to the model: write '
                'modelcache.io/read-only: "true"'
            )

    def seen(self, pod: Running) -> Iterator[str]:
        """Yield a finding if a container could write to a model volume."""
        if account(pod.spec) in self.writers:
            return
        volumes = self._model_volumes(pod)
        writing = [
            (container.name, mount.name)
            for container in _containers(pod)
            for mount in container.volume_mounts or ()
            if mount.name in volumes and not mount.read_only
        ]
        if writing:
            containers, written = (
                list(dict.fromkeys(found)) for found in zip(*writing, strict=True)
            )
            yield (
                f"container {', '.join(containers)} could write to model volume "
                f"{', '.join(written)}: set readOnly: true on its mount"
            )

    def _model_volumes(self, pod: Running) -> list[str]:
        """Return the names of the volumes that hold models and are not read-only themselves."""
        claims = {*self.claims, pod.setting.store}
        found = []
        for volume in pod.spec.volumes or ():
            claim, directory = volume.persistent_volume_claim, volume.host_path
            if (
                volume.name.startswith(names.MODEL_VOLUME)
                or (claim and claim.claim_name in claims and not claim.read_only)
                or (directory and _is_in(plain(directory.path or ""), pod.setting.caches))
            ):
                found.append(volume.name)
        return found


def _is_in(path: str, caches: tuple[str, ...]) -> bool:
    return any(path == cache or path.startswith(f"{cache}/") for cache in caches)


def _containers(pod: Running) -> list[Container]:
    """Return the containers that are judged: of a pod that asks, all but our loader."""
    if pod.only_ephemeral:
        return list(pod.spec.ephemeral_containers or ())
    first = [
        container
        for container in pod.spec.init_containers or ()
        if not (pod.asks and container.name == names.LOADER)
    ]
    return [*(pod.spec.containers or ()), *first, *(pod.spec.ephemeral_containers or ())]
