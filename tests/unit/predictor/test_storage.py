"""Storage says what went wrong in our words: folders, and what S3 answers over real HTTP on loopback."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from transfermodel_predictor.artifact.errors import (
    StorageAccessDenied,
    StorageNotFound,
    StorageUnavailable,
    StorageUriInvalid,
)
from transfermodel_predictor.artifact.storage import open_store
from transfermodel_predictor.artifact.stores import s3_options

pytestmark = pytest.mark.unit
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}


@contextmanager
def answering(status: int, body: str) -> Iterator[tuple[str, list[Any]]]:
    """An HTTP server that says the same to everything; yields its URL and the headers that it saw."""
    seen: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, dict(self.headers)))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", '"1"')
            self.send_header("Last-Modified", "Sat, 21 Nov 2026 00:00:00 GMT")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", seen
    finally:
        server.shutdown()
        server.server_close()


def error(code: str) -> str:
    return f"<Error><Code>{code}</Code><Message>no</Message></Error>"


def test_a_folder_is_written_listed_and_read(tmp_path: Path) -> None:
    storage = open_store((tmp_path / "new folder").as_uri(), {})
    storage.put("a/b.txt", b"one")
    storage.put("c.txt", tmp_path / "new folder" / "a" / "b.txt")
    assert storage.get("a/b.txt") == storage.get("c.txt") == b"one"
    assert {(info.path, info.size) for info in storage.list()} == {("a/b.txt", 3), ("c.txt", 3)}
    assert [info.path for info in storage.list("a")] == ["a/b.txt"]
    assert storage.get_start("a/b.txt", 2) == b"on"
    assert storage.get_start("a/b.txt", 20) == b"one"
    assert storage.info("c.txt").size == 3
    storage.download("c.txt", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"one"
    storage.delete("c.txt")
    storage.delete("c.txt")
    assert [info.path for info in storage.list()] == ["a/b.txt"]


def test_put_if_absent_never_overwrites(tmp_path: Path) -> None:
    storage = open_store(tmp_path.as_uri(), {})
    assert storage.put_if_absent("result.json", b"first")
    assert not storage.put_if_absent("result.json", b"second")
    assert storage.get("result.json") == b"first"


def test_reading_leaves_no_folder_behind(tmp_path: Path) -> None:
    storage = open_store((tmp_path / "none").as_uri(), {})
    with pytest.raises(StorageNotFound, match=r"none/manifest\.json does not exist"):
        storage.get("manifest.json")
    assert list(storage.list()) == []
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "models",
        "http://host/x",
        "s3://",
        "file://host/x",
        "s3://bucket/x?versionId=1",
        "s3://[",
        "pvc://claim/x",
        "gs://",
        "az:///x",
        "az://account@container/x",
    ],
)
def test_other_uris_are_refused_with_the_way_to_write_them(uri: str) -> None:
    with pytest.raises(StorageUriInvalid):
        open_store(uri, {})


@pytest.mark.parametrize(
    ("status", "code", "expected", "said"),
    [
        (404, "NoSuchKey", StorageNotFound, "s3://models/a/x does not exist"),
        (404, "NoSuchBucket", StorageNotFound, "The bucket s3://models does not exist"),
        (403, "AccessDenied", StorageAccessDenied, "Access to read s3://models/a/x is denied"),
        (403, "InvalidAccessKeyId", StorageAccessDenied, "Check the keys in the Secret"),
        (401, "Unauthorized", StorageAccessDenied, "denied"),
        (400, "InvalidRequest", StorageUnavailable, "Storage failed to read s3://models/a/x"),
    ],
)
def test_answers_of_s3_become_ours(status: int, code: str, expected: type[Exception], said: str) -> None:
    with answering(status, error(code)) as (url, _), pytest.raises(expected, match=said) as caught:
        open_store("s3://models/a/", KEYS | {"AWS_ENDPOINT_URL": url}).get("x")
    assert "secret" not in str(caught.value)


def test_s3_that_is_not_there_is_unavailable() -> None:
    with answering(200, "") as (url, _):
        pass
    with pytest.raises(StorageUnavailable, match="AWS_ENDPOINT_URL"):
        open_store("s3://models/a", KEYS | {"AWS_ENDPOINT_URL": url}).get("x")


def test_credentials_come_from_variables_with_the_prefix() -> None:
    with answering(200, "content") as (url, seen):
        environment = {f"OUTPUT_{name}": value for name, value in (KEYS | {"AWS_ENDPOINT_URL": url + "/"}).items()}
        assert open_store("s3://models/a", environment, "OUTPUT_").get("x") == b"content"
    path, headers = seen[0]
    assert path == "/models/a/x"
    assert "Credential=key/" in headers["authorization"]
    assert "/us-east-1/s3/" in headers["authorization"]


def test_without_credentials_requests_are_not_signed() -> None:
    with answering(200, "content") as (url, seen):
        assert open_store("s3://public/a", {"AWS_ENDPOINT_URL": url}).get("x") == b"content"
    assert "authorization" not in seen[0][1]


def test_a_pods_own_identity_is_used_before_none() -> None:
    identity = {"AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/x"}
    options = s3_options(identity)
    assert options["web_identity_token_file"] == "/var/run/token"
    assert "skip_signature" not in options
    assert "web_identity_token_file" not in s3_options(identity | KEYS)
