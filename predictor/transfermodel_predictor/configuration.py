"""What the container's environment says. Imports next to nothing: it is the first thing that runs."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from transfermodel_predictor.inference.limits import SampleLimits

MEGABYTE: Final = 1_000_000
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


class ConfigurationInvalid(ValueError):
    """A variable is missing or makes no sense; the message is a whole sentence."""


@dataclass(frozen=True)
class Limits(SampleLimits):
    """How much one request may ask for."""

    body_bytes: int = 64 * MEGABYTE
    sample_bytes: int = 20 * MEGABYTE
    """Of an image, a text or a recording as it is sent."""
    batch: int = 256


@dataclass(frozen=True)
class QueueLimits:
    """How much may wait, of all requests together."""

    samples: int = 1024
    """A request that finds nothing waiting may have more."""
    seconds: int = 10
    """A request that would have to wait longer is told to come back instead."""


@dataclass(frozen=True)
class Configuration:
    """What to serve, and how."""

    model_name: str
    artifact_uri: str
    artifact_digest: str
    version: str
    """Name of the version, such as v2."""
    precision: str = "Float32"
    """What the network computes with: Float32 or Int8."""
    gpu: bool = False
    """Whether a GPU was asked for; one that cannot be used is no reason not to serve."""
    port: int = 8080
    host: str = "0.0.0.0"  # noqa: S104 - in a pod; its own address is not known
    threads: int | None = None
    """For one inference; None: as many as the container has CPUs."""
    limits: Limits = Limits()
    queue: QueueLimits = QueueLimits()
    largest_batch: int = 16
    """Samples that go to the network at once, at most: of several requests, too. 1: each sample alone."""
    grpc_port: int | None = None
    """None: gRPC is not spoken."""
    log_format: str = "plain"
    """plain or json."""
    access_log: bool = False
    """Whether each request gets a line in the log."""
    load_seconds: int = 600
    """For all of loading; what takes longer hangs."""
    drain_seconds: int = 0
    """That requests are still taken after the process is told to end, at least: as long as routes take to change."""
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    """Holds the credentials for storage."""


def read_configuration(environment: Mapping[str, str]) -> Configuration:
    """Read the environment.

    Raises:
        ConfigurationInvalid: A variable is missing or makes no sense.
    """

    def required(name: str) -> str:
        value = environment.get(name)
        if not value:
            raise ConfigurationInvalid(f"The environment variable {name} is not set.")
        return value

    def number(name: str, default: int) -> int:
        text = environment.get(name) or str(default)
        if not text.isdecimal() or int(text) < 1:
            raise ConfigurationInvalid(
                f"The environment variable {name} is {text!r}; a whole number above 0 is needed."
            )
        return int(text)

    def optional(name: str) -> int | None:
        return number(name, 1) if environment.get(name) else None

    def choice(name: str, *choices: str) -> str:
        value = environment.get(name) or choices[0]
        if value not in choices:
            raise ConfigurationInvalid(
                f"The environment variable {name} is {value[:80]!r}; {' or '.join(choices)} is needed."
            )
        return value

    digest = required("TRANSFERMODEL_ARTIFACT_DIGEST")
    if not DIGEST.fullmatch(digest):
        raise ConfigurationInvalid(
            f"The environment variable TRANSFERMODEL_ARTIFACT_DIGEST is {digest!r}; sha256:<64 hex digits> is needed."
        )
    limits = Limits()
    port = number("PORT", Configuration.port)
    grpc_port = optional("TRANSFERMODEL_GRPC_PORT")
    if grpc_port == port:
        raise ConfigurationInvalid(
            f"The environment variables PORT and TRANSFERMODEL_GRPC_PORT are both {port}; gRPC needs a port of its own."
        )
    return Configuration(
        model_name=required("TRANSFERMODEL_MODEL_NAME"),
        artifact_uri=required("TRANSFERMODEL_ARTIFACT_URI").rstrip("/"),
        artifact_digest=digest,
        version=environment.get("TRANSFERMODEL_VERSION") or "v1",
        precision=choice("TRANSFERMODEL_PRECISION", "Float32", "Int8"),
        gpu=gpu_asked_for(choice("TRANSFERMODEL_DEVICE", "auto", "cpu", "cuda"), environment),
        port=port,
        host=environment.get("TRANSFERMODEL_HOST") or Configuration.host,
        threads=optional("TRANSFERMODEL_THREADS"),
        limits=Limits(
            body_bytes=number("TRANSFERMODEL_MAX_BODY_BYTES", limits.body_bytes),
            sample_bytes=number("TRANSFERMODEL_MAX_SAMPLE_BYTES", limits.sample_bytes),
            image_pixels=number("TRANSFERMODEL_MAX_IMAGE_PIXELS", limits.image_pixels),
            text_characters=number("TRANSFERMODEL_MAX_TEXT_CHARACTERS", limits.text_characters),
            audio_samples=number("TRANSFERMODEL_MAX_AUDIO_SAMPLES", limits.audio_samples),
            batch=number("TRANSFERMODEL_MAX_BATCH", limits.batch),
        ),
        queue=QueueLimits(
            samples=number("TRANSFERMODEL_QUEUE_SIZE", QueueLimits.samples),
            seconds=number("TRANSFERMODEL_MAX_QUEUE_SECONDS", QueueLimits.seconds),
        ),
        largest_batch=number("TRANSFERMODEL_MAX_BATCH_SIZE", Configuration.largest_batch),
        grpc_port=grpc_port,
        log_format=choice("TRANSFERMODEL_LOG_FORMAT", "plain", "json"),
        access_log=choice("TRANSFERMODEL_ACCESS_LOG", "false", "true") == "true",
        load_seconds=number("TRANSFERMODEL_LOAD_SECONDS", Configuration.load_seconds),
        drain_seconds=optional("TRANSFERMODEL_DRAIN_SECONDS") or 0,
        environment=environment,
    )


def gpu_asked_for(device: str, environment: Mapping[str, str]) -> bool:
    """Tell whether this container was to have a GPU; device: auto, cpu or cuda; auto: what the device plugin says."""
    if device == "auto":
        return offers_gpu(environment)
    return device == "cuda"


def offers_gpu(environment: Mapping[str, str]) -> bool:
    """Tell whether the device plugin has given this container a GPU."""
    return environment.get("NVIDIA_VISIBLE_DEVICES", "") not in ("", "none", "void")
