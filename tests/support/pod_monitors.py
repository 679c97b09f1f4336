"""A PodMonitor as the Prometheus operator reads it, and pods as Prometheus' own discovery describes them.

Debian's Prometheus is built without the discovery in Kubernetes; so pods come to it in a file, with the same labels,
and what is scraped is decided by Prometheus itself.
https://prometheus.io/docs/prometheus/latest/configuration/configuration/#pod
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.specs import Manifest

META = "__meta_kubernetes_"


def scrape_config(monitor: Manifest, pods: Path) -> dict[str, Any]:
    """Return the scrape configuration of a PodMonitor with one endpoint; pods: a file that write_pods wrote.

    The order and the labels are the operator's: what is selected, where from, and then the endpoint's own relabelings.
    """
    metadata, spec = monitor["metadata"], monitor["spec"]
    (endpoint,) = spec["podMetricsEndpoints"]
    assert set(spec) <= {"namespaceSelector", "selector", "podMetricsEndpoints"}, "what else there is would be ignored"
    assert set(endpoint) <= {"port", "path", "interval", "relabelings"}
    return {
        "job_name": f"podMonitor/{metadata['namespace']}/{metadata['name']}/0",
        "metrics_path": endpoint["path"],
        "scrape_interval": endpoint["interval"],
        "file_sd_configs": [{"files": [str(pods)], "refresh_interval": "1s"}],
        "relabel_configs": [
            *_namespaces(spec["namespaceSelector"]),
            *_selected(spec["selector"]),
            _keep(endpoint["port"], "pod_container_port_name"),
            {"action": "drop", "source_labels": [f"{META}pod_phase"], "regex": "(Failed|Succeeded)"},
            *(
                {"source_labels": [f"{META}{source}"], "target_label": target}
                for source, target in (
                    ("namespace", "namespace"),
                    ("pod_container_name", "container"),
                    ("pod_name", "pod"),
                )
            ),
            {"target_label": "job", "replacement": f"{metadata['namespace']}/{metadata['name']}"},
            {"target_label": "endpoint", "replacement": endpoint["port"]},
            *_relabelings(endpoint["relabelings"]),
        ],
    }


def _relabelings(relabelings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a PodMonitor's relabelings as Prometheus' own configuration writes them."""
    names = {"sourceLabels": "source_labels", "targetLabel": "target_label"}
    return [{names.get(key, key): value for key, value in each.items()} for each in relabelings]


def write_pods(path: Path, pods: list[Manifest]) -> None:
    """Tell Prometheus of all pods: one target for each port of each container, as its discovery does."""
    targets = [
        {"targets": [labels.pop("__address__")], "labels": labels} for pod in pods for labels in _pod_targets(pod)
    ]
    half = path.with_suffix(".half")
    half.write_text(json.dumps(targets))
    os.replace(half, path)


def _pod_targets(pod: Manifest) -> Iterator[dict[str, str]]:
    address = pod["status"].get("podIP")
    if not address:
        return
    labels = {
        f"{META}namespace": pod["metadata"]["namespace"],
        f"{META}pod_name": pod["metadata"]["name"],
        f"{META}pod_ip": address,
        f"{META}pod_phase": pod["status"]["phase"],
    }
    for name, value in (pod["metadata"].get("labels") or {}).items():
        labels[f"{META}pod_label_{_sanitized(name)}"] = value
        labels[f"{META}pod_labelpresent_{_sanitized(name)}"] = "true"
    for container in pod["spec"]["containers"]:
        named = labels | {f"{META}pod_container_name": container["name"]}
        ports = container.get("ports") or []
        for port in ports:
            yield named | {
                "__address__": f"{address}:{port['containerPort']}",
                f"{META}pod_container_port_name": port.get("name", ""),
                f"{META}pod_container_port_number": str(port["containerPort"]),
            }
        if not ports:
            yield named | {"__address__": address}


def _namespaces(selector: Manifest) -> list[dict[str, Any]]:
    if selector == {"any": True}:
        return []
    return [_keep("|".join(re.escape(name) for name in selector["matchNames"]), "namespace")]


def _selected(selector: Manifest) -> Iterator[dict[str, Any]]:
    for name, value in selector.get("matchLabels", {}).items():
        label = _sanitized(name)
        yield _keep(f"({re.escape(value)});true", f"pod_label_{label}", f"pod_labelpresent_{label}")
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "Exists", expression
        yield _keep("true", f"pod_labelpresent_{_sanitized(expression['key'])}")


def _keep(regex: str, *labels: str) -> dict[str, Any]:
    return {"action": "keep", "source_labels": [f"{META}{label}" for label in labels], "regex": regex}


def _sanitized(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_]", "_", name)
