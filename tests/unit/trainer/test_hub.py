"""The Hugging Face hub, played by a server of this machine: downloads, the cache, and what is not there."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants
from transfermodel_operator.api import FailureClass, Reason
from transfermodel_trainer.backbones import hub
from transfermodel_trainer.backbones.load import plan
from transfermodel_trainer.errors import RunError

from tests.support import encoders
from tests.unit.trainer.test_backbones import backbone

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "sentence-transformers/tiny"


class Hub(ThreadingHTTPServer):
    """One public repository with one commit, by the parts of the protocol that a download takes."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.asked: list[str] = []

    def names(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())


class Handler(BaseHTTPRequestHandler):
    """Answers as huggingface.co does."""

    server: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        files = f"/{REPOSITORY}/resolve/{COMMIT}/"
        if path == "/":
            self.answer(b"", {})
        elif path in (f"/api/models/{REPOSITORY}/revision/main", f"/api/models/{REPOSITORY}/revision/v1"):
            siblings = [{"rfilename": name} for name in self.server.names()]
            self.answer(json.dumps({"id": REPOSITORY, "sha": COMMIT, "siblings": siblings}).encode(), {})
        elif path == f"/api/models/{REPOSITORY}/tree/{COMMIT}":
            tree = [
                {"type": "file", "path": name, "size": (self.server.folder / name).stat().st_size, "oid": f"{n:040x}"}
                for n, name in enumerate(self.server.names())
            ]
            self.answer(json.dumps(tree).encode(), {})
        elif path.startswith(files) and path.removeprefix(files) in self.server.names():
            name = path.removeprefix(files)
            etag = f'"{self.server.names().index(name):040x}"'
            self.answer((self.server.folder / name).read_bytes(), {"ETag": etag, "X-Repo-Commit": COMMIT})
        elif "/gated" in path:
            self.answer(b"{}", {"X-Error-Code": "GatedRepo"}, 403)
        elif "/failing" in path:
            self.answer(b"{}", {}, 500)
        else:
            code = "RevisionNotFound" if path.startswith(f"/api/models/{REPOSITORY}/") else "RepoNotFound"
            self.answer(b"{}", {"X-Error-Code": code}, 404)

    def answer(self, content: bytes, headers: dict[str, str], status: int = 200) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with one encoder, and files that nobody needs."""
    folder = encoders.write(tmp_path / "repository", pooling="cls_token")
    (folder / "pytorch_model.bin").write_bytes(b"\x80pickled")
    (folder / "README.md").write_text("# Tiny")
    with Hub(folder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
        )
        yield server
        server.shutdown()


def asked(weights: str = "DEFAULT", name: str = "sentence-transformers/tiny") -> Any:
    return backbone("TextClassification", name=name, weights={"name": weights})


def test_an_encoder_is_downloaded_once(served: Hub, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = plan(asked(), {}, tmp_path, cache)
    assert (first.source.kind, first.source.reference) == ("name", "DEFAULT")
    first.load(2)
    assert not [path for path in served.asked if "pytorch_model" in path or "README" in path]
    assert any(path.endswith("1_Pooling/config.json") for path in served.asked)
    served.asked.clear()
    again = plan(asked(), {}, tmp_path, cache)
    assert (again.source, again.files) == (first.source, first.files)
    assert not served.asked, "the cache needs no network"
    stored = plan(
        backbone("TextClassification", name="transformers/x", weights={"uri": f"file://{served.folder}"}),
        {},
        tmp_path,
        cache,
    )
    assert stored.source.digest == first.source.digest


def test_a_revision_by_name(served: Hub, tmp_path: Path) -> None:
    assert plan(asked("v1"), {}, tmp_path, tmp_path / "cache").source.reference == "v1"


@pytest.mark.parametrize(("weights", "name"), [("v2", "tiny"), ("DEFAULT", "absent"), ("DEFAULT", "gated")])
def test_what_is_not_there_is_the_users_mistake(served: Hub, tmp_path: Path, weights: str, name: str) -> None:
    with pytest.raises(RunError) as caught:
        plan(asked(weights, f"sentence-transformers/{name}"), {}, tmp_path, tmp_path / "cache")
    assert (caught.value.reason, caught.value.failure) == (Reason.WEIGHTS_UNAVAILABLE, FailureClass.USER)
    assert "do not exist" in caught.value.message


def test_a_hub_that_fails_is_asked_again_later(served: Hub, tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        plan(asked(name="transformers/owner/failing"), {}, tmp_path, tmp_path / "cache")
    assert (caught.value.reason, caught.value.failure) == (Reason.WEIGHTS_UNAVAILABLE, FailureClass.STORAGE)


def test_without_network_and_cache_it_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "CONNECT_SECONDS", 2.0)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(RunError) as caught:
        plan(asked(), {}, tmp_path, tmp_path / "cache")
    assert (caught.value.reason, caught.value.failure) == (Reason.WEIGHTS_UNAVAILABLE, FailureClass.STORAGE)
    assert "https://huggingface.co/sentence-transformers/tiny" in caught.value.message
    assert "spec.backbone.weights.uri" in caught.value.message


def test_an_interrupted_download_is_taken_up(served: Hub, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    plan(asked(), {}, tmp_path, cache)
    folder = hub.cached(REPOSITORY, "main", ("model.safetensors",), cache)
    assert folder is not None
    (folder / "model.safetensors").unlink()
    assert hub.cached(REPOSITORY, "main", ("model.safetensors",), cache) is None
    plan(asked(), {}, tmp_path, cache).load(2)
