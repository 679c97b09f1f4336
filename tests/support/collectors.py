"""A collector of traces: what OpenTelemetry's exporters send it over HTTP."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Received = list[ExportTraceServiceRequest]


@contextmanager
def collector(host: str = "127.0.0.1") -> Iterator[tuple[str, Received]]:
    """Receive OTLP over HTTP; yields its address and what came."""
    received: Received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert (self.path, self.headers["content-type"]) == ("/v1/traces", "application/x-protobuf")
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((host, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{host}:{server.server_address[1]}", received
        finally:
            server.shutdown()
            thread.join()


def spans(received: Received) -> list[Span]:
    """Return all spans."""
    return [
        span for sent in received for each in sent.resource_spans for scope in each.scope_spans for span in scope.spans
    ]


def attributes(pairs: object) -> dict[str, object]:
    """Return what a span or a resource says of itself."""
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}  # type: ignore[attr-defined]


def resource(received: Received) -> dict[str, object]:
    """Return what the first sender says of itself."""
    return attributes(received[0].resource_spans[0].resource.attributes)
