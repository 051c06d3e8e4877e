"""Owns the command lines of the control plane's programs."""

import json
from pathlib import Path
from typing import Final

from tests.kubernetes import binaries
from tests.kubernetes.certificates import Authority, Pair

SERVICES: Final = "10.96.0.0/16"
KUBERNETES_SERVICE: Final = "10.96.0.1"
ISSUER: Final = "https://kubernetes.default.svc"
AUDIT_POLICY: Final = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {
            "level": "Metadata",
            "verbs": ["create", "update", "patch"],
            "resources": [{"group": group} for group in ("", "apps", "batch", "modelcache.io")],
        },
        {
            "level": "Metadata",
            "verbs": ["delete"],
            "resources": [
                {"group": "admissionregistration.k8s.io"},
                {"group": "rbac.authorization.k8s.io"},
                {"group": "apps"},
                {"group": "", "resources": ["namespaces", "services", "serviceaccounts"]},
            ],
        },
        {"level": "None"},
    ],
}


def etcd(client: str, peer: str, data: Path) -> list[str | Path]:
    """Return the command of etcd that serves *client*, with durability switched off."""
    return [
        binaries.path(binaries.ETCD),
        f"--data-dir={data}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def api_server(
    program: binaries.Program,
    *,
    url: str,
    etcd: str,
    authority: Authority,
    serving: Pair,
    service_accounts: Path,
    kubelet_client: Pair,
    audit_log: Path | None,
) -> list[str | Path]:
    """Return the command of kube-apiserver that serves *url*, with its default admission plugins."""
    address, _, port = url.removeprefix("https://").rpartition(":")
    audit: list[str | Path] = []
    if audit_log:
        policy = audit_log.with_name("audit-policy.json")
        policy.write_text(json.dumps(AUDIT_POLICY))
        audit = [f"--audit-policy-file={policy}", f"--audit-log-path={audit_log}"]
    # A Service can't have a loopback address as its endpoint.
    endpoint = ["--endpoint-reconciler-type=none"] if address.startswith("127.") else []
    return [
        binaries.path(program),
        f"--etcd-servers={etcd}",
        f"--bind-address={address}",
        f"--advertise-address={address}",
        f"--secure-port={port}",
        f"--cert-dir={authority.folder}",
        f"--tls-cert-file={serving.certificate}",
        f"--tls-private-key-file={serving.key}",
        f"--client-ca-file={authority.certificate}",
        f"--service-cluster-ip-range={SERVICES}",
        f"--service-account-issuer={ISSUER}",
        f"--service-account-key-file={service_accounts}",
        f"--service-account-signing-key-file={service_accounts}",
        "--authorization-mode=Node,RBAC",
        "--allow-privileged=true",
        f"--kubelet-certificate-authority={authority.certificate}",
        f"--kubelet-client-certificate={kubelet_client.certificate}",
        f"--kubelet-client-key={kubelet_client.key}",
        "--kubelet-preferred-address-types=InternalIP",
        *endpoint,
        *audit,
    ]


def controller_manager(kubeconfig: Path, authority: Authority) -> list[str | Path]:
    """Return the command of kube-controller-manager, without leader election."""
    return [
        binaries.path(binaries.CONTROLLER_MANAGER),
        f"--kubeconfig={kubeconfig}",
        f"--root-ca-file={authority.certificate}",
        f"--service-account-private-key-file={authority.folder}/service-accounts.key",
        f"--flex-volume-plugin-dir={authority.folder}/none",  # its default is a folder in /usr, which it creates
        "--use-service-account-credentials",
        "--leader-elect=false",
        "--kube-api-qps=500",  # by default it waits some seconds before it starts
        "--kube-api-burst=1000",
        "--secure-port=0",
    ]
