"""The libraries that backbones come from. Another one is an entry here, and a module like its neighbours.

Each is imported only where a run asks for it: that takes seconds.
"""

from collections.abc import Callable, Mapping
from typing import Final

from transfermodel_operator.api import Reason
from transfermodel_operator.api.spec import Task
from transfermodel_predictor.artifact.description import MODALITIES

from transfermodel_trainer.backbones.trunk import Library, Trunk
from transfermodel_trainer.errors import RunError


def _torchvision() -> Library:
    from transfermodel_trainer.backbones.torchvision_library import Torchvision

    return Torchvision()


def _timm() -> Library:
    from transfermodel_trainer.backbones.timm_library import Timm

    return Timm()


def _encoders(library: str) -> Library:
    from transfermodel_trainer.backbones.encoders import Encoders

    return Encoders(library)


LIBRARIES: Final[Mapping[str, Callable[[], Library]]] = {
    "torchvision": _torchvision,
    "timm": _timm,
    "sentence-transformers": lambda: _encoders("sentence-transformers"),
    "transformers": lambda: _encoders("transformers"),
}

TAKES: Final[Mapping[str, str]] = {"Image": "Image", "Text": "Text", "Audio": "Image"}
"""By a task's modality: of what the backbone is. A spectrogram is shown to it as an image."""


def find(backbone: str) -> tuple[Library, str]:
    """Return the library of <library>/<architecture>, and the architecture.

    Raises:
        RunError: UnknownBackbone, with what there is instead.
    """
    name, _, architecture = backbone.partition("/")
    if name not in LIBRARIES:
        raise RunError(
            Reason.UNKNOWN_BACKBONE,
            f"spec.backbone.name {backbone} is of no library that is known: use <library>/<architecture> with one of "
            f"{', '.join(LIBRARIES)}.",
        )
    library = LIBRARIES[name]()
    return library, library.architecture(architecture)


def check_task(library: Library, backbone: str, task: Task) -> None:
    """Raise InvalidSpec unless a library's architectures take what the task is about."""
    wanted = TAKES[MODALITIES[task]]
    if library.modality == wanted:
        return
    fitting = {"Image": "torchvision/ and timm/", "Text": "sentence-transformers/ and transformers/"}[wanted]
    raise RunError(
        Reason.INVALID_SPEC,
        f"spec.backbone.name {backbone} does not fit {task}: use a backbone of {fitting}.",
    )


def build(backbone: str, size: int, files: Mapping[str, bytes] | None = None) -> Trunk:
    """Return a backbone's trunk with random weights.

    Args:
        backbone: <library>/<architecture>.
        size: height and width of an input in pixels; of texts the most tokens.
        files: of an encoder's folder, for text.

    Raises:
        RunError: UnknownBackbone or InvalidSpec.
    """
    library, architecture = find(backbone)
    return library.build(architecture, size, files or {})
