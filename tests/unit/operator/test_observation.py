"""What predictors log and trace: by the operator's settings when the version was recorded, and nothing by default."""

from typing import Any

import pytest

from tests.unit.operator.simulator import World, settings

pytestmark = pytest.mark.unit

ENDPOINT = "http://collector.observability:4318"
OURS = ("OTEL_", "TRANSFERMODEL_ACCESS_LOG")


def trained(**overrides: Any) -> World:
    """Return a world in which v1 is trained and served, by an operator with such settings."""
    world = World(settings=settings(**overrides))
    world.create()
    world.run_to_ready()
    return world


def told(world: World) -> dict[str, str]:
    """Return what the predictor of the InferenceService is told of logs and traces."""
    (container,) = world.services["digits"]["spec"]["predictor"]["containers"]
    return {entry["name"]: entry["value"] for entry in container["env"] if entry["name"].startswith(OURS)}


@pytest.mark.parametrize(
    ("asked", "variables"),
    [
        ({}, {}),
        ({"accessLog": False}, {}),
        ({"accessLog": True}, {"TRANSFERMODEL_ACCESS_LOG": "true"}),
        (
            {"tracing": {"endpoint": ENDPOINT}},
            {"OTEL_EXPORTER_OTLP_ENDPOINT": ENDPOINT, "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=demo"},
        ),
        (
            {"tracing": {"endpoint": ENDPOINT, "samplingRate": 0.05}},
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": ENDPOINT,
                "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=demo",
                "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
                "OTEL_TRACES_SAMPLER_ARG": "0.05",
            },
        ),
    ],
)
def test_the_predictor_is_told(asked: dict[str, Any], variables: dict[str, str]) -> None:
    assert told(trained(**asked)) == variables


def test_a_version_keeps_what_it_was_recorded_with() -> None:
    """A changed variable would be a new Revision, and start a pod for every model at an upgrade of the chart."""
    for before, after in (({}, {"accessLog": True, "tracing": {"endpoint": ENDPOINT}}), ({"accessLog": True}, {})):
        world = trained(**before)
        was = told(world)
        world.settings = settings(**after)
        assert world.plan().writes == 0
        world.services.clear()  # and where it has to be written anew
        world.settle()
        assert told(world) == was


def test_the_next_version_is_told() -> None:
    world = trained()
    world.settings = settings(accessLog=True)
    world.edit(training={"strategy": "FineTuning", "fineTuning": {"unfreeze": "All"}, "seed": 2})
    world.run_to_ready()
    assert told(world) == {"TRANSFERMODEL_ACCESS_LOG": "true"}


@pytest.mark.parametrize(
    "endpoint",
    ["", "collector:4318", "grpc://collector:4317", "http://", "http://user:password@collector:4318", "http://a b"],
)
def test_what_is_no_address_of_a_collector_is_refused(endpoint: str) -> None:
    with pytest.raises(ValueError, match=r"tracing\.endpoint"):
        settings(tracing={"endpoint": endpoint})


@pytest.mark.parametrize("rate", [-0.1, 1.5, "often"])
def test_a_rate_is_a_share(rate: Any) -> None:
    with pytest.raises(ValueError, match=r"tracing\.samplingRate"):
        settings(tracing={"endpoint": ENDPOINT, "samplingRate": rate})
