"""scripts/deploy on somebody's own cluster: what it asks for, and what it makes of the answers."""

import pytest

from devcluster.errors import DevclusterError
from scripts import deployment

VARIABLES = ("KUBECONFIG", "IMAGE_REGISTRY", "IMAGE_TAG", "OUTPUT_URI", "OUTPUT_SECRET", "TRANSFERMODEL_INGRESS", "GPU")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without any of the variables, where every program is installed."""
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("shutil.which", lambda program: f"/usr/bin/{program}")


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({}, "set KUBECONFIG to the cluster's kubeconfig"),
        ({"KUBECONFIG": "/k"}, "set IMAGE_REGISTRY to where the images are"),
    ],
)
def test_what_is_missing_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], sentence: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(DevclusterError, match=sentence):
        deployment.existing()


def test_kubectl_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/k")
    monkeypatch.setenv("IMAGE_REGISTRY", "registry.test/team")
    monkeypatch.setattr("shutil.which", lambda program: None)
    with pytest.raises(DevclusterError, match="kubectl is not on PATH"):
        deployment.existing()


def test_values_of_an_existing_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/k")
    monkeypatch.setenv("IMAGE_REGISTRY", "registry.test/team/")
    assert deployment.existing().values == {
        "images": {
            target: f"registry.test/team/transfermodel-{target}:0.1.0"
            for target in ("operator", "trainer", "predictor")
        }
    }
    monkeypatch.setenv("IMAGE_TAG", "7")
    monkeypatch.setenv("OUTPUT_URI", "s3://models/team")
    monkeypatch.setenv("TRANSFERMODEL_INGRESS", "http://127.0.0.1:8088")
    values = deployment.existing().values
    assert values["images"]["operator"] == "registry.test/team/transfermodel-operator:7"
    assert values["output"] == {"uri": "s3://models/team", "credentialsSecretName": "s3"}
    assert values["ingress"] == {"port": 8088}
    monkeypatch.setenv("GPU", "1")
    assert deployment.existing().values["images"]["predictorGpu"] == "registry.test/team/transfermodel-predictor-gpu:7"
