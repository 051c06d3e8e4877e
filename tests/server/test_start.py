"""The start of a server, and the reasons why it refuses to start."""

import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from ruamel.yaml import YAML

from tests.forking.process import ENVIRONMENT, Forked, run
from tests.server.harness import HOST, ROOT, PairFiles, Server

FREE = ("--host", HOST, "--port", "0", "--health-port", "0")


def refused(*options: str) -> str:
    """Return the message of a start with *options*, which must fail with status 2."""
    found = run(
        [sys.executable, "-m", "webhook", "serve", *options], seconds=30, cwd=ROOT, text=True,
        env={**os.environ, **ENVIRONMENT, "TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "200"},
    )  # fmt: skip
    assert found.returncode == 2, found
    assert "Traceback" not in found.stderr
    assert found.stdout == ""
    return str(found.stderr)


def of(pair: PairFiles) -> tuple[str, ...]:
    return ("--cert", str(pair.certificate), "--key", str(pair.key))


def test_a_key_of_another_certificate_is_refused(pair: PairFiles, tmp_path: Path) -> None:
    # P1 56, P1 58
    other = PairFiles.made_in(tmp_path)
    said = refused(*FREE, "--cert", str(pair.certificate), "--key", str(other.key))
    assert "can't be served" in said
    assert str(other.key) in said


@pytest.mark.parametrize("content", [None, b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAA"])
@pytest.mark.parametrize("which", ["--cert", "--key"])
def test_a_file_that_is_missing_empty_or_garbage_is_refused(
    pair: PairFiles, tmp_path: Path, content: bytes | None, which: str
) -> None:
    # P1 58, c37
    broken = tmp_path / "broken.pem"
    if content is not None:
        broken.write_bytes(content)
    said = refused(*FREE, *of(pair), which, str(broken))
    assert str(broken) in said


def test_an_encrypted_key_is_refused_without_a_prompt(pair: PairFiles, tmp_path: Path) -> None:
    # P1 58
    key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    said = refused(*FREE, "--cert", str(pair.certificate), "--key", str(locked))
    assert "pass phrase" not in said
    assert "can't be served" in said


@pytest.mark.parametrize(
    "options",
    [
        (), ("--dev", "--cert", "x"), ("--cert", "x"), ("--nothing",), ("--port", "70000"),
        ("--port", "-1"), ("--drain", "-1"), ("--log-format", "xml"), ("--kube-version", "new"),
        ("--policy", "/nowhere"), ("surplus",),
    ],
    ids=" ".join,
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(options: tuple[str, ...], pair: PairFiles) -> None:
    # P1 56
    more = of(pair) if options and options[0] not in {"--dev", "--cert"} else ()
    assert len(refused(*more, *options).splitlines()) < 12


@pytest.mark.parametrize("version", ["1.28", "v1.9.11"])
def test_an_api_server_that_cannot_compile_the_match_conditions_is_refused(
    version: str, pair: PairFiles
) -> None:
    # c55
    said = refused(*FREE, *of(pair), "--kube-version", version)
    assert f"--kube-version: {version}: must be 1.29 or later" in said


@pytest.mark.parametrize("option", ["--port", "--health-port"])
def test_a_port_in_use_is_named(server: Server, pair: PairFiles, option: str) -> None:
    # P0 36
    port = server.port if option == "--port" else server.health_port
    said = refused(*FREE, *of(pair), option, str(port))
    assert str(port) in said
    assert "in use" in said


def test_an_address_of_another_machine_is_named(pair: PairFiles) -> None:
    assert "192.0.2.1" in refused(*FREE, *of(pair), "--host", "192.0.2.1")


def test_a_wrong_policy_is_refused_at_the_start(pair: PairFiles, tmp_path: Path) -> None:
    # P0 39c, P1 69
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "apiVersion: modelcache.io/v1alpha1\nkind: CachePolicy\nmetadata: {name: a}\n"
        "spec: {defaults: {host-path: relative/path}}\n"
    )
    assert "host-path" in refused(*FREE, *of(pair), "--policy", str(policy))


def test_policies_whose_selectors_the_server_cannot_judge_are_refused_by_name(
    pair: PairFiles, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "---\n".join(
            "apiVersion: modelcache.io/v1alpha1\nkind: CachePolicy\n"
            f"metadata: {{name: {name}}}\nspec: {{namespaceSelector: {selector}}}\n"
            for name, selector in (
                ("nonprod", "{matchExpressions: [{key: env, operator: NotIn, values: [prod]}]}"),
                ("named", "{matchLabels: {kubernetes.io/metadata.name: prod}}"),
                ("teams", "{matchLabels: {team: ml, tier: gold}}"),
            )
        )
    )
    said = refused(*FREE, *of(pair), "--policy", str(policy)).splitlines()
    assert [line.split(",")[0] for line in said] == [
        "modelcache: CachePolicy nonprod: spec.namespaceSelector: uses label env",
        "modelcache: CachePolicy teams: spec.namespaceSelector: uses labels team",
    ]
    assert all("knows only kubernetes.io/metadata.name: use that label" in line for line in said)


@contextlib.contextmanager
def listening(pair: PairFiles, *options: str) -> Iterator[tuple[int, int]]:
    """Run a server with *options* and no --host of the tests; yield its two ports."""
    process = Forked(
        [
            sys.executable, "-m", "webhook", "serve", "--port", "0", "--health-port", "0",
            "--shutdown-delay", "0", *of(pair), *options,
        ],
        cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **ENVIRONMENT},
    )  # fmt: skip
    try:
        assert process.stderr
        line = json.loads(process.stderr.readline())
        assert line["event"] == "serving"
        yield line["port"], line["health_port"]
    finally:
        process.terminate()
        process.communicate(timeout=20)


ADDRESSES = ["127.0.0.1", "::1"]


@pytest.mark.parametrize(
    ("options", "answering"),
    [
        ((), ADDRESSES),
        (("--host", "::"), ADDRESSES),
        (("--host", "0.0.0.0"), ["127.0.0.1"]),
        (("--host", "127.0.0.1"), ["127.0.0.1"]),
        (("--host", "::1"), ["::1"]),
    ],
    ids=lambda value: " ".join(value) or "default",
)
def test_the_server_listens_on_every_address_unless_it_is_given_one(
    options: tuple[str, ...], answering: list[str], pair: PairFiles
) -> None:
    # P2 100: clusters have IPv4, IPv6 or both, and the Service leads to an address of the pod
    addresses = Path("/proc/net/if_inet6")
    if not addresses.exists() or not addresses.read_text():
        pytest.skip("this machine has no IPv6")
    context = pair.client_context()
    with listening(pair, *options) as ports:
        found = []
        for address in ADDRESSES:
            try:
                health = http.client.HTTPConnection(address, ports[1], timeout=20)
                health.request("GET", "/livez")
                assert health.getresponse().status == 200
                health.close()
                with socket.create_connection((address, ports[0]), timeout=20) as raw:
                    context.wrap_socket(raw, server_hostname="localhost").close()
            except ConnectionRefusedError:
                continue
            found.append(address)
    assert found == answering


def test_a_development_server_prints_the_registration_that_trusts_it() -> None:
    # P2 104: what is printed is all that an API server needs
    process = subprocess.Popen(
        [sys.executable, "-m", "webhook", "serve", "--dev", *FREE, "--shutdown-delay", "0"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stderr
        line = json.loads(process.stderr.readline())
        assert line["event"] == "serving"
    finally:
        process.terminate()
        printed, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    document = YAML(typ="safe", pure=True).load(printed)
    assert document["kind"] == "MutatingWebhookConfiguration"
    assert document["webhooks"]
    for webhook in document["webhooks"]:
        client = webhook["clientConfig"]
        assert "service" not in client
        assert re.fullmatch(
            rf"https://127\.0\.0\.1:{line['port']}/mutate(-workload)?", client["url"]
        )
        assert webhook["admissionReviewVersions"]
        assert client["caBundle"]
