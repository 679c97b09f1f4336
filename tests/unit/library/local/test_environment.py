"""What a child process is told by its environment."""

import pytest
from transfermodel.local.process import inherited_environment, trainer_environment
from transfermodel_operator.api import RunRequest
from transfermodel_operator.api.run import REQUEST_VARIABLE

pytestmark = pytest.mark.unit


@pytest.fixture
def request_of_run() -> RunRequest:
    """Any request."""
    return RunRequest.model_validate(
        {
            "run": "a",
            "namespace": "default",
            "name": "digits",
            "task": "ImageClassification",
            "backbone": {"name": "torchvision/resnet18", "weights": {"name": "DEFAULT"}},
            "data": {"train": {"uri": "s3://bucket/train"}},
            "training": {"strategy": "FeatureExtraction"},
            "outputUri": "file:///work/artifacts",
        }
    )


def test_the_users_keys_are_those_of_the_data(request_of_run: RunRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "me")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    environment = trainer_environment(request_of_run)
    assert environment["TRANSFERMODEL_DATA_AWS_ACCESS_KEY_ID"] == "me"
    assert environment["TRANSFERMODEL_DATA_AWS_DEFAULT_REGION"] == "eu-west-1"
    assert "TRANSFERMODEL_DATA_AWS_SESSION_TOKEN" not in environment
    assert not any(name.startswith("TRANSFERMODEL_OUTPUT_") for name in environment)
    assert RunRequest.model_validate_json(environment[REQUEST_VARIABLE]) == request_of_run


def test_what_the_shell_says_to_other_trainers_is_not_for_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRANSFERMODEL_CHECKPOINTS", "/elsewhere")
    monkeypatch.setenv("TRANSFERMODEL_WORKSPACE", "/elsewhere")
    assert not any(name.startswith("TRANSFERMODEL_") for name in inherited_environment())


def test_caches_are_the_users_own(request_of_run: RunRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCH_HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/me")
    environment = trainer_environment(request_of_run)
    assert (environment["XDG_CACHE_HOME"], environment["TORCH_HOME"]) == ("/home/me/.cache", "/home/me/.cache/torch")
    monkeypatch.setenv("TORCH_HOME", "/data/torch")
    assert trainer_environment(request_of_run)["TORCH_HOME"] == "/data/torch"
