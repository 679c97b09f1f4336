"""A bucket of S3 over HTTP on loopback that holds its answers back until told, or refuses them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class Bucket:
    """Objects of a folder as s3://bucket/<name of the folder>/<name of the file>."""

    endpoint: str = ""
    status: int = 200
    released: threading.Event = field(default_factory=threading.Event)
    requests: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What a Secret for it would hold."""
        return {
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "hidden",
            "AWS_ENDPOINT_URL": self.endpoint,
        }


@contextmanager
def bucket(folder: Path) -> Iterator[Bucket]:
    """Serve the folder; answers come once `released` is set."""
    state = Bucket()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.requests.append(self.path)
            state.released.wait(60)
            path = folder.parent / self.path.removeprefix("/bucket/")
            status = state.status if path.is_file() or state.status != 200 else 404
            code = "NoSuchKey" if status == 404 else "AccessDenied"
            body = path.read_bytes() if status == 200 else f"<Error><Code>{code}</Code></Error>".encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", '"1"')
            self.send_header("Last-Modified", "Sat, 21 Nov 2026 00:00:00 GMT")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        state.released.set()
        server.shutdown()
        server.server_close()
