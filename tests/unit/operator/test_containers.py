"""Compute resources: what the user says, what the operator's settings say, and nothing for KServe to fill in."""

import pytest
from transfermodel_operator.api.spec import Resources
from transfermodel_operator.resources.containers import resources, whole_resources
from transfermodel_operator.resources.quantities import parse_quantity
from transfermodel_operator.settings import default_predictor_resources

pytestmark = pytest.mark.unit

DEFAULTS = default_predictor_resources()
GPU = "nvidia.com/gpu"

TABLE = [
    # limits and requests of the user, limits and requests of the container
    (None, None, {"cpu": "2", "memory": "1Gi"}, {"cpu": "100m", "memory": "256Mi"}),
    ({"cpu": 4}, None, {"cpu": "4", "memory": "1Gi"}, {"cpu": "100m", "memory": "256Mi"}),
    ({"cpu": "50m", "memory": "128Mi"}, None, {"cpu": "50m", "memory": "128Mi"}, {"cpu": "50m", "memory": "128Mi"}),
    (None, {"cpu": "4", "memory": "3Gi"}, {"cpu": "4", "memory": "3Gi"}, {"cpu": "4", "memory": "3Gi"}),
    (None, {"cpu": "1500m"}, {"cpu": "2", "memory": "1Gi"}, {"cpu": "1500m", "memory": "256Mi"}),
    ({"memory": "4Gi"}, {"memory": "1Gi"}, {"cpu": "2", "memory": "4Gi"}, {"cpu": "100m", "memory": "1Gi"}),
    ({GPU: 1}, None, {"cpu": "2", "memory": "1Gi", GPU: "1"}, {"cpu": "100m", "memory": "256Mi"}),
    (None, {"ephemeral-storage": "1Gi"}, {"cpu": "2", "memory": "1Gi"}, {
        "cpu": "100m", "ephemeral-storage": "1Gi", "memory": "256Mi",
    }),
]  # fmt: skip


@pytest.mark.parametrize(("limits", "requests", "limited", "requested"), TABLE)
def test_what_the_user_leaves_open_fits_what_the_user_says(
    limits: dict[str, str] | None,
    requests: dict[str, str] | None,
    limited: dict[str, str],
    requested: dict[str, str],
) -> None:
    wanted = Resources(limits=limits, requests=requests) if limits or requests else None
    found = whole_resources(wanted, DEFAULTS)
    assert found == {"limits": limited, "requests": requested}
    for name, amount in found["requests"].items():
        assert parse_quantity(amount) <= parse_quantity(found["limits"].get(name, amount))


def test_without_defaults_only_what_the_user_says_counts() -> None:
    assert whole_resources(None, Resources()) == {}
    wanted = Resources(limits={"cpu": 1})
    assert whole_resources(wanted, Resources()) == resources(wanted, Resources()) == {"limits": {"cpu": "1"}}
