"""Traces by OpenTelemetry, sent as OTLP over HTTP; only where the environment names a collector is any of it imported.

The variables are OpenTelemetry's own: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
"""

import asyncio
import importlib
import importlib.util
from collections.abc import Mapping
from typing import Final

from transfermodel_predictor.configuration import ConfigurationInvalid
from transfermodel_predictor.observation.observer import Tracer

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SPOKEN: Final = "http/protobuf"
SPANS: Final = "transfermodel_predictor.observation.spans"


async def start_tracing(environment: Mapping[str, str], model_name: str, version: str) -> Tracer | None:
    """Return who keeps traces, or None where no collector is named; imports in a thread, so that probes are answered.

    Raises:
        ConfigurationInvalid: OpenTelemetry is not installed, or another protocol is asked for.
    """
    named = next((name for name in ENDPOINTS if environment.get(name)), None)
    if named is None or environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    for name in PROTOCOLS:
        if environment.get(name) not in (None, "", SPOKEN):
            raise ConfigurationInvalid(
                f"The environment variable {name} is {environment[name][:80]!r}; traces are sent as {SPOKEN}. Leave it "
                "out, and name the collector's address for HTTP, mostly on port 4318."
            )
    if importlib.util.find_spec("opentelemetry") is None or importlib.util.find_spec("opentelemetry.sdk") is None:
        raise ConfigurationInvalid(
            f"The environment variable {named} is set, but OpenTelemetry is not installed: "
            'pip install "transfermodel[tracing]", or leave the variable out.'
        )
    spans = await asyncio.to_thread(importlib.import_module, SPANS)
    tracer: Tracer = spans.OtlpTracer(model_name, version)
    return tracer
