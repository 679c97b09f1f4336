"""Whose log is meant, and lines for people."""

import pytest
from transfermodel.cluster.logs import Program, choose_pod, has_started, readable
from transfermodel.errors import NotFound

from tests.unit.library.cluster.objects import around, condition, pod, seen

TRAINED = seen(condition("Trained", "True", "Succeeded"))
TRAINER, PREDICTOR = pod("trainer-1"), pod("predictor-1", trains=False)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("Reading the data.", "Reading the data."),
        ('{"other": 1}', '{"other": 1}'),
        ('{"progress": {"phase": "Data", "percent": 2}}', "  2 %  Data"),
        (
            '{"progress": {"phase": "Training", "percent": 40, "epoch": 2, "epochs": 5, "loss": "0.3", '
            '"accuracy": "0.81", "etaSeconds": 7}}',
            " 40 %  Training    epoch 2 of 5  loss 0.3  accuracy 0.81  7 s left",
        ),
        ('{"progress": null}', '{"progress": null}'),
    ],
)
def test_lines_for_people(line: str, shown: str) -> None:
    assert readable(line) == shown


@pytest.mark.parametrize(
    ("trained", "program", "chosen"),
    [
        (False, None, "trainer-1"),
        (True, None, "predictor-1"),
        (True, Program.TRAINER, "trainer-1"),
        (False, Program.PREDICTOR, "predictor-1"),
    ],
)
def test_whose_log_is_meant(trained: bool, program: Program | None, chosen: str) -> None:
    surroundings = around(status=TRAINED if trained else None, pods=(TRAINER, PREDICTOR))
    assert choose_pod(surroundings, program)["metadata"]["name"] == chosen


def test_what_is_not_there_is_said_with_its_reason() -> None:
    service = {"metadata": {"name": "digits"}}
    with pytest.raises(NotFound, match="scaled to zero"):
        choose_pod(around(status=TRAINED, inference_service=service), Program.PREDICTOR)
    with pytest.raises(NotFound, match="Nothing serves"):
        choose_pod(around(status=TRAINED), Program.PREDICTOR)
    with pytest.raises(NotFound, match="no training pod"):
        choose_pod(around(), None)


def test_a_container_has_started_when_it_has_a_log() -> None:
    assert not has_started(pod(), "trainer")
    assert not has_started(pod(state={"waiting": {"reason": "ContainerCreating"}}), "trainer")
    assert has_started(pod(state={"running": {}}), "trainer")
