"""What computes: the processor, or the GPU that was asked for; and what is said where that cannot be used."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
from transfermodel_predictor.artifact.download import download_served
from transfermodel_predictor.artifact.errors import ArtifactMalformed
from transfermodel_predictor.configuration import Configuration, ConfigurationInvalid, read_configuration
from transfermodel_predictor.inference import devices, session
from transfermodel_predictor.inference.classifier import Classifier
from transfermodel_predictor.inference.devices import (
    CPU,
    CPU_PROVIDER,
    CUDA_PROVIDER,
    Device,
    choose_device,
    providers_of,
    without_gpu,
)
from transfermodel_predictor.inference.session import open_session
from transfermodel_predictor.loading import load_classifier

from tests.support.colours import colour_model, picture, write_artifact
from tests.support.predictor_process import MODEL, predictor

pytestmark = pytest.mark.unit
WITH_CUDA = ("TensorrtExecutionProvider", CUDA_PROVIDER, CPU_PROVIDER)
WITHOUT = ("AzureExecutionProvider", CPU_PROVIDER)
REAL = onnxruntime.InferenceSession
REQUIRED = {
    "TRANSFERMODEL_MODEL_NAME": MODEL,
    "TRANSFERMODEL_ARTIFACT_URI": "s3://bucket/artifact",
    "TRANSFERMODEL_ARTIFACT_DIGEST": "sha256:" + "0" * 64,
}


@pytest.mark.parametrize(
    ("gpu", "precision", "providers", "name", "wanted", "says"),
    [
        (False, "Float32", WITH_CUDA, "cpu", "cpu", None),
        (False, "Int8", WITHOUT, "cpu", "cpu", None),
        (True, "Float32", WITH_CUDA, "cuda", "cuda", None),
        (True, "Float32", WITHOUT, "cpu", "cuda", "this image's ONNX Runtime has no CUDA: serving on the CPU"),
        (True, "Int8", WITH_CUDA, "cpu", "cuda", "8-bit integers are computed by the processor: serving on the CPU"),
    ],
)
def test_the_choice(
    gpu: bool, precision: str, providers: tuple[str, ...], name: str, wanted: str, says: str | None
) -> None:
    device = choose_device(gpu, precision, providers)
    assert (device.name, device.wanted) == (name, wanted)
    if says is None:
        assert device.warning is None
    else:
        assert device.warning is not None
        assert device.warning.startswith("A GPU was asked for, but ")
        assert says in device.warning


def test_the_processor_computes_what_the_gpu_cannot() -> None:
    cuda, processor = providers_of(Device("cuda"))
    assert isinstance(cuda, tuple)
    name, options = cuda
    assert (name, processor) == (CUDA_PROVIDER, CPU_PROVIDER)
    assert options["use_tf32"] == "0", "or it would not answer as it was measured"
    assert providers_of(CPU) == providers_of(without_gpu("it hides")) == [CPU_PROVIDER]


@pytest.mark.parametrize(
    ("environment", "gpu"),
    [
        ({}, False),
        ({"NVIDIA_VISIBLE_DEVICES": "void"}, False),
        ({"NVIDIA_VISIBLE_DEVICES": "none"}, False),
        ({"NVIDIA_VISIBLE_DEVICES": "GPU-1f2e"}, True),
        ({"TRANSFERMODEL_DEVICE": "cuda"}, True),
        ({"TRANSFERMODEL_DEVICE": "cpu", "NVIDIA_VISIBLE_DEVICES": "all"}, False),
    ],
)
def test_who_asks_for_a_gpu(environment: dict[str, str], gpu: bool) -> None:
    assert read_configuration(REQUIRED | environment).gpu is gpu


def test_another_device_is_refused() -> None:
    with pytest.raises(ConfigurationInvalid, match="TRANSFERMODEL_DEVICE is 'gpu'; auto or cpu or cuda is needed"):
        read_configuration(REQUIRED | {"TRANSFERMODEL_DEVICE": "gpu"})


class OnCuda:
    """ONNX Runtime's session where there is a GPU, as far as that can be told without one: the processor computes."""

    def __init__(self, source: Any, options: Any, providers: list[Any], **others: int) -> None:
        self._real = REAL(source, options, providers=[CPU_PROVIDER])
        self._providers = [provider if isinstance(provider, str) else provider[0] for provider in providers]
        if CUDA_PROVIDER in self._providers:
            assert others == {"enable_fallback": 0}, "its own fallback prints"

    def get_providers(self) -> list[str]:
        return self._providers

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class OutOfMemory(OnCuda):
    """The GPU has no memory left when it is asked."""

    def run(self, names: Any, feeds: Any) -> Any:
        if CUDA_PROVIDER in self._providers:
            raise RuntimeError("CUDA failure 2: out of memory")
        return self._real.run(names, feeds)


