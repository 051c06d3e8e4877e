"""The CronJob of `render --kind prune` removes what nobody needs from a claim."""

import os
import time
from pathlib import Path
from typing import Final

import yaml

from tests.cli.command import modelcache
from tests.images.product import MODELCACHE
from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.ends import ends
from tests.kubernetes.inference_pods import pod_with
from tests.kubernetes.local_volume import bind
from tests.kubernetes.registration import create_namespace
from tests.store import models
from webhook.models.layout import MANIFEST
from webhook.objects.restricted import USER

NAMESPACE: Final = f"prune-{os.getpid()}"
OLD: Final = "a" * 40
NEW: Final = "b" * 40


def objects() -> list[Object]:
    ran = modelcache(
        *("render", "--kind=prune", f"--namespace={NAMESPACE}", "--unused-for=1h"),
        f"--image={MODELCACHE.reference}",
    )
    assert not ran.status, ran.err
    return list(yaml.safe_load_all(ran.out))


def published(store: Path) -> tuple[Path, Path]:
    """Return an old commit of a model, and the one that its name points to."""
    old, new = (models.publish(store, "acme/tiny", commit=commit) for commit in (OLD, NEW))
    day = time.time() - 86400
    for place in (old, new):
        os.utime(place / MANIFEST, (day, day))
    for path in (store, *store.rglob("*")):
        os.chown(path, USER, USER, follow_symlinks=False)
    return old, new


def test_a_run_removes_an_old_commit_under_pod_security_restricted(
    serving_cluster: Cluster,
) -> None:
    cluster, (node,) = serving_cluster, serving_cluster.nodes
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    create_namespace(cluster.plane, NAMESPACE, labels)
    old, new = published(bind(cluster, node, NAMESPACE, "model-store"))
    made = [cluster.api.apply(one).expect().body for one in objects()]
    # What `kubectl create job --from=cronjob/…` does.
    job: Object = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "now", "namespace": NAMESPACE},
        "spec": made[-1]["spec"]["jobTemplate"]["spec"],
    }
    uid = cluster.api.create(job).expect(201).body["metadata"]["uid"]
    pod = pod_with(cluster, NAMESPACE, f"batch.kubernetes.io/controller-uid={uid}")
    pod = cluster.ended(pod, 120)
    assert pod["status"]["phase"] == "Succeeded", ends(pod, "prune")
    assert not old.exists()
    assert new.is_dir()
