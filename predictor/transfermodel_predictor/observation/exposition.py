"""The instruments as Prometheus reads them; imports prometheus_client."""

from collections.abc import Callable, Iterable, Sequence

from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR, CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from transfermodel_predictor.observation.instruments import Counter, Distribution, Gauge, Instrument


def expose(instruments: Callable[[], Iterable[Instrument]], accept: str | None) -> tuple[bytes, str]:
    """Return the instruments and the process's own figures, and their media type, as the header Accept wants them."""
    registry = CollectorRegistry()
    for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR, Instruments(instruments)):
        registry.register(collector)
    encoder, media_type = choose_encoder(accept or "")
    return encoder(registry), media_type


class Instruments(Collector):
    """Gives prometheus_client what was counted without it."""

    def __init__(self, instruments: Callable[[], Iterable[Instrument]]) -> None:
        """Take a function that returns them."""
        self._instruments = instruments

    def describe(self) -> Iterable[Metric]:
        """Say nothing before it is asked: there is one of it in each registry."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Yield a family for each instrument."""
        for instrument in self._instruments():
            yield _family(instrument)


def _family(instrument: Instrument) -> Metric:
    name, documentation, labels = instrument.name, instrument.documentation, instrument.labels
    if isinstance(instrument, Counter | Gauge):
        kind = CounterMetricFamily if isinstance(instrument, Counter) else GaugeMetricFamily
        family = kind(name, documentation, labels=labels)
        for values, amount in instrument.read().items():
            family.add_metric(values, amount)
        return family
    histogram = HistogramMetricFamily(name, documentation, labels=labels)
    for values, seen in instrument.read().items():
        histogram.add_metric(values, _cumulative(seen, instrument.bounds), seen.sum)
    return histogram


def _cumulative(seen: Distribution, bounds: Sequence[float]) -> list[tuple[str, float]]:
    """Return (upper bound, observations up to it), as the exposition wants buckets."""
    total, buckets = 0, []
    for bound, count in zip((*map(str, bounds), "+Inf"), seen.counts, strict=True):
        total += count
        buckets.append((bound, float(total)))
    return buckets
