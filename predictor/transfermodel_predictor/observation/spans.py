"""A request as a span, and its phases as spans within; imports OpenTelemetry."""

from collections.abc import Mapping
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode, format_trace_id, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from transfermodel_predictor import __version__
from transfermodel_predictor.observation.request_id import REQUEST_ID
from transfermodel_predictor.observation.request_record import Outcome, RequestRecord

OUR_FAILURES: Final = ("INTERNAL", "UNKNOWN")
"""Of gRPC's statuses; of HTTP's those from 500 on."""


class OtlpTracer:
    """Sends finished spans in batches, from a thread; what is left goes when the process ends."""

    def __init__(self, model_name: str, version: str) -> None:
        """Read where to from OpenTelemetry's environment variables."""
        # What the environment says of the service goes before what we know of it.
        known = Resource({"service.name": model_name, "service.version": version})
        provider = TracerProvider(resource=Resource.create().merge(known).merge(OTELResourceDetector().detect()))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = provider.get_tracer("transfermodel_predictor", __version__)
        self._parents = TraceContextTextMapPropagator()

    def trace(self, record: RequestRecord, outcome: Outcome, headers: Mapping[str, str]) -> str:
        """Keep a request and its phases, in the caller's trace where traceparent names one; return the trace's id."""
        span = self._tracer.start_span(
            record.operation,
            context=self._parents.extract(dict(headers)),
            kind=SpanKind.SERVER,
            attributes=_attributes(record, outcome),
            start_time=record.begun,
        )
        within = set_span_in_context(span)
        for phase in record.phases:
            child = self._tracer.start_span(phase.name, context=within, start_time=phase.begun)
            child.end(phase.begun + int(phase.seconds * 1e9))
        if outcome.code in OUR_FAILURES or outcome.code.startswith("5"):
            span.set_status(StatusCode.ERROR)
        span.end(record.begun + int(outcome.seconds * 1e9))
        return format_trace_id(span.get_span_context().trace_id)


def _attributes(record: RequestRecord, outcome: Outcome) -> dict[str, str | int]:
    """Return what OpenTelemetry's conventions and we know of a request; nothing of its content."""
    attributes: dict[str, str | int] = {"transfermodel.samples": record.samples}
    if record.operation.startswith("/"):  # of gRPC
        attributes |= {
            "rpc.system.name": "grpc",
            "rpc.method": record.operation.removeprefix("/"),
            "rpc.response.status_code": outcome.code,
        }
    else:
        method, _, path = record.operation.partition(" ")
        attributes |= {
            "http.request.method": method,
            "url.path": path,
            "http.response.status_code": int(outcome.code),
        }
    if record.reason is not None:
        attributes["error.type"] = record.reason
    if (identifier := REQUEST_ID.get()) is not None:
        attributes["transfermodel.request.id"] = identifier
    return attributes
