"""Version 1: {"instances": [{"image": {"b64": "…"}}]} -> {"predictions": [{"label", "probability", …}]}."""

from collections.abc import Sequence
from heapq import nlargest
from operator import itemgetter
from typing import Any

from transfermodel_predictor.configuration import Limits
from transfermodel_predictor.inference.head import Prediction
from transfermodel_predictor.protocol.errors import RequestInvalid
from transfermodel_predictor.protocol.forms import FORMS, SampleForm
from transfermodel_predictor.protocol.sources import EncodedSample, check_batch, kind, read_value


def parse_request(document: dict[str, Any], form: SampleForm, limits: Limits) -> list[EncodedSample]:
    """Return the samples of a request.

    Raises:
        RequestInvalid, RequestTooLarge: The request is not of this form.
    """
    instances = document.get("instances")
    if instances is None:
        raise RequestInvalid(f"The key 'instances' is missing; send {form.example}.")
    if not isinstance(instances, list):
        raise RequestInvalid(f"'instances' is {kind(instances)}; a list is needed: {form.example}.")
    check_batch(len(instances), form, limits, "'instances'")
    return [parse_instance(f"instances[{index}]", instance, form, limits) for index, instance in enumerate(instances)]


def parse_instance(place: str, instance: Any, form: SampleForm, limits: Limits) -> EncodedSample:
    """Return the sample of one instance.

    Raises:
        RequestInvalid, RequestTooLarge: The instance is not of this form.
    """
    for key in form.keys:
        if not isinstance(instance, dict):
            raise RequestInvalid(
                f"{place} is {kind(instance)}; an object with the key {key!r} is needed: {form.example}."
            )
        unknown = next((name for name in instance if name != key), None)
        if unknown is not None or key not in instance:
            said = f"has the key {unknown[:40]!r}" if unknown is not None else "is empty"
            if any(unknown == other.name for other in FORMS.values()):
                said += f", but this model takes {form.many}"
            raise RequestInvalid(f"{place} {said}; exactly the key {key!r} is needed: {form.example}.")
        place, instance = f"{place}.{key}", instance[key]
    return read_value(place, instance, form, limits)


def answer(predictions: Sequence[Prediction], version: str, top_k: int | None = None) -> dict[str, Any]:
    """Return the response; `probabilities` has all labels in their order, or the top_k highest alone, falling."""
    return {
        "predictions": [
            {
                "label": prediction.label,
                "probability": prediction.probability,
                "probabilities": prediction.probabilities if top_k is None else dict(highest(prediction, top_k)),
                "modelVersion": version,
            }
            for prediction in predictions
        ]
    }


def highest(prediction: Prediction, count: int) -> list[tuple[str, float]]:
    """Return the most probable labels and their probabilities, falling; at most as many as there are."""
    # The one that is the answer comes first, as in the labels' order where several are equal.
    return nlargest(count, prediction.probabilities.items(), key=itemgetter(1))
