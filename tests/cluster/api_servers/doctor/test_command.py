"""The command as people run it: what it prints, and its exit status."""

import base64
import json
import os
import pty
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.cli.command import ROOT, Ran, modelcache
from tests.cluster.api_servers.doctor.asking import check, idle_configuration, physician, take_in
from tests.cluster.api_servers.doctor.certificates import DAY, lasting
from tests.cluster.api_servers.doctor.command import assert_golden, doctor
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import NamespaceFactory, configured
from tests.kubernetes.serving import serving

BROKEN = "zz-doctor-broken"


def test_a_broken_cluster(alone: ControlPlane, namespace: NamespaceFactory, update: bool) -> None:
    take_in(alone)
    where = namespace(on=alone)
    obj = idle_configuration(BROKEN, lasting(-30 * DAY, -DAY))
    for hook in obj["webhooks"]:
        hook["clientConfig"]["service"]["namespace"] = where
    obj["webhooks"][1]["clientConfig"]["caBundle"] = base64.b64encode(b"nothing").decode()
    names = ("--configuration", BROKEN, "-n", where, "--probe-namespace")
    with configured(alone, [obj]):
        ran = doctor(alone.kubeconfig, *names, namespace(on=alone))
        assert_golden("broken", ran, update)
        as_json = doctor(alone.kubeconfig, *names, "default", "-o", "json")
    assert as_json.status == 1
    levels = {(one["check"], one["level"]) for one in json.loads(as_json.out)}
    assert {("registration", "error"), ("service", "error"), ("server", "ok")} <= levels
    assert all(bool(one["fix"]) is (one["level"] != "ok") for one in json.loads(as_json.out))


def test_on_a_terminal_it_shows_the_current_check_and_colours_levels(cluster: ControlPlane) -> None:
    ours, theirs = pty.openpty()
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": "100"}
    command = [sys.executable, "-m", "webhook", "doctor", "--kubeconfig", str(cluster.kubeconfig)]
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=theirs, stderr=theirs)
    os.close(theirs)
    text = b""
    while part := read(ours):
        text += part
    os.close(ours)
    assert process.wait(20) in (0, 1), text
    assert b"checking: " in text
    assert b"\x1b[32mok" in text


def read(terminal: int) -> bytes:
    """Return what was written to it, or nothing at its end, where reading is an error on Linux."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def kubeconfig(folder: Path, server: str, token: str = "", authority: Path | None = None) -> Path:
    path = folder / "kubeconfig"
    trusted = {"certificate-authority": str(authority)} if authority else {}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server, **trusted}}],
        "users": [{"name": "u", "user": {"token": token or "none"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "c",
    }
    path.write_text(json.dumps(document))
    return path


def assert_fails_in_one_line(ran: Ran, *said: str) -> None:
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1), ran
    assert all(text in ran.err for text in said), ran.err


def test_a_server_that_can_not_be_queried_is_reported_in_one_line(
    cluster: ControlPlane, tmp_path: Path
) -> None:
    nobody = kubeconfig(tmp_path, "https://127.0.0.1:1")
    assert_fails_in_one_line(doctor(nobody), "https://127.0.0.1:1 could not be queried", "refused")
    stranger = kubeconfig(tmp_path, cluster.url)
    assert_fails_in_one_line(doctor(stranger), "could not be queried", "CERTIFICATE_VERIFY_FAILED")
    unknown = kubeconfig(tmp_path, cluster.url, "x", cluster.authority.certificate)
    assert_fails_in_one_line(doctor(unknown), "it does not accept our credentials: Unauthorized")


def test_a_kubeconfig_that_says_nothing_is_shown_in_one_line(
    cluster: ControlPlane, tmp_path: Path
) -> None:
    ran = doctor(cluster.kubeconfig, "--context", "other")
    assert_fails_in_one_line(ran, "Expected object with name other")
    missing = tmp_path / "none"
    assert_fails_in_one_line(doctor(cluster.kubeconfig, "--kubeconfig", str(missing)), str(missing))
    broken = tmp_path / "broken"
    broken.write_text("a: [")
    assert_fails_in_one_line(doctor(cluster.kubeconfig, "--kubeconfig", str(broken)), str(broken))
    env = {"KUBECONFIG": str(missing), "KUBERNETES_SERVICE_HOST": "127.0.0.1",
           "KUBERNETES_SERVICE_PORT": "1"}  # fmt: skip
    assert_fails_in_one_line(modelcache("doctor", env=env), "token file does not exist")


def test_a_user_without_any_right_is_reported_in_one_line(cluster: ControlPlane) -> None:
    stranger = cluster.write_kubeconfig("stranger", cluster.authority.sign("stranger"))
    ran = doctor(stranger)
    assert ran.status == 2, ran
    assert "not looked at" in ran.out
    assert (
        ran.err
        == "modelcache: there is no permission to read anything but the API server's version\n"
    )
    reader = physician(cluster, "reader", [check("namespaces")])
    assert doctor(reader).status == 0


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (403, '{"message": "User \\"system:anonymous\\" cannot get path"}', "cannot get path"),
        (503, "<html>no backend</html>", "no backend"),
        (200, "<html>welcome</html>", "its answer has no version"),
    ],
)
def test_a_server_that_is_not_an_api_server_is_reported_in_one_line(
    tmp_path: Path, status: int, body: str, said: str
) -> None:
    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = HTTPServer(("127.0.0.1", 0), Answering)
    with serving(server):
        url = f"http://127.0.0.1:{server.server_port}"
        assert_fails_in_one_line(doctor(kubeconfig(tmp_path, url)), url, said)


def test_what_serves_reviews_does_not_import_the_client() -> None:
    program = (
        "import sys, webhook.cli, webhook.server.process, webhook.server.http.health\n"
        "print([name for name in sys.modules if name in ('kubernetes', 'urllib3', 'websocket')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
