"""What `modelcache status` says of a Job that loads a model."""

from pathlib import Path

import pytest

from webhook.api_server.client import Api
from webhook.status.loaders import loader

KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: x
contexts: [{name: x, context: {cluster: x, user: x}}]
clusters: [{name: x, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: x, user: {}}]
"""


@pytest.mark.parametrize(
    ("failed", "said"),
    [(0, ""), (1, "1 attempt has failed"), (2, "2 attempts have failed")],
)
def test_failed_attempts_of_a_job_are_counted(tmp_path: Path, failed: int, said: str) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG)
    job = {
        "metadata": {"name": "load", "namespace": "models", "uid": "1"},
        "status": {"failed": failed},
    }
    found = loader(job, "Job", [], Api(kubeconfig))  # without pods, nothing is requested
    assert (found.state, found.said) == ("pending", said)
