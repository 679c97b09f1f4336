"""What the trainer is asked for a document of this machine."""

from pathlib import Path

import pytest
from transfermodel.errors import DataInvalid, DocumentInvalid, NotFound
from transfermodel.local.request import prepare
from transfermodel.workspace import Workspace
from transfermodel.workspace.records import RunRecord
from transfermodel_operator.runs.key import run_key

from tests.support.colours import write_artifact
from tests.support.library import document, run_result, write_data

pytestmark = pytest.mark.unit


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace, beside some data."""
    write_data(tmp_path)
    return Workspace(tmp_path / "work")


def test_relative_paths_begin_at_the_files_folder(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    asked = document(tmp_path)
    prepared = prepare(asked, workspace)
    request = prepared.request
    assert request.data.train.uri == (tmp_path / "train").as_uri()
    assert request.data.test is not None
    assert request.data.test.uri == (tmp_path / "test").as_uri()
    assert request.output_uri == (tmp_path / "work" / "artifacts").as_uri()
    assert request.run == run_key("default", "colours", asked.spec)
    assert prepared.written == {request.data.train.uri: "train", request.data.test.uri: "test"}
    assert prepared.notes == ()


def test_absolute_paths_and_file_uris_mean_the_same(tmp_path: Path, workspace: Workspace) -> None:
    (tmp_path / "with space").symlink_to(tmp_path / "train")
    data = f"{{train: {{uri: '{tmp_path}/with space'}}, test: {{uri: '{(tmp_path / 'test').as_uri()}'}}}}"
    request = prepare(document(tmp_path, data=data), workspace).request
    assert request.data.train.uri == (tmp_path / "train").as_uri()  # where the link leads
    assert request.data.test is not None
    assert request.data.test.uri == (tmp_path / "test").as_uri()


def test_buckets_and_the_web_stay_what_they_are(tmp_path: Path, workspace: Workspace) -> None:
    data = "{train: {uri: s3://bucket/train}, test: {uri: 'https://host.example/test.zip'}}"
    request = prepare(document(tmp_path, data=data), workspace).request
    assert request.data.train.uri == "s3://bucket/train"
    assert request.data.test is not None
    assert request.data.test.uri == "https://host.example/test.zip"


def test_a_weights_file_is_found_beside_the_yaml(tmp_path: Path, workspace: Workspace) -> None:
    backbone = "{name: torchvision/resnet18, weights: {uri: own.safetensors}, input: {size: 32}}"
    asked = document(tmp_path, backbone=backbone, training="{strategy: FeatureExtraction}")
    with pytest.raises(DataInvalid, match=r"spec\.backbone\.weights\.uri: there is no .*own\.safetensors"):
        prepare(asked, workspace)
    (tmp_path / "own.safetensors").write_bytes(b"")
    weights = prepare(asked, workspace).request.backbone.weights
    assert weights is not None
    assert weights.uri == (tmp_path / "own.safetensors").as_uri()


def test_an_encoders_folder_is_found_beside_the_file(tmp_path: Path, workspace: Workspace) -> None:
    backbone = "{name: sentence-transformers/all-MiniLM-L6-v2, weights: {uri: minilm/}}"
    asked = document(tmp_path, backbone=backbone, training="{strategy: Auto}", task="TextClassification")
    with pytest.raises(DataInvalid, match=r"spec\.backbone\.weights\.uri: there is no .*minilm"):
        prepare(asked, workspace)
    (tmp_path / "minilm").mkdir()
    weights = prepare(asked, workspace).request.backbone.weights
    assert weights is not None
    assert weights.uri == (tmp_path / "minilm").as_uri()


def test_what_of_spot_nodes_and_budgets_means_something_here(tmp_path: Path, workspace: Workspace) -> None:
    training = (
        "{strategy: FineTuning, fineTuning: {unfreeze: All}, interruptible: true, checkpointIntervalSeconds: 30, "
        "maxDurationSeconds: 90, budget: {gpuSeconds: 60}, "
        "resources: {limits: {nvidia.com/gpu: 1}}}"
    )
    prepared = prepare(document(tmp_path, training=training), workspace)
    assert prepared.notes == (
        "Only a cluster uses spec.training.interruptible, spec.training.budget.gpuSeconds, spec.training.resources: "
        "a run that is interrupted goes on when it is run again.",
    )
    asked = prepared.request.training
    assert (asked.checkpoint_interval_seconds, asked.max_duration_seconds) == (30, 90)


def test_missing_data_is_a_sentence_before_anything_starts(tmp_path: Path, workspace: Workspace) -> None:
    data = "{train: {uri: train}, validation: {uri: nowhere}, test: {uri: test}}"
    with pytest.raises(DataInvalid, match=r"spec\.data\.validation\.uri: there is no .*nowhere\. Create it or correct"):
        prepare(document(tmp_path, data=data), workspace)
    assert not workspace.root.exists()


def test_a_suspended_document_is_not_trained(tmp_path: Path, workspace: Workspace) -> None:
    with pytest.raises(DocumentInvalid, match=r"spec\.suspend is set\. Remove"):
        prepare(document(tmp_path, more="  suspend: true"), workspace)


def test_what_only_a_cluster_uses_is_named_once(tmp_path: Path, workspace: Workspace) -> None:
    data = "{train: {uri: train}, test: {uri: test}, credentialsSecretName: s3}"
    more = "  output: {uri: 's3://models'}"
    (note,) = prepare(document(tmp_path, data=data, more=more), workspace).notes
    assert note == (
        "Only a cluster uses spec.output, spec.data.credentialsSecretName: artifacts go into the workspace."
    )
    data = "{train: {uri: s3://bucket/train}, credentialsSecretName: s3}"
    (note,) = prepare(document(tmp_path, data=data), workspace).notes
    assert "keys for s3:// come from AWS_ACCESS_KEY_ID" in note
    data = "{train: {uri: gs://bucket/train}, credentialsSecretName: gcs}"
    (note,) = prepare(document(tmp_path, data=data), workspace).notes
    assert note.endswith(": keys for gs:// come from GOOGLE_SERVICE_ACCOUNT_KEY.")


def test_a_clusters_volume_is_not_here(tmp_path: Path, workspace: Workspace) -> None:
    with pytest.raises(DataInvalid, match=r"spec\.data\.train\.uri: pvc://data/train is a volume of a cluster"):
        prepare(document(tmp_path, data="{train: {uri: pvc://data/train}}"), workspace)


def test_the_base_is_the_current_version_of_the_workspace(tmp_path: Path, workspace: Workspace) -> None:
    asked = document(tmp_path, backbone="{fromTransferModel: base}", training="{strategy: FeatureExtraction}")
    with pytest.raises(NotFound, match=r"starts from 'base', which has no version .*Put 'base' into the same file"):
        prepare(asked, workspace)
    digest = write_artifact(workspace.artifacts / "default/base/x")
    result = run_result("file:///elsewhere", digest=digest)
    model = workspace.make("base", "default")
    version = model.record_version(result, "default/base/x", {})
    model.record_version(result.model_copy(update={"run": "0"}), "default/base/x", {})
    taken_back = RunRecord(run=result.run, state="Succeeded", started_at=version.created_at, version="v1")
    model.write_run(taken_back)
    base = prepare(asked, workspace).request.backbone.base
    assert base is not None
    assert (base.transfer_model, base.version, base.digest) == ("base", "v1", digest)
    assert base.uri == version.uri == (workspace.artifacts / "default/base/x").as_uri()
    (version.folder / "manifest.json").unlink()
    with pytest.raises(NotFound, match=r"artifact of base v1 is gone.*Train base again"):
        prepare(asked, workspace)


def test_a_base_of_another_namespace_is_not_meant(tmp_path: Path, workspace: Workspace) -> None:
    write_artifact(workspace.artifacts / "team/base/x")
    workspace.make("base", "team").record_version(run_result("file:///x"), "team/base/x", {})
    asked = document(tmp_path, backbone="{fromTransferModel: base}", training="{strategy: FeatureExtraction}")
    with pytest.raises(NotFound):
        prepare(asked, workspace)
