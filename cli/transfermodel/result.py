"""What a run gives: measured, on disk, ready to answer."""

import html
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from transfermodel_operator.api.int8 import Precision

from transfermodel.errors import TransferModelError
from transfermodel.local.request import check_present
from transfermodel.local.serving import LocalServer, serve
from transfermodel.modalities import TEXT, Modality
from transfermodel.predictions.opening import opened
from transfermodel.predictions.types import Prediction
from transfermodel.workspace import LocalModel, LocalVersion

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image as PilImage
    from transfermodel_predictor.inference.classifier import Classifier

    OneSample = str | Path | bytes | PilImage | NDArray[Any]

AnySample = TypeVar("AnySample", bound="OneSample")


class Result:
    """One version of a TransferModel on this machine.

    Attributes:
        name: of the TransferModel.
        namespace: of the TransferModel.
        version: v1, v2, ….
        unchanged: nothing was trained: the version was there already.
        resumed: an interrupted run was continued.
    """

    def __init__(
        self, model: LocalModel, version: LocalVersion, *, unchanged: bool = False, resumed: bool = False
    ) -> None:
        """Take a version that was recorded; use `transfermodel.run` or `transfermodel.load`."""
        self._model, self._version = model, version
        self.name = model.name
        self.namespace = model.namespace
        self.version = version.name
        self.unchanged = unchanged
        self.resumed = resumed

    @property
    def metrics(self) -> dict[str, float]:
        """Return accuracy, accuracyLow and accuracyHigh (95 % interval), crossEntropy, calibrationError, …."""
        return {name: float(value) for name, value in self._version.result.metrics.items()}

    @property
    def accuracy(self) -> float:
        """Return the share of right answers, 0 to 1, on `split`."""
        return self.metrics["accuracy"]

    @property
    def split(self) -> str:
        """Return what the metrics were measured on: test, or validation (an estimate)."""
        return self._version.result.metrics_split

    @property
    def counts(self) -> dict[str, int]:
        """Return how many classes there are, and samples to train, to validate, to test, and skipped."""
        return self._version.result.counts.model_dump()

    @property
    def seconds(self) -> dict[str, float]:
        """Return what each phase of the training took, in seconds; `total` is all of it."""
        return dict(self._version.result.seconds)

    @property
    def strategy(self) -> str | None:
        """Return what the model was made by: with Auto, FeatureExtraction or FineTuning, the better on validation."""
        return self._version.result.strategy

    @property
    def warnings(self) -> list[str]:
        """Return what the trainer had to remark on, such as files that cannot be read."""
        return list(self._version.result.warnings)

    @property
    def artifact(self) -> Path:
        """Return the folder with model.onnx, model.safetensors, model.json, metrics.json, report.html and more."""
        return self._version.folder

    @property
    def digest(self) -> str:
        """Return sha256:… of the artifact's manifest."""
        return self._version.digest

    @property
    def report(self) -> Path:
        """Return the report, an HTML file that needs nothing else."""
        return self.artifact / "report.html"

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the classes' names, in the order of the model's outputs."""
        return self._classifier.labels

    @overload
    def predict(self, samples: "OneSample") -> Prediction: ...

    @overload
    def predict(self, samples: "list[AnySample] | tuple[AnySample, ...]") -> list[Prediction]: ...

    def predict(self, samples: Any) -> Prediction | list[Prediction]:
        """Answer for one image, text or recording, or for a list of them, with the code that serves.

        Args:
            samples: one, or a list or tuple of them.
                Of a model of images: a path, the bytes of an image file, a Pillow image, or a numpy array of uint8,
                (H, W, 3) or, grey, (H, W).
                Of texts: a string is the text itself; a file is a `pathlib.Path`, bytes are UTF-8.
                Of recordings: a path, or the bytes of an audio file.

        Raises:
            UsageError: a file is missing, or it is none of these.
            DataInvalid: a sample cannot be decoded.
        """
        if not isinstance(samples, list | tuple):
            return self.predict([samples])[0]
        modality, pipeline = self._version.modality, self._classifier.pipeline
        decoded = [opened(sample, position, modality, pipeline) for position, sample in enumerate(samples)]
        answers = self._classifier.predict_decoded(decoded)
        return [
            Prediction(
                label=answer.label,
                probability=answer.probability,
                probabilities=answer.probabilities,
                model_version=self.version,
                **asked_about(sample, modality),
            )
            for sample, answer in zip(samples, answers, strict=True)
        ]

    def serve(
        self, port: int | None = None, grpc_port: int | None = None, precision: Precision = "Float32"
    ) -> LocalServer:
        """Serve it on 127.0.0.1 until `stop()`, or the end of a `with` block.

        Args:
            port: default: 8080, or the next that is free.
            grpc_port: for the Open Inference Protocol over gRPC; default: it is not spoken.
            precision: Int8 where the model is as good in 8-bit integers, which is several times as fast.

        Raises:
            UsageError: a port is in use, the model is being served already, or not to be served in this precision.
        """
        return serve(self._version, self._model, port=port, grpc_port=grpc_port, precision=precision)

    @cached_property
    def _classifier(self) -> "Classifier":
        from transfermodel_predictor.artifact.errors import ArtifactError
        from transfermodel_predictor.inference.opening import fetch_classifier

        check_present(self.name, self._version)
        try:
            return fetch_classifier(self._version.uri, self.digest, os.cpu_count() or 1, {})
        except ArtifactError as error:
            raise TransferModelError(str(error)) from error

    def __repr__(self) -> str:
        """Say what it is and how good."""
        return f"<Result {self.name} {self.version}: accuracy {self.accuracy:.4f} on {self.split}>"

    def _repr_html_(self) -> str:
        """Return a table for notebooks; colours are the notebook's own, light or dark."""
        metrics, counts = self.metrics, self.counts
        estimate = "" if self.split == "test" else " (an estimate: there is no test set)"
        interval = ""
        if "accuracyLow" in metrics and "accuracyHigh" in metrics:
            interval = f" ({metrics['accuracyLow']:.4f} to {metrics['accuracyHigh']:.4f})"
        samples = f"{counts['train']} to train, {counts['validation']} to validate, {counts['test']} to test"
        rows = [
            ("accuracy", f"{self.accuracy:.4f}{interval} on {self.split}{estimate}"),
            ("classes", str(counts["classes"])),
            (self._version.modality.many, samples),
            ("artifact", shown(self.artifact)),
            *(("warning", warning) for warning in self.warnings),
        ]
        cells = "".join(
            f'<tr><th scope="row" style="text-align:left">{html.escape(name)}</th>'
            f'<td style="text-align:left;overflow-wrap:anywhere">{html.escape(value)}</td></tr>'
            for name, value in rows
        )
        caption = f"{html.escape(self.name)} {html.escape(self.version)}"
        return (
            f'<table style="max-width:46em"><caption style="text-align:left;font-weight:bold;caption-side:top">'
            f"{caption}</caption><tbody>{cells}</tbody></table>"
        )


def asked_about(sample: Any, modality: Modality) -> dict[str, str]:
    """Return how a prediction names what it is about."""
    if modality is TEXT and isinstance(sample, str):
        return {"text": sample}
    return {"file": str(sample)} if isinstance(sample, str | Path) else {}


def shown(path: Path) -> str:
    """Return a path for people: relative where it is below the working directory."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
