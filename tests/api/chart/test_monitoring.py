"""What the chart brings for Prometheus and Grafana, and that a real Prometheus gets what the dashboard shows."""

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.charts import HelmFailed, one, rendered
from tests.support.colours import picture, write_artifact
from tests.support.dashboards import FILE, dashboard, queries
from tests.support.predictor_process import MODEL, predictor
from tests.support.prometheus import program, prometheus, relabel_configs
from tests.support.waiting import wait_for

POD_MONITOR = {"monitoring": {"podMonitor": {"enabled": True}}}
DASHBOARD = {"monitoring": {"dashboard": {"enabled": True}}}


def test_neither_is_there_unless_asked_for() -> None:
    assert {"PodMonitor", "ConfigMap"}.isdisjoint(item["kind"] for item in rendered())


def test_a_pod_monitor_selects_predictors_of_all_namespaces() -> None:
    values: dict[str, Any] = {
        "monitoring": {"podMonitor": {"enabled": True, "intervalSeconds": 30, "labels": {"release": "stack"}}}
    }
    monitor = one(rendered(values), "PodMonitor")
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert monitor["metadata"]["labels"]["release"] == "stack"
    spec = monitor["spec"]
    assert spec["namespaceSelector"] == {"any": True}
    assert spec["selector"]["matchLabels"] == {"app.kubernetes.io/managed-by": "transfermodel-operator"}
    assert spec["selector"]["matchExpressions"] == [{"key": "serving.knative.dev/revision", "operator": "Exists"}]
    (endpoint,) = spec["podMetricsEndpoints"]
    assert (endpoint["port"], endpoint["path"], endpoint["interval"]) == ("user-port", "/metrics", "30s")


def test_a_pod_monitor_keeps_to_the_watched_namespaces() -> None:
    monitor = one(rendered(POD_MONITOR | {"watchNamespaces": ["a", "b"]}), "PodMonitor")
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


@pytest.mark.skipif(program("prometheus") is None, reason="no prometheus here: apt-get install prometheus")
def test_a_real_prometheus_gets_what_each_panel_shows(tmp_path: Path) -> None:
    digest = write_artifact(tmp_path / "artifact")
    (endpoint,) = one(rendered(POD_MONITOR), "PodMonitor")["spec"]["podMetricsEndpoints"]
    with predictor((tmp_path / "artifact").as_uri(), digest, tmp_path) as process:
        process.wait_ready()
        scrape = {
            "job_name": "predictors",
            "metrics_path": endpoint["path"],
            "relabel_configs": relabel_configs(endpoint["relabelings"]),
            "static_configs": [
                {
                    "targets": [f"127.0.0.1:{process.client.base_url.port}"],
                    # As Kubernetes' discovery and the Prometheus operator name them.
                    "labels": {
                        "namespace": "demo",
                        "pod": "digits-1",
                        "__meta_kubernetes_pod_label_transferlearning_dev_transfermodel": "digits",
                        "__meta_kubernetes_pod_label_serving_knative_dev_revision": "digits-predictor-00001",
                    },
                }
            ],
        }
        good = {"instances": [{"image": {"b64": base64.b64encode(picture()).decode()}}] * 3}
        with prometheus(tmp_path, scrape) as running:
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
            said = subprocess.run(
                [program("promtool") or "promtool", "check", "metrics"],
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
                    "transfermodel": "digits",
                    "revision": "digits-predictor-00001",
                    "model": MODEL,
                    "version": "v2",
                    "digest": digest,
                }.items()
            )
