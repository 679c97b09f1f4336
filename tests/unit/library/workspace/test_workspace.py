"""The folder: what it holds, and what it says of what it does not hold."""

from pathlib import Path

import pytest
from transfermodel.errors import NotFound, UsageError
from transfermodel.workspace import Workspace

pytestmark = pytest.mark.unit


def test_looking_writes_nothing(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "work")
    assert workspace.models() == []
    assert workspace.find("digits") is None
    with pytest.raises(NotFound, match=r"no model 'digits'.*transfermodel run -f FILE"):
        workspace.model("digits")
    assert list(tmp_path.iterdir()) == []


def test_the_default_is_below_the_working_directory_and_the_environment_overrules_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRANSFERMODEL_WORKSPACE", raising=False)
    assert Workspace().root == tmp_path / ".transfermodel"
    monkeypatch.setenv("TRANSFERMODEL_WORKSPACE", "elsewhere")
    assert Workspace().root == tmp_path / "elsewhere"
    assert Workspace(tmp_path / "given").root == tmp_path / "given"


def test_git_ignores_all_of_it(tmp_path: Path) -> None:
    Workspace(tmp_path).make("digits", "default")
    assert "*" in (tmp_path / ".gitignore").read_text().splitlines()


def test_what_somebody_wrote_into_the_gitignore_stays(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("artifacts\n")
    Workspace(tmp_path).make("digits", "default")
    assert (tmp_path / ".gitignore").read_text() == "artifacts\n"


def test_a_missing_model_names_those_that_there_are(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.make("digits", "default")
    workspace.make("letters", "team")
    with pytest.raises(NotFound, match=r"digits \(default\), letters \(team\)"):
        workspace.model("digit")
    with pytest.raises(NotFound, match="in namespace 'team'"):
        workspace.model("digits", "team")


def test_models_are_told_apart_by_their_namespaces(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.make("digits", "red")
    workspace.make("digits", "blue")
    assert [model.namespace for model in workspace.models()] == ["blue", "red"]
    assert workspace.model("digits", "red").namespace == "red"
    with pytest.raises(UsageError, match=r"blue, red.*--namespace"):
        workspace.find("digits")
    workspace.make("digits", "default")
    assert workspace.model("digits").namespace == "default"


@pytest.mark.parametrize("name", ["../digits", "a/b", "", ".", "Digits", "digits\n"])
def test_names_cannot_lead_out_of_the_folder(tmp_path: Path, name: str) -> None:
    workspace = Workspace(tmp_path / "work")
    with pytest.raises(UsageError, match="is no name"):
        workspace.make(name, "default")
    with pytest.raises(UsageError, match="is no name"):
        workspace.make("digits", name)
    assert workspace.find(name) is None
    assert list(tmp_path.iterdir()) == []


def test_a_workspace_that_is_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("")
    with pytest.raises(UsageError, match=r"cannot be written.*--workspace"):
        Workspace(tmp_path / "work").make("digits", "default")
