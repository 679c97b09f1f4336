"""Texts and recordings: trained from S3, served through the ingress, and right in both protocols."""

from dataclasses import dataclass

import pytest

from tests.support import datasets, untrained
from tests.support.asking import instance, labels_v1, labels_v2, refusal
from tests.support.specs import Manifest, quick_spec
from tests.support.stack import Workspace
from tests.support.waiting import wait_for

SEEN, UNSEEN = 20, 500
"""Samples of each class to learn from, and the number of the first that is asked about."""


@dataclass(frozen=True)
class Served:
    """A TransferModel that is Ready, and what to ask it."""

    workspace: Workspace
    name: str
    modality: str
    questions: dict[str, bytes]
    """Label -> a sample that it never saw."""

    @property
    def status(self) -> Manifest:
        """Its status."""
        return self.workspace.status(self.name)


def asked(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return one sample of each class."""
    return {name.split("/")[0]: content for name, content in files.items()}


def text_model(workspace: Workspace) -> Served:
    """Apply one that reads a table of texts by an encoder in S3."""
    every = [datasets.sentence(topic, index) for topic in datasets.TEMPLATES for index in range(SEEN)]
    weights = workspace.upload("encoder", untrained.tiny_encoder(every))
    tables = workspace.upload(
        "texts",
        {
            "train.csv": datasets.text_table(per_class=SEEN),
            "test.csv": datasets.text_table(per_class=8, first=100),
        },
    )
    spec = quick_spec(
        f"{tables}/train.csv",
        f"{tables}/test.csv",
        task="TextClassification",
        backbone={"name": "transformers/tiny", "weights": {"uri": weights}, "input": {"maxTokens": 32}},
        training={"strategy": "FeatureExtraction"},
    )
    workspace.apply("topics", spec)
    return Served(workspace, "topics", "text", asked(datasets.texts(per_class=1, first=UNSEEN)))


def audio_model(workspace: Workspace) -> Served:
    """Apply one that hears a folder of recordings by an image network in S3."""
    weights = workspace.upload("weights", {"random.safetensors": untrained.resnet18()})
    spec = quick_spec(
        workspace.upload("tones", datasets.recordings(per_class=SEEN)),
        workspace.upload("test", datasets.recordings(per_class=8, first=100)),
        task="AudioClassification",
        backbone={"name": "torchvision/resnet18", "weights": {"uri": f"{weights}/random.safetensors"}},
        training={"strategy": "Auto", "fineTuning": {"epochs": 2}},
    )
    workspace.apply("pitches", spec)
    return Served(workspace, "pitches", "audio", asked(datasets.recordings(per_class=1, first=UNSEEN)))


@pytest.fixture(scope="module")
def applied(shared_workspace: Workspace) -> dict[str, Served]:
    """Both, trained side by side; each test waits for its own."""
    models = [text_model(shared_workspace), audio_model(shared_workspace)]
    return {model.modality: model for model in models}


@pytest.fixture(params=["text", "audio"])
def model(request: pytest.FixtureRequest, applied: dict[str, Served]) -> Served:
    """Each of them, ready."""
    chosen = applied[request.param]
    chosen.workspace.wait_ready(chosen.name)
    return chosen


def test_it_was_measured_and_proved(model: Served) -> None:
    (version,) = model.status["versions"]
    assert float(version["metrics"]["accuracy"]) >= 0.9
    assert model.status["serving"]["verifiedAt"]
    samples = {"text": "texts", "audio": "recordings"}[model.modality]
    message = model.workspace.condition(model.name, "DataReady")["message"]
    assert f"3 classes; {samples}: " in message


def test_answers_are_right_in_both_protocols(model: Served) -> None:
    wanted, samples = list(model.questions), list(model.questions.values())
    assert labels_v1(model.workspace, model.name, model.modality, samples) == wanted
    assert labels_v2(model.workspace, model.name, model.modality, samples) == wanted


def test_another_kind_of_sample_is_refused_in_a_sentence(model: Served) -> None:
    said = refusal(model.workspace, model.name, {"instances": [instance("image", datasets.picture("red", 1))]})
    assert model.modality in said


def test_what_auto_chose_is_told(applied: dict[str, Served]) -> None:
    model = applied["audio"]
    model.workspace.wait_ready(model.name)
    message = model.workspace.condition(model.name, "Trained")["message"]
    assert "; Auto chose FeatureExtraction." in message or "; Auto chose FineTuning." in message


def test_it_wakes_from_zero_pods(model: Served) -> None:
    selector = f"serving.kserve.io/inferenceservice={model.name}"
    wait_for(lambda: not model.workspace.pods(selector), timeout_seconds=180, what="zero pods")
    (label, sample), *_ = model.questions.items()
    assert labels_v1(model.workspace, model.name, model.modality, [sample]) == [label]
