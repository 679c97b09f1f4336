"""The ratios at the top of bench/results/serving.json: what is divided by what, and what they should reach."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Key:
    """One of them; of several subjects (backbones) the worst one counts."""

    part: str
    figure: str
    over: str
    """The side that is divided."""
    under: str | None = None
    """The side that it is divided by, round by round; None: the figure itself."""
    least: float | None = None
    most: float | None = None
    title: str = ""
    every_round: bool = False
    """The worst round counts, not the one in the middle."""


B0_OVER_OURS: Final = ("b0", "ours")
OURS_OVER_B0: Final = ("ours", "b0")

KEYS: Final[Mapping[str, Key]] = {
    "cold_start_ratio": Key(
        "cold-start", "firstPredictionSeconds", *B0_OVER_OURS, least=5.0, title="exec to the first 200, B0 / ours"
    ),
    "scale_from_zero_ratio": Key(
        "scale-from-zero", "seconds", *B0_OVER_OURS, least=3.0, title="from zero pods through the ingress, B0 / ours"
    ),
    "scale_from_zero_answered": Key(
        "scale-from-zero-bursts",
        "answeredShare",
        "ours",
        least=1.0,
        title="share of requests answered of those that found no pod, ours, the worst time",
        every_round=True,
    ),
    **{
        f"throughput_ratio_c{concurrency}": Key(
            "traffic",
            f"requestsPerSecond{concurrency}",
            *OURS_OVER_B0,
            least=least,
            title=f"requests/s at concurrency {concurrency}, ours / B0",
        )
        for concurrency, least in ((1, 2.0), (8, 3.0), (32, 3.0))
    },
    "int8_throughput_ratio": Key(
        "traffic",
        "requestsPerSecond8",
        "ours-int8",
        "b0",
        least=4.0,
        title="requests/s at concurrency 8, ours with Int8 / B0 with Float32",
    ),
    "int8_accuracy_loss": Key(
        "int8-accuracy", "lossPoints", "ours-int8", most=0.5, title="points of accuracy that Int8 loses"
    ),
    "p99_ratio_c8": Key(
        "traffic", "p99Milliseconds8", *OURS_OVER_B0, most=0.5, title="p99 at concurrency 8, ours / B0"
    ),
    "memory_ratio": Key(
        "traffic", "residentMegabytes", *OURS_OVER_B0, most=0.25, title="resident memory after traffic, ours / B0"
    ),
    "lone_request_ratio": Key(
        "lone-request",
        "p50Milliseconds",
        "batching",
        "no-batching",
        most=1.05,
        title="a lone request's p50, batching on / off",
    ),
    "health_p99_ms": Key(
        "traffic", "healthP99Milliseconds", "ours", most=10.0, title="p99 of health at concurrency 32, ms, ours"
    ),
    "binary_ratio": Key(
        "binary", "requestsPerSecond8", "binary", "json", least=5.0, title="requests/s of tensors, binary / JSON"
    ),
    "image_ratio": Key("image-size", "megabytes", *OURS_OVER_B0, most=0.25, title="image as stored, ours / B0"),
    # Told beside them, without a target.
    "memory_ratio_loaded": Key("traffic", "residentLoadedMegabytes", *OURS_OVER_B0),
    "memory_ratio_proportional": Key("traffic", "proportionalMegabytes", *OURS_OVER_B0),
    "int8_throughput_ratio_c1": Key("traffic", "requestsPerSecond1", "ours-int8", "b0"),
    "int8_throughput_ratio_c32": Key("traffic", "requestsPerSecond32", "ours-int8", "b0"),
    "throughput_ratio_c8_careful": Key("traffic", "requestsPerSecond8", "ours", "b0-careful"),
    "memory_ratio_careful": Key("traffic", "residentMegabytes", "ours", "b0-careful"),
    "photographs_ratio_c8": Key("photographs", "requestsPerSecond8", *OURS_OVER_B0),
    "binary_ratio_c1": Key("binary", "requestsPerSecond1", "binary", "json"),
    "image_ratio_without_cuda": Key("image-size", "megabytes", "ours", "b0-without-cuda"),
}
