"""Rule readOnlyMounts."""

from collections.abc import Iterator
from typing import Annotated, Final

from msgspec import Meta

from webhook.admission import codes
from webhook.admission.policy.rules.rule import SET, Name, Rule, Writers
from webhook.admission.policy.rules.subject import TOO_LARGE, Asking, Running, account, plain
from webhook.objects import names
from webhook.objects.volume import Volume

FOUND: Final = (
    "container {containers} could write to model volume {volumes}: set readOnly: true on its mount"
)


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
        if pod.too_large:
            yield TOO_LARGE
            return
        volumes = self._model_volumes(pod)
        writing = [
            (container.name, mount.name)
            for container in pod.containers
            for mount in container.volume_mounts or ()
            if mount.name in volumes and not mount.read_only
            if not pod.fills(container, volumes[mount.name])
        ]
        if writing:
            containers, written = (dict.fromkeys(found) for found in zip(*writing, strict=True))
            yield FOUND.format(
                containers=", ".join(containers),
                volumes=", ".join(name for name in volumes if name in written),
            )

    def _model_volumes(self, pod: Running) -> dict[str, Volume]:
        """Return the volumes that hold models and are not read-only themselves, by their names.

        Kubelets from 1.35 on mount a claim once for each pod, with the readOnly of any of its
        volumes (desired_state_of_world.go, AddPodToVolume). So a writable one makes all of them so.
        """
        claims = {*self.claims, pod.setting.store}
        sources = [volume.persistent_volume_claim for volume in pod.spec.volumes or ()]
        claims &= {source.claim_name or "" for source in sources if source and not source.read_only}
        found = {}
        for volume in pod.spec.volumes or ():
            claim, directory = volume.persistent_volume_claim, volume.host_path
            if (
                volume.name.startswith(names.MODEL_VOLUME)
                or (claim and claim.claim_name in claims)
                or (directory and _is_in(plain(directory.path or ""), pod.setting.caches))
            ):
                found[volume.name] = volume
        return found


def _is_in(path: str, caches: tuple[str, ...]) -> bool:
    return any(path == cache or path.startswith(f"{cache}/") for cache in caches)
