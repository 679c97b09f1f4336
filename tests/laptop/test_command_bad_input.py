"""Every command with what can be wrong: one sentence and the remedy on stderr, nothing on stdout, the right status."""

import os
import resource
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from transfermodel.workspace import Workspace
from transfermodel_cli import main

from tests.support.colours import picture
from tests.support.command import Ended, command
from tests.support.predictor_process import free_port
from tests.unit.cli.conftest import colours_in

MODEL = """\
apiVersion: transferlearning.dev/v1alpha1
kind: TransferModel
metadata: {name: colours}
spec:
  task: ImageClassification
  backbone: {name: torchvision/resnet18, weights: {scratch: true}, input: {size: 32}}
  data: {train: {uri: DATA}}
  training: {strategy: FineTuning, fineTuning: {unfreeze: All, epochs: 1}}
  output: {uri: s3://models, credentialsSecretName: s3}
"""
KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: gone
clusters: [{name: gone, cluster: {server: "https://127.0.0.1:PORT"}}]
users: [{name: me, user: {token: secret}}]
contexts: [{name: gone, context: {cluster: gone, user: me, namespace: default}}]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a trained model, files of every kind, and a cluster that is gone."""
    folder = tmp_path_factory.mktemp("bad")
    colours_in(Workspace(folder / ".transfermodel"))
    for name in ("images/a", "images/b", "empty", "hollow"):
        (folder / name).mkdir(parents=True)
    for number in range(8):
        (folder / f"images/a/{number}.png").write_bytes(picture((200, number, 0)))
        (folder / f"images/b/{number}.png").write_bytes(picture((0, number, 200)))
    (folder / "notes.txt").write_text("no image, and no YAML: [")
    (folder / "binary").write_bytes(bytes(range(256)))
    (folder / "good.yaml").write_text(MODEL.replace("DATA", "images"))
    (folder / "empty.yaml").write_text("")
    (folder / "other.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n")
    (folder / "typo.yaml").write_text(MODEL.replace("strategy", "stratgy"))
    (folder / "nodata.yaml").write_text(MODEL.replace("DATA", "nothing-here"))
    (folder / "emptydata.yaml").write_text(MODEL.replace("DATA", "empty"))
    (folder / "gone.kubeconfig").write_text(KUBECONFIG.replace("PORT", str(free_port())))
    (folder / "broken.kubeconfig").write_text("clusters: [")
    return folder


NO_ARGUMENTS = [
    (name,) for name in ("init", "validate", "plan", "run", "predict", "describe", "logs", "report", "versions")
]
FILES = ("nothing.yaml", "empty", "notes.txt", "binary", "empty.yaml", "other.yaml", "typo.yaml")
CODES = {"nothing.yaml": 2, "empty": 2}
ONE_NAME = ("status", "describe", "logs", "report", "versions")


def cases() -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the status to expect, and a command line."""
    for arguments in NO_ARGUMENTS:
        yield 2, arguments
    for name in ("run", "plan"):
        for file in FILES:
            yield CODES.get(file, 3), (name, "-f", file)
        yield 2, (name, "-f", "notes.txt/x.yaml")
        yield 2, (name, "-f", "x" * 300)
        if sys.platform == "linux":
            yield 2, (name, "-f", "/proc/self/mem")  # not even root may read it so
    for file in ("nothing.yaml", "empty"):
        yield 2, ("validate", "-f", file)
    yield 2, ("init", "nothing")
    yield 3, ("init", "hollow")
    yield 2, ("init", "notes.txt")
    yield 3, ("run", "-f", "nodata.yaml")
    yield 3, ("run", "-f", "emptydata.yaml")
    yield 4, ("run", "-f", "good.yaml", "--name", "other")
    yield 2, ("run", "-f", "good.yaml", "--port", "8080")
    yield 2, ("run", "-f", "good.yaml", "--grpc-port", "8081")
    yield 2, ("run", "-f", "good.yaml", "--serve", "--port", "8081", "--grpc-port", "8081")
    yield 2, ("run", "-f", "good.yaml", "--serve", "--port", "0")
    yield 2, ("run", "-f", "good.yaml", "--serve", "--port", "many")
    yield 2, ("run", "-f", "good.yaml", "--workspace", "notes.txt/w")
    yield 2, ("predict", "colours")
    yield 2, ("predict", "colours", "nothing.png")
    yield 2, ("predict", "colours", "empty")
    yield 2, ("predict", "colours", "*.gif")
    yield 2, ("predict", "colours", "images", "--out", "nothing/results.csv")
    yield 2, ("predict", "colours", "images", "--out", "images")
    yield 4, ("predict", "nobody", "images")
    for name in ONE_NAME:
        yield 4, (name, "nobody")
        yield 4, (name, "nobody", "--local")
        yield 4, (name, "colours", "--local", "-n", "elsewhere")
        yield 5, (name, "colours", "--cluster")
        yield 5, (name, "colours", "--kubeconfig", "gone.kubeconfig")
        yield 5, (name, "colours", "--kubeconfig", "nothing.kubeconfig")
        yield 5, (name, "colours", "--kubeconfig", "broken.kubeconfig")
        yield 5, (name, "colours", "--kubeconfig", "gone.kubeconfig", "--context", "other")
        yield 2, (name, "colours", "--local", "--cluster")
        yield 2, (name, "colours", "--nonsense")
    for kubeconfig in ("gone", "nothing", "broken"):
        yield 5, ("predict", "colours", "images", "--kubeconfig", f"{kubeconfig}.kubeconfig")
        yield 5, ("status", "--kubeconfig", f"{kubeconfig}.kubeconfig")


