"""Run `make demo`: send the article's Deployments through the webhook, as the API server would.

It starts a server on loopback with a new certificate. The server reviews each Deployment of
examples/article.yaml, then each of its pods. The demo shows the changes in colour, and the arithmetic
in words.
"""

import base64
import difflib
import http.client
import io
import json
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import jsonpatch
import msgspec
from rich.console import Console
from rich.text import Text
from ruamel.yaml import YAML

from webhook.admission.admit import planned
from webhook.admission.plan import Plan
from webhook.admission.policy.documents import Policy
from webhook.objects.facts import Facts
from webhook.objects.pod import Pod
from webhook.offline.explain import sentences

ROOT: Final = Path(__file__).parents[1]
ARTICLE: Final = ROOT / "examples" / "article.yaml"
VERSION: Final = (1, 37)
SECONDS: Final = 60
EXPECTED: Final = {
    # name → source of the model's volume, where it is mounted, memory limit of the server
    "vllm-inference": ("persistentVolumeClaim", "/models/llama-3.1-8b-instruct", "40Gi"),
    "vllm-hostpath": ("hostPath", "/models/llama-3.1-8b-instruct", "26Gi"),
    "fast-inference": ("emptyDir", "/model-cache/phi-2", "24064Mi"),
}
Json = dict[str, Any]


class WrongAnswer(Exception):
    """The webhook gave a wrong answer; the text says which."""


def dumped(value: Any) -> str:
    """Return *value* as YAML."""
    yaml, text = YAML(), io.StringIO()
    yaml.width = 2**31
    yaml.dump(value, text)
    return text.getvalue()


def loaded(text: str) -> list[Json]:
    """Return the documents of *text*."""
    return list(YAML(typ="safe", pure=True).load_all(text))


class Server:
    """The webhook, as the API server sees it: the URL and CA of its registration."""

    def __init__(self, registration: Json) -> None:
        self.paths: dict[str, str] = {}
        for webhook in registration["webhooks"]:
            client = webhook["clientConfig"]
            self.paths[webhook["name"]] = client["url"]
            authority = base64.b64decode(client["caBundle"]).decode()
        self._tls = ssl.create_default_context(cadata=authority)

    def review(self, webhook: str, request: Json) -> Json:
        """Send one AdmissionReview; return the response."""
        url = urlsplit(self.paths[webhook])
        body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
        connection = http.client.HTTPSConnection(
            url.hostname or "", url.port, timeout=5, context=self._tls
        )
        try:
            connection.request(
                "POST", f"{url.path}?timeout=5s", json.dumps(body),
                {"Content-Type": "application/json"},
            )  # fmt: skip
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise WrongAnswer(f"{url.path} answered {answer.status}: {content.decode()}")
        response: Json = json.loads(content)["response"]
        if response["uid"] != request["uid"] or not response["allowed"]:
            raise WrongAnswer(f"{url.path} refused: {json.dumps(response)}")
        return response


@contextmanager
def serving(program: Sequence[str] = (sys.executable, "-m", "webhook")) -> Iterator[Server]:
    """Run the webhook on free ports of this machine, and end it."""
    process = subprocess.Popen(
        [*program, "serve", "--dev", "--host", "127.0.0.1",
         "--port", "0", "--health-port", "0", "--kube-version", ".".join(map(str, VERSION)),
         "--self-check", "--shutdown-delay", "0"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    log: list[str] = []
    lines: list[str] = []
    assert process.stdout
    assert process.stderr
    threads = [
        threading.Thread(target=into.extend, args=(stream,), daemon=True)
        for into, stream in ((lines, process.stdout), (log, process.stderr))
    ]
    for thread in threads:
        thread.start()
    try:
        yield Server(_registration(process, lines, log))
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for thread in threads:
            thread.join()
        process.stdout.close()
        process.stderr.close()


def _registration(process: subprocess.Popen[str], lines: list[str], log: list[str]) -> Json:
    end, seen = time.monotonic() + SECONDS, 0
    while process.poll() is None and time.monotonic() < end:
        # serve prints it at once, so it is complete when it has stopped growing.
        if seen and len(lines) == seen:
            [registration] = loaded("".join(lines))
            return registration
        seen = len(lines)
        time.sleep(0.1)
    raise WrongAnswer("the webhook did not start:\n" + "".join(log))


def patched(value: Json, response: Json) -> Json:
    """Return *value* with the patch of *response* applied."""
    if "patch" not in response:
        return value
    result: Json = jsonpatch.apply_patch(value, json.loads(base64.b64decode(response["patch"])))
    return result


def request(kind: str, group: str, resource: str, value: Json, number: int) -> Json:
    """Return the request of a review that creates *value*."""
    return {
        "uid": f"00000000-0000-4000-8000-{number:012}",
        "kind": {"group": group, "version": "v1", "kind": kind},
        "resource": {"group": group, "version": "v1", "resource": resource},
        "name": value["metadata"].get("name", ""),
        "namespace": value["metadata"]["namespace"],
        "operation": "CREATE",
        "userInfo": {"username": "kubernetes-admin"},
        "dryRun": False,
        "object": value,
    }


def pod_of(deployment: Json) -> Json:
    """Return a pod of *deployment*, as the ReplicaSet controller makes it and the API fills it."""
    metadata, template = deployment["metadata"], deployment["spec"]["template"]
    pod: Json = json.loads(json.dumps({"apiVersion": "v1", "kind": "Pod", **template}))
    owner = f"{metadata['name']}-7c9f8d6b5"
    pod["metadata"] |= {
        "generateName": owner + "-",
        "namespace": metadata["namespace"],
        "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "controller": True,
             "uid": "00000000-0000-4000-8000-000000000000", "blockOwnerDeletion": True}
        ],
    }  # fmt: skip
    for container in pod["spec"]["containers"]:
        resources = container["resources"]
        resources["requests"] = {**resources["limits"], **resources.get("requests", {})}
    return pod


