"""A real Prometheus, told by the chart's PodMonitor what to scrape; and logs and traces as the chart's values ask."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from devcluster import versions
from tests.support import datasets, operator
from tests.support.charts import CHART, RELEASE, one, rendered
from tests.support.collectors import attributes, collector, resource, spans
from tests.support.dashboards import queries
from tests.support.pod_monitors import scrape_config, write_pods
from tests.support.prometheus import Prometheus, program, prometheus
from tests.support.specs import Manifest, instances_of, quick_spec
from tests.support.stack import OPERATOR_NAMESPACE, Stack, Workspace
from tests.support.waiting import wait_for

PREDICTORS = "serving.kserve.io/inferenceservice"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def ask(workspace: Workspace, name: str, body: Manifest, headers: dict[str, str] | None = None) -> int:
    """Ask through the ingress; return the status."""
    url, host = workspace.endpoint(name)
    return httpx.post(url, json=body, headers=host | (headers or {}), timeout=60).status_code


def test_prometheus_finds_predictors_and_every_panel_has_something_to_show(
    workspace: Workspace, tmp_path: Path
) -> None:
    program("prometheus")
    train = workspace.upload("train", datasets.folder())
    # One pod, from its proof until nobody has asked for a while: of two each would have counted a part.
    workspace.apply("seen", quick_spec(train, serving={"maxReplicas": 1, "scaleDownDelaySeconds": 30}))
    workspace.wait_ready("seen")
    monitor = one(rendered({"monitoring": {"podMonitor": {"enabled": True, "intervalSeconds": 1}}}), "PodMonitor")
    pods = tmp_path / "pods.json"
    cluster = workspace.stack.resource("Pod", "v1")

    def discover() -> None:
        write_pods(pods, cluster.get().to_dict()["items"])

    discover()
    with prometheus(tmp_path, scrape_config(monitor, pods)) as running:
        refused = ask_until_each_panel_shows_something(workspace, running, discover)
        (pod,) = workspace.pods(f"{PREDICTORS}=seen")
        found = [target for target in running.targets() if target["labels"]["namespace"] == workspace.namespace]
        assert [(target["scrapeUrl"], target["health"]) for target in found] == [
            (f"http://{pod['status']['podIP']}:8080/metrics", "up")
        ]
        assert (
            found[0]["labels"].items()
            >= {
                "pod": pod["metadata"]["name"],
                "container": "kserve-container",
                "transfermodel": "seen",
                "revision": workspace.revisions("seen")[0]["metadata"]["name"],
            }.items()
        )

        here = f'namespace="{workspace.namespace}"'
        wait_for(
            lambda: running.value(f'sum(transfermodel_requests_total{{{here}, code="400"}})') == refused,
            timeout_seconds=30,
            what="what was refused is counted",
        )
        requests = f"sum(max_over_time(transfermodel_requests_total{{{here}}}[10m]))"
        scrapes = f"sum(count_over_time(up{{{here}}}[10m]))"
        counted, scraped = running.value(requests), running.value(scrapes)

        def asleep() -> bool:
            discover()
            return not workspace.pods(f"{PREDICTORS}=seen")

        wait_for(asleep, timeout_seconds=120, what="zero pods, though Prometheus asks every second")
        assert running.value(scrapes) > scraped + 3
        assert running.value(requests) == counted, "a scrape counts as no request"


def ask_until_each_panel_shows_something(
    workspace: Workspace, running: Prometheus, discover: Callable[[], None]
) -> int:
    """Ask well and wrongly until each expression of the dashboard has series; return how often it was refused."""
    good, asked = instances_of([datasets.picture("red", 900)] * 3), 0
    missing: set[str] = set()

    def shown() -> bool:
        nonlocal asked, missing
        discover()
        assert ask(workspace, "seen", good) == 200
        assert ask(workspace, "seen", {"instances": 1}) == 400
        asked += 1
        missing = {each.panel for each in queries() if not running.query(each.filled(namespace=workspace.namespace))}
        return not missing

    wait_for(shown, timeout_seconds=90, what="every panel has series", explain=lambda: f"nothing in {sorted(missing)}")
    return asked


@pytest.fixture
def restored(stack: Stack) -> Iterator[None]:
    """Give the operator its values back."""
    yield
    stack.deploy()
    operator.wait_ready(stack)


@pytest.mark.alone
def test_values_for_logs_and_traces_hold_for_new_versions_and_start_no_pod(
    workspace: Workspace, restored: None
) -> None:
    stack = workspace.stack
    spec = quick_spec(workspace.upload("train", datasets.folder()), serving={"minReplicas": 1, "maxReplicas": 1})
    workspace.apply("before", spec)
    workspace.wait_ready("before")
    body = instances_of([datasets.picture("green", 900)])
    with collector(versions.NODE_ADDRESS) as (address, received):
        chosen = ("predictor.accessLog=true", f"predictor.tracing.endpoint={address}")
        values = [argument for value in chosen for argument in ("--set", value)]
        stack.helm(
            "upgrade", RELEASE, str(CHART), "-n", OPERATOR_NAMESPACE, "--reset-then-reuse-values", "--wait", *values
        )
        operator.wait_ready(stack)
        (revision,) = workspace.revisions("before")
        workspace.apply("after", spec)
        workspace.wait_ready("after")

        def traced() -> list[Span]:
            """The first requests may come while OpenTelemetry is still being imported."""
            assert ask(workspace, "after", body, {"traceparent": f"00-{TRACE}-{PARENT}-01"}) == 200
            return [span for span in spans(received) if span.parent_span_id.hex() == PARENT]

        asked = wait_for(traced, timeout_seconds=60, what="a trace", explain=lambda: workspace.explain("after"))[0]
        told = resource(received)
        assert (told["service.name"], told["service.namespace"]) == ("after", workspace.namespace)
        assert asked.trace_id.hex() == TRACE
        assert attributes(asked.attributes)["url.path"] == "/v1/models/after:predict"
        assert "after:predict" in "".join(line["message"] for line in log(workspace, "after"))

        assert ask(workspace, "before", body) == 200
        (still,) = workspace.revisions("before")
        assert still["metadata"]["uid"] == revision["metadata"]["uid"]
        assert "before:predict" not in "".join(line["message"] for line in log(workspace, "before"))


def log(workspace: Workspace, name: str) -> list[Manifest]:
    """Return what a model's predictor logged."""
    text = workspace.stack.kubectl(
        "logs", "-n", workspace.namespace, "-l", f"{PREDICTORS}={name}", "-c", "kserve-container", "--tail=-1"
    )
    return [json.loads(line) for line in text.splitlines()]
