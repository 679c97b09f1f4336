"""Specs and bases that cannot be acted on."""

import json

import pytest
from transfermodel_operator.api import RunRequest, RunTraining, TransferModelSpec
from transfermodel_operator.runs.key import run_key, spec_hash
from transfermodel_operator.runs.request import run_request

from tests.unit.operator.simulator import World, failure, settings, spec

pytestmark = pytest.mark.unit

FROM = {"strategy": "FeatureExtraction"}


def based_on(world: World, name: str, base: str) -> None:
    """Create a TransferModel on another."""
    world.create(name, backbone={"fromTransferModel": base}, training=FROM)


@pytest.mark.parametrize("name", ["Digits", "1digits", "digits-", "a" * 41, "digits.v1"])
def test_a_name_that_cannot_become_a_host_name(name: str) -> None:
    world = World()
    world.create(name)
    world.settle(name)
    assert world.condition("Trained", name)["reason"] == "InvalidName"
    assert world.jobs == {}


def test_a_spec_that_cannot_be_read_changes_nothing_that_serves() -> None:
    world = World()
    world.create()
    world.run_to_ready()
    world.edit(task="Juggling")
    world.settle()
    trained = world.condition("Trained")
    assert trained["reason"] == "InvalidSpec"
    assert "spec.task" in trained["message"]
    assert world.traffic() == {"v1": 100}
    assert world.condition("Serving")["status"] == "True"


def test_without_an_output_nothing_starts() -> None:
    world = World(settings=settings(output=None))
    world.create()
    world.settle()
    assert world.condition("Trained")["reason"] == "OutputMissing"
    assert world.jobs == {}
    world.edit(output={"uri": "s3://models"})
    world.settle()
    assert len(world.jobs) == 1


def test_a_chain_waits_in_order() -> None:
    world = World()
    based_on(world, "third", "second")
    world.settle("third")
    assert world.condition("Trained", "third")["reason"] == "BaseNotFound"
    assert world.status("third")["stage"] == "Waiting"
    based_on(world, "second", "first")
    world.settle("second")
    world.settle("third")
    assert world.condition("Trained", "third")["reason"] == "WaitingForBase"
    assert world.jobs == {}
    world.create("first")
    for name in ("first", "second", "third"):
        world.settle(name)
        world.run_to_ready(name)
    (job,) = [job for job in world.jobs if job.startswith("third-")]
    base = world.request_of(job)["backbone"]["base"]
    assert base["transferModel"] == "second"
    assert base["digest"] == world.status("second")["versions"][0]["digest"]


@pytest.mark.parametrize("circle", [["hen"], ["hen", "egg"], ["hen", "egg", "chick"]])
def test_a_circle_is_an_error_that_names_it(circle: list[str]) -> None:
    world = World()
    for name, base in zip(circle, [*circle[1:], circle[0]], strict=True):
        based_on(world, name, base)
    based_on(world, "outside", "hen")
    for name in (*circle, "outside"):
        world.settle(name)
        trained = world.condition("Trained", name)
        assert (trained["reason"], trained["status"]) == ("BaseCycle", "False")
        assert all(member in trained["message"] for member in circle)
    assert world.jobs == {}


def test_a_failed_base_is_named_with_its_reason() -> None:
    world = World()
    world.create("base")
    world.settle("base")
    world.fail(42, failure("User", "EmptyClass", "The class yellow is empty."))
    world.settle("base")
    based_on(world, "digits", "base")
    world.settle()
    trained = world.condition("Trained")
    assert trained["reason"] == "BaseFailed"
    assert "The class yellow is empty." in trained["message"]


def test_a_new_version_of_the_base_retrains_nobody() -> None:
    world = World()
    world.create("base", serving={"mode": "None"})
    world.run_to_ready("base")
    based_on(world, "digits", "base")
    world.run_to_ready()
    world.edit("base", data={"train": {"uri": "s3://datasets/more"}})
    world.run_to_ready("base")
    assert world.plan().writes == 0
    del world.models["base"]
    assert world.plan().writes == 0


def key(**overrides: object) -> str:
    """Return the run's key of a spec."""
    return run_key("demo", "digits", TransferModelSpec.model_validate(spec(**overrides)))