def show(console: Console, before: Json, after: Json) -> None:
    """Print all of *after*: added lines in green, removed lines in red."""
    for line in difflib.ndiff(dumped(before).splitlines(), dumped(after).splitlines()):
        if not line.startswith("?"):
            style = {"+": "green", "-": "red"}.get(line[:1], "dim")
            console.print(Text(line, style))


def check(name: str, pod: Json) -> None:
    """Check that *pod* is the expected pod of the article's Deployment *name*."""
    source, path, _ = EXPECTED[name]
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    server = pod["spec"]["containers"][0]
    mounts = {mount["mountPath"]: mount for mount in server["volumeMounts"]}
    mount = mounts.get(path, {})
    found = (
        source if source in volumes.get(mount.get("name"), {}) else sorted(volumes),
        path if mount.get("readOnly") else sorted(mounts),
        server["resources"]["limits"]["memory"],
    )
    if found != EXPECTED[name]:
        raise WrongAnswer(f"{name}: a pod has {found}, must have {EXPECTED[name]}")
    if "/dev/shm" not in mounts:
        raise WrongAnswer(f"{name}: a pod has no /dev/shm")


def demonstrate(console: Console, server: Server) -> None:
    """Send each Deployment and its pods, and show what is admitted."""
    number = 0
    for deployment in loaded(ARTICLE.read_text()):
        name = deployment["metadata"]["name"]
        console.rule(f"Deployment {name}")
        number += 1
        answer = server.review(
            "workloads.modelcache.io",
            request("Deployment", "apps", "deployments", deployment, number),
        )
        for line in answer.get("warnings", []):
            console.print(Text(f"Warning: {line}", "yellow"))
        pod = pod_of(patched(deployment, answer))
        admitted = []
        started = time.perf_counter()
        for _ in range(deployment["spec"]["replicas"]):
            number += 1
            answer = server.review("inject.modelcache.io", request("Pod", "", "pods", pod, number))
            admitted.append(patched(pod, answer))
        milliseconds = (time.perf_counter() - started) * 1000 / len(admitted)
        again = server.review("inject.modelcache.io", request("Pod", "", "pods", admitted[0], 0))
        if "patch" in again:
            raise WrongAnswer(f"{name}: a second review of its pod changed it again")
        for each in admitted:
            check(name, each)
        show(console, pod, admitted[0])
        facts = Facts(namespace=deployment["metadata"]["namespace"], kube_version=VERSION)
        plan = planned(msgspec.convert(pod, Pod), Policy(), facts)
        if not isinstance(plan, Plan):
            raise WrongAnswer(f"{name}: {plan}")
        console.print(
            Text(f"\n{len(admitted)} pods, {milliseconds:.1f} ms each. In words:", "bold")
        )
        for sentence in sentences(plan):
            console.print(Text(f"  {sentence}"))
        console.print()


def main() -> int:
    """Run the demonstration; return the exit status."""
    console = Console(highlight=False, soft_wrap=True)
    try:
        with serving() as server:
            demonstrate(console, server)
    except (WrongAnswer, OSError) as error:
        console.print(Text(f"demo: {error}", "red"))
        return 1
    console.print(Text("Every pod was admitted as the article wires it by hand.", "bold green"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
