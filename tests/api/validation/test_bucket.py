"""What is known of data in a bucket: by its listing alone, from a real S3 server."""

import os
import secrets
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from transfermodel.planning import children
from transfermodel.planning.judging import of_survey
from transfermodel_operator.api import RunRequest

from devcluster import golang
from tests.support.datasets import folder, picture, tar
from tests.support.waiting import wait_for


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An S3 server's folder of buckets; its address and keys are in the environment."""
    root = tmp_path_factory.mktemp("s3")
    (root / "datasets").mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    keys = {"ROOT_ACCESS_KEY": "planner", "ROOT_SECRET_KEY": secrets.token_hex(8)}
    program = golang.build("versitygw") / "versitygw"
    command = [program, f"--port=127.0.0.1:{port}", "--health=/healthz", "--quiet", "posix", root]
    server = subprocess.Popen([str(part) for part in command], env=os.environ | keys)
    endpoint = f"http://127.0.0.1:{port}"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", endpoint)
        environment.setenv("AWS_ACCESS_KEY_ID", keys["ROOT_ACCESS_KEY"])
        environment.setenv("AWS_SECRET_ACCESS_KEY", keys["ROOT_SECRET_KEY"])
        try:
            wait_for(lambda: _answers(f"{endpoint}/healthz"), timeout_seconds=30, what="the S3 server answers")
            yield root / "datasets"
        finally:
            server.terminate()
            server.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.HTTPError:
        return False


def upload(path: str, content: bytes) -> None:
    """Put an object, so that it has an ETag as uploads have."""
    import obstore
    from obstore.store import S3Store

    endpoint = os.environ["AWS_ENDPOINT_URL"]
    store = S3Store("datasets", endpoint=endpoint, client_options={"allow_http": True}, region="us-east-1")
    obstore.put(store, path, content)


def survey(**uris: str) -> dict[str, Any]:
    request = RunRequest.model_validate(
        {
            "run": "0123",
            "namespace": "default",
            "name": "colours",
            "task": "ImageClassification",
            "backbone": {"name": "torchvision/resnet18", "weights": {"name": "DEFAULT"}},
            "data": {role: {"uri": uri} for role, uri in uris.items()},
            "training": {"strategy": "FeatureExtraction"},
            "outputUri": "file:///nowhere",
        }
    )
    return children.survey(request)


def test_a_folder(storage: Path) -> None:
    for path, content in folder(per_class=2).items():
        upload(f"train/{path}", content)
    upload("test/red/seen.png", picture("red", 0))
    upload("test/blue/new.png", picture("blue", 100))
    upload("test/green/new.png", picture("green", 100))
    found = survey(train="s3://datasets/train", test="s3://datasets/test")
    train, test = found["sources"]
    assert [(each["label"], each["count"]) for each in train["classes"]] == [("blue", 2), ("green", 2), ("red", 2)]
    assert (train["lookedInto"], train["decoded"], test["samples"]) == (False, 0, 3)
    assert train["bytes"] == sum(len(content) for content in folder(per_class=2).values())
    (both,) = found["duplicates"]
    assert (found["duplicatesBy"], both["count"], both["examples"]) == (
        "listing",
        1,
        [["red/000.png", "red/seen.png"]],
    )
    assert any("shares 1 file with spec.data.train" in advice.message for advice in of_survey(found, {}))


def test_an_archive(storage: Path) -> None:
    content = tar(folder(per_class=2))
    upload("colours.tar", content)
    (source,) = survey(train="s3://datasets/colours.tar")["sources"]
    assert (source["samples"], source["bytes"]) == (None, len(content))


@pytest.mark.parametrize(
    ("uri", "reason"), [("s3://datasets/none", "DataNotFound"), ("s3://nowhere/train", "DataNotFound")]
)
def test_nothing_there(storage: Path, uri: str, reason: str) -> None:
    assert [problem["reason"] for problem in survey(train=uri)["problems"]] == [reason]


def test_wrong_keys(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    assert [problem["reason"] for problem in survey(train="s3://datasets/train")["problems"]] == ["DataAccessDenied"]
