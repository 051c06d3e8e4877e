"""The dashboard and the alerts: every metric that they query exists, with the labels that they name."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.api_servers.chart.rules import RULES, promtool, write
from tests.kubernetes import helm
from tests.kubernetes.api import Object
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.registration import NOWHERE, configured, mutating, webhook
from webhook.server.telemetry.decisions import Telemetry
from webhook.server.telemetry.tallies import Tally

API_SERVERS = {
    "apiserver_admission_webhook_admission_duration_seconds_bucket": {"name", "le"},
    "apiserver_admission_webhook_fail_open_count": {"name"},
    "apiserver_admission_webhook_rejection_count": {"name", "error_type"},
}
"""Metric of the API server → the labels that queries use."""
OF_SCRAPING = {"pod"}
METRIC = re.compile(r"\b(?:modelcache|apiserver|process)_\w+")


def dashboard() -> Object:
    given = {"dashboard": {"enabled": True}}
    (found,) = [obj for obj in helm.objects(given) if obj["kind"] == "ConfigMap"]
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    board: Object = json.loads(found["data"]["modelcache.json"])
    return board


PANELS = dashboard()["panels"]
QUERIES = {
    f"{panel['title']} {target['refId']}": target["expr"]
    for panel in PANELS
    for target in panel["targets"]
} | {name: rule["expr"] for name, rule in RULES.items()}


def metrics() -> dict[str, set[str]]:
    """Return the metrics of the webhook, as Prometheus stores them, with their labels."""
    telemetry = Telemetry(print)
    telemetry.controller_pid = os.getpid()  # a process, or there would be nothing to find
    registry = telemetry.registry
    found: dict[str, set[str]] = {}
    for metric in registry.collect():
        source: Any = registry._names_to_collectors.get(metric.name)
        labels = set(
            source.label_names if isinstance(source, Tally) else getattr(source, "_labelnames", ())
        )
        match metric.type:
            case "counter":
                found[f"{metric.name}_total"] = labels
            case "histogram":
                found[f"{metric.name}_bucket"] = labels | {"le"}
            case _:
                found[metric.name] = labels
    return found


@pytest.mark.parametrize("query", QUERIES)
def test_every_queried_metric_exists(query: str) -> None:
    names = METRIC.findall(re.sub(r'"[^"]*"', "", QUERIES[query]))
    assert names
    known = metrics() | API_SERVERS
    assert set(names) <= set(known)
    labels = set(re.findall(r"[{,](\w+)=", QUERIES[query]))
    for listed in re.findall(r"\bby \(([^)]*)\)", QUERIES[query]):
        labels |= set(re.split(r",\s*", listed))
    for name in names:
        assert labels <= known[name] | OF_SCRAPING, name


def test_the_queries_are_valid_promql(tmp_path: Path) -> None:
    queries = [
        {"record": f"query:{number}", "expr": query.replace("$__rate_interval", "5m")}
        for number, query in enumerate(QUERIES.values())
    ]
    path = write(tmp_path / "rules.json", {"groups": [{"name": "all", "rules": queries}]})
    assert f"{len(queries)} rules found" in promtool("check", "rules", path)


def test_panels_have_numbers_titles_and_room_of_their_own() -> None:
    assert len({panel["id"] for panel in PANELS}) == len({panel["title"] for panel in PANELS})
    places = [tuple(panel["gridPos"].values()) for panel in PANELS]
    assert len(set(places)) == len(places) == len(PANELS)
    assert {panel["datasource"]["uid"] for panel in PANELS} == {"${datasource}"}
    assert [one["name"] for one in dashboard()["templating"]["list"]] == ["datasource"]


def test_the_api_server_counts_a_dead_webhook_under_these_names(cluster: ControlPlane) -> None:
    configuration = mutating(
        "nobody",
        *(
            webhook(
                f"{failure.lower()}.nobody.example.com",
                {"url": NOWHERE},
                failurePolicy=failure,
                matchConditions=[
                    {
                        "name": "probe",
                        "expression": f"object.metadata.name == 'probe-{failure.lower()}'",
                    }
                ],
            )
            for failure in ("Ignore", "Fail")
        ),
    )
    with configured(cluster, [configuration]):
        for failure, code in (("ignore", 201), ("fail", 500)):
            pod = yaml.safe_load(
                f"{{apiVersion: v1, kind: Pod, metadata: {{name: probe-{failure}}},"
                " spec: {containers: [{name: c, image: i}]}}"
            )
            assert cluster.api.create(pod, dry_run=True).code == code
    text = cluster.api.request("GET", "/metrics").expect().message
    for name, labels in API_SERVERS.items():
        lines = [line for line in text.splitlines() if line.startswith(name + "{")]
        ours = [line for line in lines if "nobody.example.com" in line]
        assert ours, name
        assert all(f'{label}="' in ours[0] for label in labels), name
    assert 'error_type="calling_webhook_error",name="fail.nobody.example.com"' in text