class NoDevice(OnCuda):
    """The driver is there, the GPU is not."""

    def __init__(self, source: Any, options: Any, providers: list[Any], **others: int) -> None:
        super().__init__(source, options, providers, **others)
        if CUDA_PROVIDER in self._providers:
            raise RuntimeError(
                "/src/cuda_call.cc:154 bool onnxruntime::CudaCall(ERRTYPE, const char*) "
                "CUDA failure 100: no CUDA-capable device is detected ; GPU=-1 ; hostname=node-1 ; expr=…;"
            )


class Silent(OnCuda):
    """ONNX Runtime cannot load its part for CUDA, and leaves it out."""

    def get_providers(self) -> list[str]:
        return [CPU_PROVIDER]


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Callable[[type[OnCuda]], None]:
    """Have an ONNX Runtime with CUDA, and a driver."""

    def have(sessions: type[OnCuda]) -> None:
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: list(WITH_CUDA))
        monkeypatch.setattr(onnxruntime, "InferenceSession", sessions)
        monkeypatch.setattr(session, "load_cuda", lambda: None)

    return have


def loaded(folder: Path) -> Classifier:
    """Load an artifact for a predictor that asks for a GPU."""
    configuration = Configuration(
        model_name=MODEL, artifact_uri=folder.as_uri(), artifact_digest=write_artifact(folder), version="v1", gpu=True
    )
    return load_classifier(configuration, download_served(configuration.artifact_uri, "Float32", {}))


def test_a_gpu_is_used(cuda: Callable[[type[OnCuda]], None], tmp_path: Path) -> None:
    cuda(OnCuda)
    classifier = loaded(tmp_path)
    assert classifier.device == Device("cuda")
    assert classifier.predict([picture()])[0].label == "red"


@pytest.mark.parametrize(
    ("sessions", "says"),
    [
        (NoDevice, "(CUDA failure 100: no CUDA-capable device is detected)"),
        (OutOfMemory, "(CUDA failure 2: out of memory)"),
        (Silent, "(ONNX Runtime cannot load its part for CUDA; it says why above)"),
    ],
)
def test_one_that_cannot_be_used_is_no_reason_not_to_serve(
    cuda: Callable[[type[OnCuda]], None],
    sessions: type[OnCuda],
    says: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cuda(sessions)
    classifier = loaded(tmp_path)
    assert (classifier.device.name, classifier.device.wanted) == ("cpu", "cuda")
    assert classifier.predict([picture()])[0].label == "red"
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warning == classifier.device.warning
    assert says in warning


def test_a_graph_that_fails_anywhere_is_the_graphs_fault(cuda: Callable[[type[OnCuda]], None], tmp_path: Path) -> None:
    cuda(OnCuda)
    with pytest.raises(ArtifactMalformed, match=r"model\.onnx cannot be loaded"):
        open_session(b"no graph", 1, ("images",), device=Device("cuda"))


def test_without_a_driver_cuda_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    def must_not() -> None:
        raise AssertionError("it would only print what is missing")

    monkeypatch.setattr(onnxruntime, "preload_dlls", must_not)
    monkeypatch.setattr(devices, "DRIVER", "libno-such-driver.so.1")
    opened = open_session(colour_model(), 1, ("images",), device=Device("cuda"))
    assert opened.device.warning is not None
    assert "the container has no libno-such-driver.so.1: no NVIDIA driver reaches it" in opened.device.warning


def test_what_is_printed_of_libraries_goes_to_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: print("Failed to load libcublas.so.13"))
    monkeypatch.setattr(devices, "DRIVER", "libc.so.6")
    assert devices.load_cuda() is None
    assert capsys.readouterr() == ("", "Failed to load libcublas.so.13\n")
    assert sys.stdout is not sys.stderr


def test_metadata_metrics_and_log_say_that_the_gpu_is_not_used(tmp_path: Path) -> None:
    """For real: no machine that runs this test installs ONNX Runtime with CUDA."""
    digest = write_artifact(tmp_path / "artifact")
    asked = {"TRANSFERMODEL_DEVICE": "cuda"}
    with predictor((tmp_path / "artifact").as_uri(), digest, tmp_path, asked) as process:
        process.wait_ready()
        warning = (
            "A GPU was asked for, but this image's ONNX Runtime has no CUDA: serving on the CPU. Use the image "
            "predictor-gpu, or ask for no GPU."
        )
        for path in (f"/v1/models/{MODEL}", f"/v2/models/{MODEL}"):
            parameters = process.client.get(path).json()["parameters"]
            assert (parameters["device"], parameters["deviceWarning"]) == ("cpu", warning)
        assert 'transfermodel_device_info{device="cpu",wanted="cuda"} 1.0' in process.client.get("/metrics").text
        log = process.log.read_text()
        assert warning in log
        assert "MB of Float32, on cpu, " in log