@pytest.mark.parametrize(("code", "arguments"), [pytest.param(c, a, id=" ".join(a)[:60]) for c, a in cases()])
def test_one_sentence_and_the_remedy(
    code: int,
    arguments: tuple[str, ...],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """In this process: what is imported once serves all of the table."""
    for name in ("KUBECONFIG", "TRANSFERMODEL_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["transfermodel", *arguments])
    ended = Ended(main.run(), *capfd.readouterr())
    assert ended.error
    assert ended.code == code, ended.err


@pytest.mark.parametrize("file", ["notes.txt", "binary", "empty.yaml", "other.yaml", "typo.yaml"])
def test_validate_lists_findings_as_its_result(file: str, folder: Path) -> None:
    ended = command("validate", "-f", file, folder=folder)
    assert ended.code == 3
    assert file in ended.out + ended.err
    assert "Traceback" not in ended.err
    assert command("validate", "-f", file, "--json", folder=folder).json["valid"] is False


@pytest.mark.parametrize("kubeconfig", ["gone", "nothing", "broken"])
def test_doctor_names_a_cluster_that_does_not_answer_among_its_findings(kubeconfig: str, folder: Path) -> None:
    ended = command("doctor", "--kubeconfig", f"{kubeconfig}.kubeconfig", folder=folder)
    assert ended.code in (5, 6)
    assert "Traceback" not in ended.err
    assert "✗" in ended.out or ended.error


def test_what_is_not_an_image(folder: Path) -> None:
    ended = command("predict", "colours", "notes.txt", folder=folder)
    assert ended.code == 1
    assert ended.out == ""
    assert ended.err == "error: notes.txt: The bytes are not an image: send one of PNG, JPEG, WEBP, BMP, GIF, TIFF.\n"


def test_a_port_in_use_is_told_before_anything_is_trained(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = command("run", "-f", "good.yaml", "--serve", "--port", port, "--workspace", "fresh", folder=folder)
    assert ended.code == 2
    assert f"Port {port} of 127.0.0.1 is in use" in ended.error
    assert not (folder / "fresh").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("arguments", [("run", "-f"), ("validate", "-f"), ("plan", "-f"), ("init",)])
def test_files_that_may_not_be_read(arguments: tuple[str, ...], folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.touch(mode=0)
    assert command(*arguments, secret, folder=folder).error


def limited(*arguments: str, folder: Path) -> Ended:
    """Run a command that may write no file of more than 20 kB: what a full disk looks like, without root."""
    limit = (20_000, resource.RLIM_INFINITY)
    return command(*arguments, folder=folder, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))


def test_no_space_for_the_results(folder: Path) -> None:
    for number in range(400):
        (folder / "images" / f"{number}.png").write_bytes(picture())
    ended = limited("predict", "colours", "images", "--out", "results.csv", folder=folder)
    assert ended.code == 1
    assert "results.csv" in ended.error or "large" in ended.error
    assert not (folder / "results.csv").exists()
    for number in range(400):
        (folder / "images" / f"{number}.png").unlink()


def test_no_space_for_a_run(folder: Path) -> None:
    ended = limited("run", "-f", "good.yaml", "--workspace", "full", folder=folder)
    assert ended.code == 1
    assert ended.error
    again = limited("run", "-f", "good.yaml", "--workspace", "full", folder=folder)
    assert again.code == 1
    assert again.error
