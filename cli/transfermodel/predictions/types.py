"""Where to ask, and what is answered."""

from dataclasses import dataclass
from typing import Any

from transfermodel.modalities import IMAGE, Modality


@dataclass(frozen=True)
class Endpoint:
    """One served TransferModel."""

    url: str
    """Where the requests go, such as http://127.0.0.1:8080 or an ingress; no trailing slash."""
    host: str | None
    """The Host header, where the ingress tells models apart by it and the name does not resolve here."""
    model: str
    """Name of the model, as in /v1/models/<model>:predict."""
    modality: Modality = IMAGE
    """What it answers about."""

    @property
    def predict_url(self) -> str:
        """Return the URL of the V1 protocol."""
        return f"{self.url}/v1/models/{self.model}:predict"


@dataclass(frozen=True)
class Prediction:
    """One answer."""

    label: str
    probability: float
    """Of the label, 0 to 1."""
    probabilities: dict[str, float]
    """Of every label, 0 to 1."""
    model_version: str
    file: str | None = None
    """What was asked about, as given."""
    text: str | None = None
    """The same, where it was no file but the text itself."""

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form; camelCase, as the served protocol has it."""
        wire: dict[str, Any] = {
            "label": self.label,
            "probability": self.probability,
            "probabilities": self.probabilities,
            "modelVersion": self.model_version,
        }
        asked = {key: value for key, value in (("file", self.file), ("text", self.text)) if value is not None}
        return asked | wire
