"""Rule hostPathRoots."""

from collections.abc import Iterator
from typing import Annotated, Final

from msgspec import Meta

from webhook.admission import codes
from webhook.admission.policy.rules.rule import SET, Directory, Rule, Writers
from webhook.admission.policy.rules.subject import TOO_LARGE, Asking, Running, account, plain
from webhook.objects import names
from webhook.values.paths import within
from webhook.values.text import quoted

_REACHES: Final = "volume {volumes} reaches into the node cache {roots}: "
FOUND: Final = f"{_REACHES}annotate the pod with modelcache.io/model instead"
_REACHING: Final = f"{_REACHES}name the model in modelcache.io/model instead"
_OURS: Final = (names.MODEL_VOLUME, names.STORE_VOLUME)


class HostPathRoots(Rule, frozen=True):
    """Refuses node caches outside the roots, and hostPath volumes of pods that reach into one."""

    name = "hostPathRoots"
    code = codes.RULE_ROOTS
    by_strategy = True
    of_all = True

    roots: Annotated[
        tuple[Directory, ...],
        Meta(
            description="The directories of nodes that hold models.",
            min_length=1,
            max_length=16,
            extra_json_schema=SET,
        ),
    ]
    writers: Writers = ("modelcache-loader",)

    def asked(self, pod: Asking) -> Iterator[str]:
        """Yield a finding if the node cache that the pod uses is outside the roots.

        And one for volumes that have our names, but are not ours: `seen` leaves them to this, since
        only the webhook knows which volumes it adds.
        """
        if not pod.strategy or account(pod.spec) in self.writers:
            return
        ours = (*pod.strategy.volumes(), *pod.strategy.sources()[0])
        added = {volume["name"] for volume in ours}
        named = [
            volume.name
            for volume in pod.spec.volumes or ()
            if volume.host_path
            and volume.name.startswith(_OURS)
            and volume.name not in added
            and any(plain(volume.host_path.path or "").startswith(f"{r}/") for r in self.roots)
        ]
        if named:
            yield _REACHING.format(volumes=", ".join(named), roots=", ".join(self.roots))
        path = pod.request.options.host_path
        uses = any("hostPath" in volume for volume in ours)
        if uses and not any(within(path, root) for root in self.roots):
            who = pod.said("host-path")
            yield (
                f"host-path {quoted(path)}{who} is not at or below {', '.join(self.roots)}: use a "
                "directory that is"
            )

    def seen(self, pod: Running) -> Iterator[str]:
        """Yield a finding if a volume that we did not add is a root, or above or below one."""
        if account(pod.spec) in self.writers:
            return
        if pod.too_large:
            yield TOO_LARGE
            return
        reaching = [
            volume.name
            for volume in pod.volumes
            if volume.host_path
            and self._reaches(
                plain(volume.host_path.path or ""),
                ours=pod.asks and volume.name.startswith(_OURS),
            )
        ]
        if reaching:
            yield FOUND.format(volumes=", ".join(reaching), roots=", ".join(self.roots))

    def _reaches(self, path: str, *, ours: bool) -> bool:
        """Whether *path* is a root, above one, or below one; *ours* may be below one."""
        return any(
            f"{root}/".startswith(f"{path}/") or (path.startswith(f"{root}/") and not ours)
            for root in self.roots
        )
