"""Version 1: {"instances": [{"image": {"b64": "…"}}]} -> {"predictions": [{"label", "probability", …}]}."""

from collections.abc import Sequence
from typing import Any

from transfermodel_predictor.configuration import Limits
from transfermodel_predictor.inference.head import Prediction
from transfermodel_predictor.protocol.errors import RequestInvalid
from transfermodel_predictor.protocol.sources import EncodedImage, check_batch, encoded_image, kind

EXAMPLE = '{"instances": [{"image": {"b64": "<the image file in base64>"}}]}'


def parse_request(document: dict[str, Any], limits: Limits) -> list[EncodedImage]:
    """Return the images of a request.

    Raises:
        RequestInvalid, RequestTooLarge: The request is not of this form.
    """
    instances = document.get("instances")
    if instances is None:
        raise RequestInvalid(f"The key 'instances' is missing; send {EXAMPLE}.")
    if not isinstance(instances, list):
        raise RequestInvalid(f"'instances' is {kind(instances)}; a list is needed: {EXAMPLE}.")
    check_batch(len(instances), limits, "'instances'")
    return [parse_instance(f"instances[{index}]", instance, limits) for index, instance in enumerate(instances)]


def parse_instance(place: str, instance: Any, limits: Limits) -> EncodedImage:
    """Return the image of one instance.

    Raises:
        RequestInvalid, RequestTooLarge: The instance is not of this form.
    """
    for key in ("image", "b64"):
        if not isinstance(instance, dict):
            raise RequestInvalid(f"{place} is {kind(instance)}; an object with the key {key!r} is needed: {EXAMPLE}.")
        unknown = next((name for name in instance if name != key), None)
        if unknown is not None or key not in instance:
            said = f"has the key {unknown[:40]!r}" if unknown is not None else "is empty"
            raise RequestInvalid(f"{place} {said}; exactly the key {key!r} is needed: {EXAMPLE}.")
        place, instance = f"{place}.{key}", instance[key]
    return encoded_image(place, instance, limits)


def answer(predictions: Sequence[Prediction], version: str) -> dict[str, Any]:
    """Return the response."""
    return {
        "predictions": [
            {
                "label": prediction.label,
                "probability": prediction.probability,
                "probabilities": prediction.probabilities,
                "modelVersion": version,
            }
            for prediction in predictions
        ]
    }
