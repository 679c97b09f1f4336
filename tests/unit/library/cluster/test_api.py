"""Questions to an API server that is busy, that breaks off, and that is not what it seems."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from transfermodel.cluster.api import MOST_WAITS, Api
from transfermodel.errors import Unreachable

from tests.support.kubectl import plain_kubeconfig

BUSY = {"kind": "Status", "message": "storage is (re)initializing"}


class Server(ThreadingHTTPServer):
    """Answers with the statuses that it was given, one after the other, and then well; None: it hangs up."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.statuses: list[int | None] = []
        self.headers: dict[str, str] = {}
        self.asked = 0


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server

    def do_GET(self) -> None:
        self.server.asked += 1
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        if status is None:
            return
        body = json.dumps({"kind": "Pod"} if status == 200 else BUSY).encode()
        self.send_response(status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def api(server: Server, tmp_path: Path) -> Api:
    return Api.connect(plain_kubeconfig(f"http://127.0.0.1:{server.server_port}", tmp_path / "kubeconfig"))


def test_a_server_that_names_a_time_is_asked_again(server: Server, api: Api) -> None:
    server.statuses, server.headers = [429, 503], {"Retry-After": "0"}
    assert api.json("/x") == {"kind": "Pod"}
    assert server.asked == 3


def test_but_not_for_ever(server: Server, api: Api) -> None:
    server.statuses, server.headers = [429] * 99, {"Retry-After": "0"}
    with pytest.raises(Unreachable, match=r"storage is \(re\)initializing \(HTTP 429\)"):
        api.json("/x")
    assert server.asked == 1 + MOST_WAITS


@pytest.mark.parametrize("status", [429, 500, 503])
def test_one_that_names_none_is_told_at_once(server: Server, api: Api, status: int) -> None:
    server.statuses = [status] * 99
    with pytest.raises(Unreachable, match=f"HTTP {status}"):
        api.json("/x")
    assert server.asked == 1


def test_one_that_hangs_up_is_told_at_once(server: Server, api: Api) -> None:
    server.statuses = [None] * 99
    with pytest.raises(Unreachable, match="does not answer"):
        api.json("/x")
    assert server.asked == 1


def test_a_redirection_is_not_followed(server: Server, api: Api) -> None:
    server.statuses, server.headers = [302], {"Location": "/elsewhere"}
    assert api.fetch("/x")[0] == 302
    assert server.asked == 1


def test_what_speaks_no_tls_is_told_at_once(server: Server, tmp_path: Path) -> None:
    api = Api.connect(plain_kubeconfig(f"https://127.0.0.1:{server.server_port}", tmp_path / "kubeconfig"))
    with pytest.raises(Unreachable, match="does not answer"):
        api.json("/x")
    assert server.asked == 0
