"""How the model was made, and how to make it again."""

from dataclasses import dataclass

from transfermodel_predictor.artifact.description import (
    AudioPreprocessing,
    ModelDescription,
    Preprocessing,
    TextPreprocessing,
)

from transfermodel_trainer.publishing.record import RunRecord
from transfermodel_trainer.publishing.report.settings import document, to_yaml, without_password

ROLES = {"train": "training", "validation": "validation", "test": "test"}


@dataclass(frozen=True)
class Making:
    """The section's content."""

    file: str
    yaml: str
    local: bool
    """Whether the data lies on the machine that trained: no cluster reaches it."""
    facts: dict[str, str]
    digests: dict[str, str]
    libraries: tuple[tuple[str, str], ...]
    base: str


def view(record: RunRecord) -> Making:
    """Return the settings, versions and digests."""
    request = record.request
    base = request.backbone.base
    return Making(
        file=f"{request.name}.yaml",
        yaml=to_yaml(document(request)),
        local=request.data.train.uri.startswith("file://"),
        facts=provenance(record.description) | record.facts | {"device": record.device},
        digests={
            f"content of the {ROLES[role]} {record.words.many}": digest
            for role, digest in record.content_digests().items()
        }
        | ({"weights": record.description.backbone.source.digest} if record.description.backbone.source.digest else {}),
        libraries=tuple(sorted(record.description.libraries.items())),
        base=f"{base.transfer_model} {base.version}" if base else "",
    )


def provenance(description: ModelDescription) -> dict[str, str]:
    """Return where the model came from, as facts for people."""
    return {
        "run": description.run,
        "backbone": description.backbone.name,
        "weights": without_password(description.backbone.source.reference or "random"),
        "strategy": description.backbone.strategy,
        "input": input_of(description.preprocessing),
    }


def input_of(preprocessing: Preprocessing) -> str:
    """Return what is done to a sample, for people."""
    if isinstance(preprocessing, TextPreprocessing):
        return f"at most {preprocessing.max_tokens} tokens"
    if isinstance(preprocessing, AudioPreprocessing):
        return (
            f"the middle {preprocessing.clip_seconds:g} s at {preprocessing.sample_rate} Hz, log-mel spectrogram of "
            f"{preprocessing.size} x {preprocessing.size}, mean {preprocessing.mean:g}, deviation "
            f"{preprocessing.std:g}"
        )
    return (
        f"{preprocessing.size} x {preprocessing.size} pixels, {preprocessing.resize}, "
        f"{preprocessing.interpolation}, mean {list(preprocessing.mean)}, deviation {list(preprocessing.std)}"
    )
