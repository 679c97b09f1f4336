"""The proof of serving: one real prediction of a Knative Revision, whose answer must name the version's digest."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import aiohttp

from transfermodel_operator.api.spec import Task
from transfermodel_operator.cluster import Client, ClusterError
from transfermodel_operator.cluster.kinds import SERVICES
from transfermodel_operator.observed import Proof
from transfermodel_operator.plan import ProofRequest

TIMEOUT_SECONDS: Final = 20.0
PATIENCE_SECONDS: Final = 6.0
"""How long an address that does not take connections yet is tried: routes reach a node after the Revision is ready."""
PAUSE_SECONDS: Final = 0.3
ANSWER_LIMIT: Final = 1 << 20
"""Bytes; an answer to one image is a few kilobytes, a thousand classes included."""
SENTENCE_LIMIT: Final = 300

# 8 x 8 pixels of a colour gradient.
IMAGE: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAbElEQVR42hXNQRUAUQhCUaMYhShGeVGIQhSizB+XXA7ODDtouIHBQ4YOM8suWm5h8ZKl"
    "+0CskDiBsIioHhx76LiDw0eO3oN/4FVf+J8h0PduzBqZ8x/bxNQPwgaFy192SGgelC0q13/CJaXlA8Z7WAFXOTbyAAAAAElFTkSuQmCC"
)
# 64 samples of a tone, at 8,000 a second.
RECORDING: Final = (
    "UklGRmQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YUAAAACApsfc5NzHpoBaOSQcJDlagKbH3OTcx6aAWjkkHCQ5WoCmx9zk3MemgFo"
    "5JBwkOVqApsfc5NzHpoBaOSQcJDla"
)
SAMPLES: Final[Mapping[Task, tuple[str, str]]] = {
    "ImageClassification": ("image", IMAGE),
    "TextClassification": ("text", "Any text will do."),
    "AudioClassification": ("audio", RECORDING),
}
"""What a model is asked: the name of its input, and a sample as JSON says it."""


async def prove(
    client: Client,
    namespace: str,
    model: str,
    request: ProofRequest,
    cluster_domain: str,
    now: Callable[[], datetime],
) -> Proof:
    """Ask the revision's own Service, by its address: no name needs to resolve, and no other revision can answer."""
    try:
        failure = await _failure(client, namespace, model, request, cluster_domain)
    except ClusterError as error:
        failure = f"The Service of revision {request.revision} cannot be read: {error.sentence}"
    return Proof(revision=request.revision, succeeded=failure is None, message=failure or "", at=now())


async def _failure(
    client: Client, namespace: str, model: str, request: ProofRequest, cluster_domain: str
) -> str | None:
    """Return why the revision does not serve the version, or None."""
    service = await client.get(SERVICES, namespace, request.revision)
    address = _address((service or {}).get("spec") or {})
    if address is None:
        return f"Revision {request.revision} has no Service with an address yet."
    headers = {
        "Host": f"{request.revision}.{namespace}.svc.{cluster_domain}",
        # Knative's activator, when it stands in between, finds the revision by these.
        "Knative-Serving-Namespace": namespace,
        "Knative-Serving-Revision": request.revision,
    }
    deadline = time.monotonic() + PATIENCE_SECONDS
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS, connect=PATIENCE_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
        while True:
            try:
                url = f"http://{address}/v2/models/{model}/infer"
                async with session.post(url, json=question(request.task), headers=headers) as response:
                    return judge(response.status, await response.content.read(ANSWER_LIMIT), request)
            except TimeoutError:
                return f"Revision {request.revision} did not answer a prediction within {TIMEOUT_SECONDS:g} s."
            except (aiohttp.ClientError, OSError) as error:
                if time.monotonic() > deadline:
                    return f"Revision {request.revision} cannot be reached: {error}"
            await asyncio.sleep(PAUSE_SECONDS)


def question(task: Task) -> dict[str, Any]:
    """Return an inference request of the Open Inference Protocol, version 2, that every model of a task can answer."""
    name, sample = SAMPLES[task]
    return {"inputs": [{"name": name, "datatype": "BYTES", "shape": [1], "data": [sample]}]}


def _address(spec: dict[str, Any]) -> str | None:
    """Return host:port of a Service; its port for plain HTTP is called http (or http2, http-…)."""
    host = spec.get("clusterIP")
    ports = [port["port"] for port in spec.get("ports") or [] if str(port.get("name", "http")).startswith("http")]
    if not host or host == "None" or not ports:
        return None
    return f"[{host}]:{ports[0]}" if ":" in host else f"{host}:{ports[0]}"


def judge(status: int, content: bytes, request: ProofRequest) -> str | None:
    """Return what is wrong with an answer, or None.

    The answer is an inference response of the Open Inference Protocol, version 2, whose `parameters.digest` is ours.
    """
    if status != 200:
        said = content.decode("utf-8", "replace").strip()[:SENTENCE_LIMIT]
        return f"Revision {request.revision} answered a prediction with HTTP {status}: {said}"
    try:
        answer: Any = json.loads(content)
        digest = answer["parameters"]["digest"]
    except (ValueError, KeyError, TypeError):
        return f"Revision {request.revision} answered a prediction without naming the digest of its model."
    if digest != request.digest:
        return f"Revision {request.revision} serves {digest}, not {request.version} ({request.digest})."
    return None
