"""How the three clients of the API server handle its answers, over real HTTP."""

import contextlib
import datetime as dt
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.kubernetes.serving import serving
from webhook.api_server.client import Api
from webhook.api_server.connection import Connection
from webhook.api_server.controller_client import ControllerApi
from webhook.api_server.errors import (
    Conflict,
    Forbidden,
    Missing,
    Refused,
    RequestFailed,
    Unreachable,
)
from webhook.loading.in_cluster.service_account import Overtaken, PodApi
from webhook.loading.origins.origin import Interrupted, Unavailable

DATE = "Mon, 30 Nov 2026 08:00:00 GMT"
NO_RIGHT = 'pods is forbidden: User "reader" cannot list resource "pods"'
BY_ADMISSION = 'pods "a" is forbidden: violates PodSecurity "restricted:latest"'
TEST_FAILED = "the server rejected our request due to an error in our request"
ANSWERS: list[tuple[int, str, type[Refused]]] = [
    (400, "the body of the request is wrong", Refused),
    (403, NO_RIGHT, Forbidden),
    (403, BY_ADMISSION, Refused),
    (404, 'pods "a" not found', Missing),
    (409, "the object has been modified", Conflict),
    (422, TEST_FAILED, Conflict),
    (422, "Secret is invalid: type: field is immutable", Refused),
    (500, "etcdserver: request timed out", Refused),
]


def status(message: str) -> bytes:
    return json.dumps({"kind": "Status", "message": message}).encode()


@contextlib.contextmanager
def answering(
    folder: Path, code: int, body: bytes, *, announced: int | None = None
) -> Iterator[Path]:
    """Yield the kubeconfig of a server that answers everything with *code* and *body*."""

    class Answering(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response_only(code)
            self.send_header("Date", DATE)
            self.send_header("Warning", r'299 - "unknown \"a\""')
            self.send_header("Warning", '299 - "one, with a comma"')
            self.send_header("Content-Length", str(len(body) if announced is None else announced))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815  # names of http.server

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Answering)
    with serving(server):
        path = folder / "kubeconfig"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {
                "server": f"http://127.0.0.1:{server.server_port}"}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        }))  # fmt: skip
        yield path


def controller(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> ControllerApi:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    default = "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION"
    monkeypatch.setattr(default, str(kubeconfig))
    return ControllerApi(lambda _: None)


@pytest.mark.parametrize(("code", "message", "kind"), ANSWERS)
def test_a_command_raises_what_the_answer_means_in_the_api_servers_words(
    tmp_path: Path, code: int, message: str, kind: type[Refused]
) -> None:
    with answering(tmp_path, code, status(message)) as kubeconfig:
        for ask in (Api(kubeconfig).get, Api(kubeconfig).items, Api(kubeconfig).text):
            with pytest.raises(Refused) as raised:
                ask("api", "v1", "pods")
            assert (type(raised.value), raised.value.code) == (kind, code)
            assert str(raised.value) == message


@pytest.mark.parametrize(("code", "message", "kind"), ANSWERS)
def test_the_controller_raises_the_same_and_says_what_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, message: str, kind: type[Refused]
) -> None:
    with answering(tmp_path, code, status(message)) as kubeconfig:
        answer = controller(kubeconfig, monkeypatch).request("GET", "/api/v1/pods")
    with pytest.raises(Refused) as raised:
        answer.expect("list Pods", 200)
    assert type(raised.value) is kind
    assert str(raised.value) == f"can't list Pods: {code} {message}"
    assert answer.expect("list Pods", 200, code) is answer


@pytest.mark.parametrize(
    ("code", "kind"),
    [(401, Unavailable), (403, Unavailable), (404, Unavailable), (409, Overtaken),
     (429, Interrupted), (500, Interrupted), (503, Interrupted)],
)  # fmt: skip
def test_a_loader_tries_again_what_may_be_better_later(
    tmp_path: Path, code: int, kind: type[Exception]
) -> None:
    with answering(tmp_path, code, status("not\nnow")) as kubeconfig:
        api = PodApi("lease", Connection.by_kubeconfig(kubeconfig))
        with pytest.raises((Unavailable, Interrupted)) as raised:
            api.request("GET", "/a", None, doing="Lease a/b", permitted_by="lease")
    assert type(raised.value) is kind
    hint = ": modelcache render --kind lease prints what permits it"
    assert str(raised.value) == f"Lease a/b: {code} not now{hint * (kind is Unavailable)}"


def test_unknown_credentials_are_no_answer_for_a_command_and_a_refusal_for_the_controller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(tmp_path, 401, status("Unauthorized")) as kubeconfig:
        with pytest.raises(
            Unreachable, match=r"^it does not accept our credentials: Unauthorized$"
        ):
            Api(kubeconfig).get("api", "v1", "pods")
        answer = controller(kubeconfig, monkeypatch).request("GET", "/api/v1/pods")
    with pytest.raises(Refused, match=r"^can't list Pods: 401 Unauthorized$"):
        answer.expect("list Pods", 200)


@pytest.mark.parametrize("body", [b"<html>no backend</html>", b'["no backend"]'])
def test_a_proxys_page_is_shown_in_place_of_a_message(tmp_path: Path, body: bytes) -> None:
    with (
        answering(tmp_path, 503, body) as kubeconfig,
        pytest.raises(Refused, match="no backend"),
    ):
        Api(kubeconfig).get("version")


def test_an_answer_has_its_warnings_and_the_time_of_both_clocks(tmp_path: Path) -> None:
    with answering(tmp_path, 201, b'{"kind": "Pod"}') as kubeconfig:
        before = dt.datetime.now(dt.UTC)
        answer = Api(kubeconfig).dry_run({"kind": "Pod"}, "api", "v1", "pods")
    assert answer.json() == {"kind": "Pod"}
    assert answer.warnings == ('unknown "a"', "one, with a comma")
    assert answer.server_time == dt.datetime(2026, 11, 30, 8, tzinfo=dt.UTC)
    assert before <= answer.our_time <= dt.datetime.now(dt.UTC)


def test_an_incomplete_answer_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(tmp_path, 200, b"{}", announced=10) as kubeconfig:
        with pytest.raises(Unreachable, match="IncompleteRead"):
            Api(kubeconfig).get("version")
        with pytest.raises(Unreachable, match="IncompleteRead"):
            controller(kubeconfig, monkeypatch).request("GET", "/version")
        api = PodApi("lease", Connection.by_kubeconfig(kubeconfig))
        with pytest.raises(Interrupted, match=r"^Lease a/b: .*IncompleteRead"):
            api.request("GET", "/a", None, doing="Lease a/b", permitted_by="lease")


@pytest.mark.parametrize("code", [401, 403, 404, 410, 500])
def test_a_watch_that_is_refused_says_so_before_its_first_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    with answering(tmp_path, code, status("no watch")) as kubeconfig:
        watch = controller(kubeconfig, monkeypatch).watch("/api/v1/pods", "a")
        with pytest.raises(RequestFailed, match=r"^no watch$"):
            next(watch)


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [(401, "Unauthorized", Unreachable), (403, NO_RIGHT, Forbidden), (404, "no pod", Missing)],
)
def test_a_port_that_is_not_forwarded_ends_as_any_other_request(
    tmp_path: Path, code: int, message: str, kind: type[RequestFailed]
) -> None:
    pod = {"metadata": {"namespace": "d", "name": "a"}}
    with (
        answering(tmp_path, code, status(message)) as kubeconfig,
        pytest.raises(kind, match=message),
        Api(kubeconfig).forwarded(pod, 8080),
    ):
        pass
