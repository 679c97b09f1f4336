"""How a plan is put together: what stands for a base that is not trained yet, and why it will not run."""

from pathlib import Path

import pytest
from transfermodel.documents import Document, Target, check_text
from transfermodel.errors import DocumentInvalid, NotFound
from transfermodel.planning import Plan, plan
from transfermodel.planning.plan import prepared_with_base
from transfermodel.planning.types import Advice, InCluster
from transfermodel.workspace import Workspace

from tests.support.datasets import folder

FAMILY = """\
apiVersion: transferlearning.dev/v1alpha1
kind: TransferModel
metadata: {name: child}
spec:
  task: ImageClassification
  backbone: {fromTransferModel: base, input: {size: 48}}
  data: {train: {uri: colours}}
---
apiVersion: transferlearning.dev/v1alpha1
kind: TransferModel
metadata: {name: base}
spec:
  task: ImageClassification
  backbone: {name: torchvision/resnet18, weights: {scratch: true}, input: {size: 32}}
  data: {train: {uri: colours}}
  training: {strategy: FineTuning, fineTuning: {unfreeze: All}}
"""


@pytest.fixture
def family(tmp_path: Path) -> list[Document]:
    """A model that starts from another of its file."""
    for name, content in folder(per_class=2).items():
        path = tmp_path / "colours" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    checked = check_text(FAMILY, tmp_path / "family.yaml", Target.LOCAL)
    assert checked.errors == ()
    return list(checked.documents)


def test_a_base_that_is_trained_first(tmp_path: Path, family: list[Document]) -> None:
    child, base = family
    workspace = Workspace(tmp_path / "workspace")
    prepared, stands_for = prepared_with_base(child, family, workspace)
    assert stands_for == "base"
    assert prepared.request.backbone.name == "torchvision/resnet18"
    assert prepared.request.backbone.input is not None
    assert prepared.request.backbone.input.size == 48
    assert prepared.request.training.strategy == "FeatureExtraction"
    assert prepared_with_base(base, family, workspace)[1] is None
    assert not (tmp_path / "workspace").exists()


def test_a_base_that_is_nowhere(tmp_path: Path, family: list[Document]) -> None:
    with pytest.raises(NotFound, match="child starts from 'base'"):
        prepared_with_base(family[0], family[:1], Workspace(tmp_path / "workspace"))


def test_a_broken_file(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: [")
    with pytest.raises(DocumentInvalid, match="has an error"):
        plan(path)


def test_missing_data_costs_no_process(tmp_path: Path, family: list[Document]) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(FAMILY.partition("---\n")[2].replace("uri: colours", "uri: nowhere"))
    (found,) = plan(path, Workspace(tmp_path / "workspace"))
    assert not found.runs_here
    assert found.runs_in_the_cluster is None
    assert found.obstacles[0].message.startswith("spec.data.train.uri: there is no")
    assert found.survey == {}


def test_where_it_runs() -> None:
    lacking = InCluster("https://c", "default", lacks=(Advice("No Secret."),))
    assert Plan("a", "default", (), (), None, cluster=lacking).runs_in_the_cluster is False
    assert Plan("a", "default", (), (), None, cluster=InCluster("https://c", "default")).runs_in_the_cluster is True
    assert Plan("a", "default", (), (), None, no_cluster=(Advice("A path."),)).runs_in_the_cluster is False
    assert Plan("a", "default", (Advice("No data."),), (), None).runs_here is False
