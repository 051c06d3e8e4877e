"""Owns the configuration of a node's programs: their files and flags.

A node keeps its data in the same places as real ones (/var/lib/kubelet, /var/lib/containerd, /run);
node_init.py mounts its own folders there.
"""

import json
from pathlib import Path
from typing import Any, Final

from tests.kubernetes import binaries
from tests.kubernetes.certificates import Authority, Pair
from tests.kubernetes.network_namespace import BRIDGE, PODS
from tests.kubernetes.packages import CNI_PLUGINS

SANDBOX_IMAGE: Final = "modelcache.io/tests/sandbox:1"
SOCKET: Final = "/run/containerd/containerd.sock"
HEALTH_PORT: Final = 10248
CONTAINERD: Final = """\
version = 3
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri"]

[plugins.'io.containerd.metadata.v1.bolt']
no_sync = true

[plugins.'io.containerd.cri.v1.images']
snapshotter = "overlayfs"
stats_collect_period = 600  # each time it walks all files of all images: every 10 s a fifth of a core
pinned_images = {{ sandbox = "{sandbox}" }}

[plugins.'io.containerd.cri.v1.runtime']
restrict_oom_score_adj = true  # root may lack CAP_SYS_RESOURCE
cni = {{ bin_dirs = ["{plugins}"], conf_dir = "{networks}" }}
containerd.default_runtime_name = "runc"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
runtime_path = "{shim}"
options = {{ BinaryName = "runc", SystemdCgroup = false }}
"""


def containerd(folder: Path, addresses: Path) -> list[str | Path]:
    """Return the command of containerd; in *addresses* all nodes record the addresses of their pods."""
    networks = folder / "networks"
    networks.mkdir()
    bridge = {
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [
            {
                "type": "bridge",
                "bridge": BRIDGE,
                "isGateway": True,
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": PODS}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                    "dataDir": str(addresses),  # the pods of all nodes share a bridge
                },
            }
        ],
    }
    (networks / "pods.conflist").write_text(json.dumps(bridge))
    config = folder / "containerd.toml"
    config.write_text(
        CONTAINERD.format(
            sandbox=SANDBOX_IMAGE,
            plugins=CNI_PLUGINS,
            networks=networks,
            shim=binaries.path(binaries.SHIM),
        )
    )
    return [binaries.path(binaries.CONTAINERD), f"--config={config}", f"--address={SOCKET}"]


def kubelet(
    folder: Path,
    *,
    name: str,
    address: str,
    cgroup: str,
    kubeconfig: Path,
    authority: Authority,
    serving: Pair,
) -> list[str | Path]:
    """Return the command of a kubelet that never evicts pods, and waits only if it must."""
    config: dict[str, Any] = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": address,
        "healthzBindAddress": address,
        "healthzPort": HEALTH_PORT,
        "tlsCertFile": str(serving.certificate),
        "tlsPrivateKeyFile": str(serving.key),
        "authentication": {
            "x509": {"clientCAFile": str(authority.certificate)},
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cgroup}",
        "cpuCFSQuota": False,  # limits decide the QoS class; no test waits for a slow pod
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "resolvConf": "",
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
        "makeIPTablesUtilChains": False,
        "evictionHard": {
            "memory.available": "1Mi",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
            "imagefs.inodesFree": "0%",
        },
        "imageGCHighThresholdPercent": 100,
        "serializeImagePulls": False,
        "registryPullQPS": 0,
        "eventRecordQPS": 0,
        "kubeAPIQPS": 500,
        "kubeAPIBurst": 1000,
        "syncFrequency": "5s",
        "crashLoopBackOff": {"maxContainerRestartPeriod": "2s"},  # instead of 5 minutes
        "nodeStatusUpdateFrequency": "5s",
    }
    path = folder / "kubelet.json"
    path.write_text(json.dumps(config))
    return [
        binaries.path(binaries.KUBELET),
        f"--config={path}",
        f"--kubeconfig={kubeconfig}",
        f"--hostname-override={name}",
        f"--node-ip={address}",
        "--v=2",
    ]


def kube_proxy(folder: Path, kubeconfig: Path, address: str) -> list[str | Path]:
    """Return the command of kube-proxy, one for all nodes of a network namespace."""
    config = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "clusterCIDR": PODS,
        "hostnameOverride": "node-1",
        "bindAddress": address,
        "healthzBindAddress": f"{address}:10256",
        "metricsBindAddress": f"{address}:10249",
        "conntrack": {"maxPerCore": 0},  # conntrack's limits belong to the whole machine
        "nftables": {"minSyncPeriod": "0s"},
    }
    path = folder / "kube-proxy.json"
    path.write_text(json.dumps(config))
    return [binaries.path(binaries.KUBE_PROXY), f"--config={path}"]


def scheduler(kubeconfig: Path) -> list[str | Path]:
    """Return the command of kube-scheduler, without leader election."""
    return [
        binaries.path(binaries.SCHEDULER),
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--leader-elect=false",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        "--secure-port=0",
    ]
