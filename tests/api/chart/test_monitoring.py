"""What the chart brings for Prometheus and Grafana, and that a real Prometheus gets what the dashboard shows."""

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.charts import HelmFailed, Manifest, one, rendered
from tests.support.colours import picture, write_artifact
from tests.support.dashboards import FILE, dashboard, queries
from tests.support.pod_monitors import scrape_config, write_pods
from tests.support.predictor_process import MODEL, predictor
from tests.support.prometheus import program, prometheus
from tests.support.waiting import wait_for


def monitored(**values: Any) -> Manifest:
    """Return values with a PodMonitor."""
    return {"monitoring": {"podMonitor": {"enabled": True} | values}}


def test_neither_is_there_unless_asked_for() -> None:
    assert {"PodMonitor", "ConfigMap"}.isdisjoint(item["kind"] for item in rendered())


def test_a_pod_monitor_selects_predictors_of_all_namespaces() -> None:
    monitor = one(rendered(monitored(intervalSeconds=30, labels={"release": "stack"})), "PodMonitor")
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert monitor["metadata"]["labels"]["release"] == "stack"
    spec = monitor["spec"]
    assert spec["namespaceSelector"] == {"any": True}
    assert spec["selector"]["matchLabels"] == {"app.kubernetes.io/managed-by": "transfermodel-operator"}
    assert spec["selector"]["matchExpressions"] == [{"key": "serving.knative.dev/revision", "operator": "Exists"}]
    (endpoint,) = spec["podMetricsEndpoints"]
    assert (endpoint["port"], endpoint["path"], endpoint["interval"]) == ("user-port", "/metrics", "30s")


def test_a_pod_monitor_keeps_to_the_watched_namespaces() -> None:
    monitor = one(rendered(monitored() | {"watchNamespaces": ["a", "b"]}), "PodMonitor")
    assert monitor["spec"]["namespaceSelector"] == {"matchNames": ["a", "b"]}


def test_the_dashboard_is_a_config_map_that_grafanas_sidecar_finds() -> None:
    values = {"monitoring": {"dashboard": {"enabled": True, "annotations": {"grafana_folder": "Models"}}}}
    found = one(rendered(values), "ConfigMap")
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert found["metadata"]["annotations"] == {"grafana_folder": "Models"}
    assert json.loads(found["data"]["transfermodel-predictors.json"]) == dashboard() == json.loads(FILE.read_text())


@pytest.mark.parametrize(
    "wrong",
    [
        {"podMonitor": {"enabled": "yes"}},
        {"podMonitor": {"intervalSeconds": 0}},
        {"podMonitor": {"interval": "15s"}},
        {"dashboard": {"labels": {"a": 1}}},
        {"serviceMonitor": {"enabled": True}},
    ],
)
def test_values_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(HelmFailed, match="monitoring"):
        rendered({"monitoring": wrong})


def test_a_real_prometheus_gets_what_each_panel_shows(tmp_path: Path) -> None:
    promtool = program("promtool")
    digest = write_artifact(tmp_path / "artifact")
    monitor = one(rendered(monitored(intervalSeconds=1)), "PodMonitor")
    with predictor((tmp_path / "artifact").as_uri(), digest, tmp_path) as process:
        process.wait_ready()
        port = process.client.base_url.port
        assert port is not None
        write_pods(tmp_path / "pods.json", pods_around(port))
        good = {"instances": [{"image": {"b64": base64.b64encode(picture()).decode()}}] * 3}
        with prometheus(tmp_path, scrape_config(monitor, tmp_path / "pods.json")) as running:
            asked = {"good": 0, "bad": 0}

            def ask() -> bool:
                """Ask until each expression has an answer; a rate needs two scrapes of what counts."""
                for name, body in (("good", good), ("bad", {"instances": 1})):
                    process.client.post(f"/v1/models/{MODEL}:predict", json=body)
                    asked[name] += 1
                return all(running.query(query.filled()) for query in queries())

            wait_for(ask, timeout_seconds=60, what="every panel has a series", interval_seconds=0.2)

            def counted() -> dict[str, float]:
                series = running.query("transfermodel_requests_total")
                return {each["metric"]["code"]: float(each["value"][1]) for each in series}

            wait_for(
                lambda: counted() == {"200": asked["good"], "400": asked["bad"]},
                timeout_seconds=30,
                what="Prometheus has counted what was asked",
            )
            (target,) = running.targets()
            assert target["scrapeUrl"] == f"http://127.0.0.1:{port}/metrics"
            said = subprocess.run(
                [promtool, "check", "metrics"],
                input=process.client.get("/metrics").content,
                capture_output=True,
                check=False,
            )
            assert (said.returncode, said.stdout, said.stderr) == (0, b"", b"")
            (info,) = running.query("transfermodel_model_info")
            assert (
                info["metric"].items()
                >= {
                    "namespace": "demo",
                    "pod": "digits-1",
                    "container": "kserve-container",
                    "transfermodel": "digits",
                    "revision": "digits-predictor-00001",
                    "model": MODEL,
                    "version": "v2",
                    "digest": digest,
                }.items()
            )


def pods_around(port: int) -> list[Manifest]:
    """Return a predictor's pod as Knative makes it, and others in which the same port would answer, too."""
    ours = {"app.kubernetes.io/managed-by": "transfermodel-operator", "transferlearning.dev/transfermodel": "digits"}
    revision = {"serving.knative.dev/revision": "digits-predictor-00001"}
    proxy = {"name": "queue-proxy", "ports": [{"name": "http-usermetric", "containerPort": port}]}
    predicts = {"name": "kserve-container", "ports": [{"name": "user-port", "containerPort": port}]}
    return [
        pod("digits-1", ours | revision, [predicts, proxy]),
        pod("digits-2", ours | revision, [predicts], phase="Failed"),
        pod("digits-029416862b-2rwn5", ours, [predicts]),
        pod("somebody-elses", revision, [predicts]),
    ]


def pod(name: str, labels: dict[str, str], containers: list[Manifest], phase: str = "Running") -> Manifest:
    """Return one on loopback."""
    return {
        "metadata": {"name": name, "namespace": "demo", "labels": labels},
        "spec": {"containers": containers},
        "status": {"phase": phase, "podIP": "127.0.0.1"},
    }
