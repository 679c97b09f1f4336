"""Buckets of Google Cloud and Azure over HTTP on loopback: listings and objects, in the XML of the two."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

MODIFIED = "Sat, 21 Nov 2026 00:00:00 GMT"


@dataclass
class Cloud:
    """What is asked of it."""

    url: str = ""
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    """Method, address and headers of each."""


@contextmanager
def cloud(buckets: Mapping[str, Mapping[str, bytes]], refusal: tuple[int, str] | None = None) -> Iterator[Cloud]:
    """Serve objects by bucket and name, listings two names a page; refusal: status and code, for all answers."""
    state = Cloud()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.requests.append((self.command, self.path, {key.lower(): text for key, text in self.headers.items()}))
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = urlsplit(self.path)
            bucket, _, name = unquote(parts.path).lstrip("/").partition("/")
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            azure = query.get("comp") == "list"
            if refusal:
                self.answer(refusal[0], _error(refusal[1]))
            elif bucket not in buckets:
                # Azure's headers tell it apart: both clouds' own codes.
                self.answer(404, _error("ContainerNotFound" if "x-ms-version" in self.headers else "NoSuchBucket"))
            elif name:
                content = buckets[bucket].get(name)
                self.answer(404 if content is None else 200, _error("NoSuchKey") if content is None else content)
            else:
                listing = _azure_listing if azure else _google_listing
                self.answer(200, listing(buckets[bucket], query).encode())

        do_HEAD = do_PUT = do_GET  # noqa: N815 - http.server's names

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", '"1"')
            self.send_header("Last-Modified", MODIFIED)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


def _error(code: str) -> bytes:
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no\nTime: now</Message></Error>".encode()


def _page(objects: Mapping[str, bytes], prefix: str, after: str) -> tuple[list[str], str]:
    """Return two names, and what continues after them, "" for the end."""
    names = sorted(name for name in objects if name.startswith(prefix) and name > after)
    return names[:2], names[1] if len(names) > 2 else ""


def _google_listing(objects: Mapping[str, bytes], query: Mapping[str, str]) -> str:
    names, following = _page(objects, query.get("prefix", ""), query.get("continuation-token", ""))
    entries = "".join(
        f"<Contents><Key>{escape(name)}</Key><LastModified>2026-11-21T00:00:00Z</LastModified>"
        f'<ETag>"1"</ETag><Size>{len(objects[name])}</Size></Contents>'
        for name in names
    )
    token = f"<NextContinuationToken>{escape(following)}</NextContinuationToken>" if following else ""
    return f"<ListBucketResult><KeyCount>{len(names)}</KeyCount>{entries}{token}</ListBucketResult>"


def _azure_listing(objects: Mapping[str, bytes], query: Mapping[str, str]) -> str:
    names, following = _page(objects, query.get("prefix", ""), query.get("marker", ""))
    entries = "".join(
        f"<Blob><Name>{escape(name)}</Name><Properties><Last-Modified>{MODIFIED}</Last-Modified><Etag>1</Etag>"
        f"<Content-Length>{len(objects[name])}</Content-Length><Content-Type>text/plain</Content-Type>"
        "<BlobType>BlockBlob</BlobType></Properties></Blob>"
        for name in names
    )
    return (
        f"<?xml version='1.0' encoding='utf-8'?><EnumerationResults ContainerName='x'><Blobs>{entries}</Blobs>"
        f"<NextMarker>{escape(following)}</NextMarker></EnumerationResults>"
    )