def test_the_key_of_a_run_is_what_it_was() -> None:
    """A key that changes retrains everybody's models: change this value only together with KEY_VERSION."""
    assert key() == "5903153d8c457151a275b07b0b44a533616ed6c6b6ca9a93b24ad15ef1eb977c"


TRAINING = spec()["training"]


@pytest.mark.parametrize(
    "overrides",
    [
        {"data": {"train": {"uri": "s3://datasets/other"}}},
        {"data": spec()["data"] | {"test": {"uri": "s3://datasets/test"}}},
        {"data": spec()["data"] | {"format": {"labelColumn": "species"}}},
        {"training": TRAINING | {"seed": 1}},
        {"training": {"strategy": "FineTuning", "fineTuning": {"unfreeze": "All", "epochs": 6}}},
        {"backbone": spec()["backbone"] | {"name": "torchvision/resnet34"}},
    ],
)
def test_what_is_learnt_from_changes_the_key(overrides: dict[str, object]) -> None:
    assert key(**overrides) != key()


@pytest.mark.parametrize(
    "overrides",
    [
        {"suspend": True},
        {"serving": {"minReplicas": 1}},
        {"output": {"uri": "s3://elsewhere"}},
        {"data": spec()["data"] | {"credentialsSecretName": "other"}},
        {"data": spec()["data"] | {"format": {"pathColumn": "file", "labelColumn": "label"}}},
        {"training": TRAINING | {"maxDurationSeconds": 60, "nodeSelector": {"a": "b"}, "resources": {"limits": {}}}},
        {"training": TRAINING | {"seed": 0, "fineTuning": {"unfreeze": "All", "epochs": 5, "learningRate": "1e-3"}}},
    ],
)
def test_all_else_does_not_and_neither_do_defaults(overrides: dict[str, object]) -> None:
    assert key(**overrides) == key()


SEARCH = TRAINING | {"search": {"trials": 20}}


def test_the_key_of_a_search_is_what_it_was() -> None:
    assert key(training=SEARCH) == "7f3c4a1614d4e013bafc24889cf5fdf9442953380feff6db6c97245d9d9b7d43"


@pytest.mark.parametrize(
    "training",
    [
        TRAINING,
        SEARCH | {"search": {"trials": 21}},
        SEARCH | {"search": {"trials": 20, "maxDurationSeconds": 600}},
        SEARCH | {"search": {"trials": 20, "maxParallel": 5}},
        # What the user wrote is not searched, also where it says what is the default.
        SEARCH | {"fineTuning": {"unfreeze": "All", "epochs": 5}},
    ],
)
def test_what_decides_which_settings_are_tried_changes_the_key(training: dict[str, object]) -> None:
    assert key(training=training) != key(training=SEARCH)


@pytest.mark.parametrize("parallel", [1, 2, 4])
def test_how_many_trials_run_at_a_time_does_not(parallel: int) -> None:
    assert key(training=SEARCH | {"search": {"trials": 20, "maxParallel": parallel}}) == key(training=SEARCH)


def test_the_trainer_is_told_what_the_user_wrote() -> None:
    tuning = {"unfreeze": "All", "epochs": 5}
    assert asked_for(SEARCH | {"fineTuning": tuning}).fixed == ["epochs", "unfreeze"]
    assert asked_for(SEARCH | {"strategy": "Auto", "fineTuning": None}).fixed == []
    assert asked_for(TRAINING | {"fineTuning": tuning}).fixed is None


def asked_for(training: dict[str, object]) -> RunTraining:
    """Return what the trainer is asked to do, as it reads it."""
    request = run_request(
        run="0",
        namespace="demo",
        name="digits",
        spec=TransferModelSpec.model_validate(spec(training=training)),
        base=None,
        output_uri="s3://models",
        allow_named_weights=True,
    )
    return RunRequest.model_validate_json(json.dumps(request.to_wire())).training


def test_a_failed_run_is_retried_on_an_edit_but_not_of_serving() -> None:
    def hashed(**overrides: object) -> str:
        return spec_hash(TransferModelSpec.model_validate(spec(**overrides)))

    assert hashed(serving={"minReplicas": 1}, suspend=True) == hashed()
    assert hashed(training=TRAINING | {"maxDurationSeconds": 60}) != hashed()
    assert hashed(output={"uri": "s3://elsewhere"}) != hashed()
