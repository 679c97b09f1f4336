"""A write that only tells progress is told from all others."""

from typing import Any

import pytest

from tests.bench import audit

pytestmark = pytest.mark.unit


def entry(status: dict[str, Any]) -> dict[str, Any]:
    reference = {"resource": "transfermodels", "subresource": "status", "namespace": "demo"}
    return {
        "verb": "patch",
        "objectRef": reference,
        "responseStatus": {"code": 200},
        "requestObject": {"status": status},
    }


@pytest.mark.parametrize(
    ("status", "progress"),
    [
        ({"training": {"percent": 25, "loss": "0.1"}}, True),
        ({"training": {"percent": 25, "startTime": "2026-01-01T00:00:00Z"}}, False),
        ({"training": {"percent": 0}, "stage": "Training"}, False),
        ({"stage": "Ready"}, False),
        ({}, False),
    ],
)
def test_progress(status: dict[str, Any], progress: bool) -> None:
    write = audit.read(entry(status))
    assert write.progress is progress
    assert write.resource == "transfermodels/status"
