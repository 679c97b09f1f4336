"""Prometheus metrics of the process and of its requests."""

from contextlib import AbstractContextManager
from typing import Any

from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR, CollectorRegistry, Gauge, Histogram
from prometheus_client.exposition import choose_encoder


class Metrics:
    """What is counted."""

    def __init__(self, model_name: str) -> None:
        """Begin at zero."""
        self.registry = CollectorRegistry()
        for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
            self.registry.register(collector)
        self._model_name = model_name
        self._phases = Histogram(
            "transfermodel_phase_seconds",
            "Time that one phase of a request took",
            ["model", "phase"],
            registry=self.registry,
        )

        self.in_progress = Gauge(
            "transfermodel_requests_in_progress", "Requests whose samples wait or are in work", registry=self.registry
        )

    def phase(self, name: str) -> AbstractContextManager[Any]:
        """Time what runs within."""
        return self._phases.labels(self._model_name, name).time()

    def exposition(self, accept: str | None) -> tuple[bytes, str]:
        """Return all metrics, and their media type, as the header Accept wants them."""
        encoder, media_type = choose_encoder(accept or "")
        return encoder(self.registry), media_type
