"""What a model's programs say: the trainer, the predictor, and the operator about it."""

import json
import time
from collections import deque
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final

from transfermodel_operator.resources import names
from transfermodel_operator.runs import pods as pod_words
from transfermodel_operator.runs.attempts import by_age

from transfermodel.cluster import kinds
from transfermodel.cluster.api import Api
from transfermodel.cluster.kinds import Manifest
from transfermodel.cluster.models import is_training_pod
from transfermodel.cluster.reading import Reader, main_container, read_operators, read_surroundings
from transfermodel.cluster.surroundings import Surroundings
from transfermodel.errors import NotFound, NotReady, TransferModelError
from transfermodel.phases import counted

LOOK_AGAIN_SECONDS: Final = 1.0
OPERATOR_LINES: Final = 5000
"""The operator speaks of all models; so many of its last lines are searched."""


class Program(StrEnum):
    """Who is listened to."""

    TRAINER = "trainer"
    PREDICTOR = "predictor"
    OPERATOR = "operator"


def read_lines(
    api: Api,
    model: Manifest,
    program: Program | None,
    *,
    follow: bool = False,
    previous: bool = False,
    tail: int | None = None,
) -> tuple[str, Iterator[str]]:
    """Return who speaks, and its lines; for `follow` as they come.

    Args:
        api: The way to the API server.
        model: The TransferModel.
        program: Who is listened to; None: the trainer while there is no version, else the predictor.
        follow: Go on until the program ends; wait for one that has not started.
        previous: What the container said before it was started again.
        tail: Only the last so many lines.

    Raises:
        NotFound: There is no such pod.
        NotReady: The pod has not started yet.
    """
    if program is Program.OPERATOR:
        return _operator_lines(api, model, follow, tail)
    around = read_surroundings(api, model, logs=False)
    pod = choose_pod(around, program)
    container = main_container(pod)
    if follow:
        pod = wait_started(api, pod, container)
    elif not has_started(pod, container) and not previous:
        raise not_started(pod, container)
    metadata = pod["metadata"]
    query: dict[str, Any] = {"container": container, "tailLines": tail}
    query |= {"follow": "true"} if follow else {}
    query |= {"previous": "true"} if previous else {}
    try:
        lines = api.lines(kinds.PODS.path(metadata["namespace"], metadata["name"], "log"), query)
    except TransferModelError as error:
        if previous and "previous" in str(error):
            raise NotFound(
                f"The container of pod {metadata['name']} was not started before.", "Leave out --previous."
            ) from None
        raise
    return f"pod {metadata['name']}", lines


def choose_pod(around: Surroundings, program: Program | None) -> Manifest:
    """Return the newest pod of a program.

    Raises:
        NotFound: There is none; says why.
    """
    ordered = by_age(around.pods)
    trainers = [pod for pod in ordered if is_training_pod(pod)]
    predictors = [pod for pod in ordered if not is_training_pod(pod)]
    trained = around.condition("Trained").get("status") == "True"
    if program is None:
        candidates = (predictors or trainers) if trained else (trainers or predictors)
    else:
        candidates = trainers if program is Program.TRAINER else predictors
    if candidates:
        return candidates[-1]
    if program is Program.PREDICTOR or (program is None and trained):
        if around.inference_service is None:
            raise NotFound(
                f"Nothing serves TransferModel {around.name!r}.",
                f"Why: transfermodel describe {around.name} -n {around.namespace}",
            )
        raise NotFound(
            "No predictor pod runs: the model is scaled to zero.",
            f"The next request starts one: transfermodel predict {around.name} FILE -n {around.namespace}",
        )
    raise NotFound(
        f"There is no training pod of TransferModel {around.name!r}.",
        f"More: transfermodel describe {around.name} -n {around.namespace}",
    )


def has_started(pod: Manifest, container: str) -> bool:
    """Tell whether a container has said anything that can be read."""
    status = pod_words.container_status(pod, container)
    state = status.get("state") or {}
    return "running" in state or "terminated" in state or bool((status.get("lastState") or {}).get("terminated"))


def not_started(pod: Manifest, container: str) -> NotReady:
    """Return why there is no log yet."""
    waits = pod_words.waits(pod, container, "spec.training" if is_training_pod(pod) else "spec.serving")
    name, space = pod["metadata"]["name"], pod["metadata"]["namespace"]
    if waits is None:
        return NotReady(f"Pod {name} has not started; its node prepares it.", "Wait for it with --follow.")
    model = (pod["metadata"].get("labels") or {}).get(names.MODEL_LABEL, "")
    return NotReady(f"Pod {name} has not started. {waits.message}", f"More: transfermodel describe {model} -n {space}")


def wait_started(api: Api, pod: Manifest, container: str) -> Manifest:
    """Return the pod once its container has started.

    Raises:
        NotReady: It cannot start.
        NotFound: It is gone.
    """
    metadata = pod["metadata"]
    while not has_started(pod, container):
        if pod_words.waits(pod, container, "its part of the spec") is not None:
            raise not_started(pod, container)
        time.sleep(LOOK_AGAIN_SECONDS)
        found = api.get(kinds.PODS, metadata["namespace"], metadata["name"])
        if found is None:
            raise NotFound(f"Pod {metadata['name']} was deleted while it was waited for.", "Run this again.")
        pod = found
    return pod


def _operator_lines(api: Api, model: Manifest, follow: bool, tail: int | None) -> tuple[str, Iterator[str]]:
    """Return the operator's lines on one model."""
    metadata = model["metadata"]
    key = f"{metadata['namespace']}/{metadata['name']}"
    reader = Reader(api)
    operators = read_operators(reader)
    pods = [pod for operator in operators or () for pod in operator.pods]
    if not pods:
        seen = "You may not see the operator." if operators is None else "No pod of the operator runs."
        raise NotFound(seen, "Ask the cluster's owner, or: transfermodel doctor --cluster")
    pod = by_age(pods)[-1]["metadata"]
    query: dict[str, Any] = {"tailLines": OPERATOR_LINES} | ({"follow": "true"} if follow else {})
    lines = api.lines(kinds.PODS.path(pod["namespace"], pod["name"], "log"), query)
    # ` demo/digits:` is neither `other-demo/digits:` nor `demo/digits-base:`; a log of JSON has it after a quote.
    own = (line for line in lines if f" {key}:" in line or f'"{key}:' in line)
    return f"pod {pod['namespace']}/{pod['name']}", own if follow or tail is None else iter(deque(own, maxlen=tail))


def readable(line: str) -> str:
    """Return a line for people: a report of progress becomes words, everything else stays as it is."""
    try:
        progress = json.loads(line)["progress"]
        percent = int(progress["percent"])
    except (ValueError, KeyError, TypeError):
        return line
    parts = [f"{percent:3d} %", f"{progress.get('phase', '')}".ljust(10)]
    if progress.get("epochs"):
        parts.append(f"{counted(progress.get('phase'))} {progress.get('epoch') or 0} of {progress['epochs']}")
    parts += [f"{key} {progress[key]}" for key in ("loss", "accuracy") if progress.get(key)]
    if progress.get("etaSeconds"):
        parts.append(f"{progress['etaSeconds']} s left")
    return "  ".join(parts).rstrip()
