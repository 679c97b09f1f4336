"""Several TransferModels of one file."""

from pathlib import Path

import pytest
from transfermodel.documents import Checked, Document, Target, check_text, in_order, with_bases
from transfermodel.errors import DocumentInvalid, NotFound


def model(name: str, base: str | None = None, namespace: str = "default") -> str:
    backbone = f"fromTransferModel: {base}" if base else "name: torchvision/resnet18\n    weights: {name: DEFAULT}"
    return f"""\
apiVersion: transferlearning.dev/v1alpha1
kind: TransferModel
metadata:
  name: {name}
  namespace: {namespace}
spec:
  task: ImageClassification
  backbone:
    {backbone}
  data: {{train: {{uri: s3://datasets/a}}}}
"""


def checked(*models: str) -> Checked:
    return check_text("---\n".join(models), Path("models.yaml"), Target.CLUSTER)


def names(documents: list[Document]) -> list[str]:
    return [document.name for document in documents]


def test_a_base_comes_before_what_starts_from_it() -> None:
    found = checked(model("c", "b"), model("b", "a"), model("a"), model("z"))
    assert found.errors == ()
    ordered = names(in_order(found.documents))
    assert ordered.index("a") < ordered.index("b") < ordered.index("c")
    assert sorted(ordered) == ["a", "b", "c", "z"]


def test_a_base_elsewhere_is_not_waited_for() -> None:
    assert names(in_order(checked(model("b", "elsewhere")).documents)) == ["b"]


def test_a_base_of_the_same_name_in_another_namespace_is_none() -> None:
    found = checked(model("a", "b"), model("b", "a", namespace="other"))
    assert found.errors == ()
    found = checked(model("a", "a2", namespace="other"), model("a2", "a", namespace="other"), model("a"))
    (error,) = found.errors
    assert "in a circle" in error.message


def test_a_circle() -> None:
    found = checked(model("a", "c"), model("b", "a"), model("c", "b"))
    (error,) = found.errors
    assert error.message.startswith("These start from each other in a circle: ")
    assert error.path == "spec.backbone.fromTransferModel"
    with pytest.raises(DocumentInvalid, match="in a circle"):
        in_order(found.documents)


def test_its_own_base() -> None:
    (error,) = checked(model("a", "a")).errors
    assert error.message == "a starts from itself"


def test_the_same_name_twice() -> None:
    (error,) = checked(model("a"), model("a")).errors
    assert (error.line, error.message) == (16, "a is in this file twice: here and in line 4")


def test_a_name_takes_along_what_it_starts_from() -> None:
    documents = in_order(
        checked(model("base"), model("middle", "base"), model("other", "base"), model("last", "middle")).documents
    )
    assert with_bases(documents, None) == documents
    assert sorted(names(with_bases(documents, "last"))) == ["base", "last", "middle"]
    assert names(with_bases(documents, "other")) == ["base", "other"]
    with pytest.raises(NotFound, match=r"holds no TransferModel 'lost'\. It holds base, .*last"):
        with_bases(documents, "lost")
