"""Any kind of image, text or recording that Python has, as a model's pipeline takes it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from transfermodel.errors import DataInvalid, UsageError
from transfermodel.modalities import IMAGE, TEXT, Modality

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage
    from transfermodel_predictor.inference.pipelines import Pipeline

KINDS = {
    "image": "a path, the bytes of an image file, a Pillow image or a numpy array",
    "text": "a string, its bytes in UTF-8, or the pathlib.Path of a file",
    "audio": "a path or the bytes of an audio file",
}


def opened(sample: Any, position: int, modality: Modality, pipeline: "Pipeline") -> Any:
    """Return a sample as the pipeline decodes it.

    Args:
        sample: of any kind.
        position: in the list that was given, for messages.
        modality: what it should be.
        pipeline: of the model.

    Raises:
        UsageError: a file is missing, or the sample is of another kind.
        DataInvalid: it cannot be decoded.
    """
    from transfermodel_predictor.inference.errors import UnreadableSample

    if modality is IMAGE and (image := as_image(sample, position)) is not None:
        return image
    name = f"{modality.one.capitalize()} {position}"
    if modality is TEXT and isinstance(sample, str):
        content = sample.encode("utf-8", "surrogateescape")
    elif isinstance(sample, str | Path):
        name, content = str(sample), file_content(Path(sample))
    elif isinstance(sample, bytes):
        content = sample
    else:
        raise UsageError(f"{name} is a {type(sample).__name__}.", f"Pass {KINDS[modality.key]}.")
    try:
        return pipeline.decode(content)
    except UnreadableSample as error:
        raise DataInvalid(f"{name}: {error}") from error


def as_image(sample: Any, position: int) -> "PilImage | None":
    """Return a Pillow image or an array of pixels as an image in mode RGB; None: it is neither. Raises UsageError."""
    import numpy as np
    from PIL import Image
    from transfermodel_predictor.inference.decode import to_rgb

    if isinstance(sample, Image.Image):
        return to_rgb(sample)
    if not isinstance(sample, np.ndarray):
        return None
    if sample.dtype != np.uint8 or not (sample.ndim == 2 or (sample.ndim == 3 and sample.shape[2] == 3)):
        raise UsageError(
            f"Image {position} is an array of {sample.dtype} with the shape {sample.shape}.",
            "Pass uint8 with the shape (height, width, 3), or (height, width) for grey.",
        )
    return Image.fromarray(sample).convert("RGB")


def file_content(path: Path) -> bytes:
    """Return a file's bytes. Raises UsageError."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UsageError(
            f"There is no file {path}.", "Check the path; it is relative to the working directory."
        ) from error
    except IsADirectoryError as error:
        raise UsageError(f"{path} is a folder.", f"Pass its files: sorted(Path({str(path)!r}).glob('*')).") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
