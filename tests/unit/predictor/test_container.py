"""What the container tells the process: its environment and its share of the CPUs."""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import transfermodel_predictor
from numpy.typing import NDArray
from transfermodel_predictor.configuration import ConfigurationInvalid, read_configuration
from transfermodel_predictor.cpus import MOST, batch_scheduled, cpu_limit, thread_count
from transfermodel_predictor.inference.opening import fetch_classifier

from tests.support.colours import write_artifact
from tests.support.predictor_process import PredictorProcess
from tests.support.predictor_sounds import write_sound_artifact
from tests.support.predictor_texts import write_text_artifact

pytestmark = pytest.mark.unit
REPOSITORY = Path(__file__).parents[3]
ENVIRONMENT = {
    "TRANSFERMODEL_MODEL_NAME": "digits",
    "TRANSFERMODEL_ARTIFACT_URI": "s3://models/a/",
    "TRANSFERMODEL_ARTIFACT_DIGEST": "sha256:" + "0" * 64,
    "TRANSFERMODEL_VERSION": "v2",
}


def test_the_environment_is_read() -> None:
    configuration = read_configuration(ENVIRONMENT | {"PORT": "9000", "TRANSFERMODEL_MAX_BATCH": "3"})
    assert configuration.artifact_uri == "s3://models/a"
    assert (configuration.port, configuration.version, configuration.limits.batch) == (9000, "v2", 3)
    assert configuration.threads is None


def test_secrets_are_not_shown() -> None:
    assert "hidden" not in repr(read_configuration(ENVIRONMENT | {"AWS_SECRET_ACCESS_KEY": "hidden"}))


@pytest.mark.parametrize("name", ["MODEL_NAME", "ARTIFACT_URI", "ARTIFACT_DIGEST"])
def test_a_missing_variable_is_named(name: str) -> None:
    variable = f"TRANSFERMODEL_{name}"
    with pytest.raises(ConfigurationInvalid, match=variable):
        read_configuration({key: value for key, value in ENVIRONMENT.items() if key != variable})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TRANSFERMODEL_ARTIFACT_DIGEST", "sha256:1"),
        ("TRANSFERMODEL_MAX_BODY_BYTES", "20MB"),
        ("TRANSFERMODEL_THREADS", "0"),
        ("PORT", "-1"),
    ],
)
def test_a_variable_that_makes_no_sense_is_named(variable: str, value: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=variable):
        read_configuration(ENVIRONMENT | {variable: value})


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "50000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 0.5),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({}, None),
    ],
)
def test_the_limit_of_both_versions_of_cgroups(tmp_path: Path, files: dict[str, str], limit: float | None) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    assert cpu_limit(tmp_path) == limit


def test_threads_follow_the_limit_up_to_the_cpus(tmp_path: Path) -> None:
    available = len(os.sched_getaffinity(0))
    (tmp_path / "cpu.max").write_text("10000 100000\n")
    assert thread_count(tmp_path) == 1
    (tmp_path / "cpu.max").write_text("100000000 100000\n")
    assert thread_count(tmp_path) == available


def test_threads_where_there_are_neither_cgroups_nor_affinity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")  # as on macOS
    assert thread_count(tmp_path) == min(os.cpu_count() or 1, MOST)


def test_the_server_imports_nothing_that_it_does_not_need_to_start() -> None:
    program = """
import sys
import transfermodel_predictor.server
heavy = {
    "cloudevents", "fastapi", "grpc", "httpx", "kserve", "kubernetes", "opentelemetry", "pandas", "prometheus_client",
    "pydantic", "requests", "soundfile", "tokenizers", "torch",
} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize("package", ["transfermodel_predictor.inference.opening", "transfermodel_trainer.main"])
def test_nobody_is_told_of_a_model(tmp_path: Path, package: str) -> None:
    """ONNX Runtime would begin by giving the machine a name, in a file, and gather beside it what it is to send."""
    program = f"""
import sys
from pathlib import Path
import {package}
from transfermodel_predictor.inference.opening import fetch_classifier
folder, digest = sys.argv[1:]
fetch_classifier(Path(folder).as_uri(), digest, 1, {{}}).warm_up()
"""
    digest = write_artifact(tmp_path / "artifact")
    home = tmp_path / "home"
    home.mkdir()
    # A CI's variable would silence it as well.
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")}
    arguments = [sys.executable, "-c", program, str(tmp_path / "artifact"), digest]
    subprocess.run(arguments, env={**kept, "HOME": str(home)}, check=True, timeout=120)
    assert [str(path) for path in home.rglob("*")] == []


def test_the_version_is_that_of_the_distribution() -> None:
    assert transfermodel_predictor.__version__ == metadata.version("transfermodel")


def test_a_model_imports_the_libraries_of_its_own_modality_alone(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from transfermodel_predictor.inference.opening import fetch_classifier
folder, digest, wanted = sys.argv[1:]
fetch_classifier(Path(folder).as_uri(), digest, 1, {}).warm_up()
assert {"tokenizers", "soundfile"} & set(sys.modules) == {wanted} - {""}, sorted(sys.modules)
"""
    for name, write, wanted in (
        ("images", write_artifact, ""),
        ("texts", write_text_artifact, "tokenizers"),
        ("sounds", write_sound_artifact, "soundfile"),
    ):
        folder = tmp_path / name
        subprocess.run([sys.executable, "-c", program, folder, write(folder), wanted], check=True, timeout=60)


def test_texts_are_read_without_the_hub_that_tokenizers_asks_for(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
sys.modules["huggingface_hub"] = None  # as in the image, whose lock leaves it out
from transfermodel_predictor.inference.opening import fetch_classifier
folder, digest = sys.argv[1:]
assert fetch_classifier(Path(folder).as_uri(), digest, 1, {}).predict([b"lovely"])[0].label == "good"
"""
    digest = write_text_artifact(tmp_path / "texts")
    subprocess.run([sys.executable, "-c", program, tmp_path / "texts", digest], check=True, timeout=60)


def test_the_image_has_no_library_that_no_program_of_it_needs() -> None:
    lock = (REPOSITORY / "requirements" / "predictor.txt").read_text()
    locked = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    assert {"onnxruntime", "tokenizers", "uvicorn"} <= locked
    assert not {"huggingface-hub", "kserve", "pandas", "pydantic", "torch"} & locked


def test_the_image_for_gpus_holds_the_same_in_the_same_versions_and_what_cuda_needs() -> None:
    """Or a model would be answered for otherwise there; and of two packages with one module the last one would win."""
    ours, with_cuda, trainer = (locked_versions(name) for name in ("predictor", "predictor-gpu", "trainer"))
    assert with_cuda.pop("onnxruntime-gpu") == ours.pop("onnxruntime")
    libraries = {name for name in with_cuda if name.startswith("nvidia-")}
    assert {name: version for name, version in with_cuda.items() if name not in libraries} == ours
    assert {"nvidia-cublas", "nvidia-cudnn-cu13", "nvidia-cuda-runtime", "nvidia-curand"} <= libraries
    # One CUDA for a node's driver to know. The trainer has no use for random numbers of that library.
    assert {name: with_cuda[name] for name in libraries - {"nvidia-curand"}} == {
        name: trainer[name] for name in libraries - {"nvidia-curand"}
    }
    without = (REPOSITORY / "requirements" / "predictor-gpu-without.txt").read_text().splitlines()
    assert {"huggingface-hub", "onnxruntime"} <= set(without), "when it is installed, too"


def locked_versions(image: str) -> dict[str, str]:
    """Return the versions that an image's lock has for the Python of the image, by name."""
    lock = (REPOSITORY / "requirements" / f"{image}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)(?= )(?! ; python_full_version >= '3.12')", lock, re.MULTILINE))


@pytest.mark.parametrize("write", [write_artifact, write_text_artifact, write_sound_artifact])
def test_warming_up_puts_one_sample_through_the_network(tmp_path: Path, write: Callable[[Path], str]) -> None:
    classifier = fetch_classifier(tmp_path.as_uri(), write(tmp_path), 1, {})
    network = classifier.session
    sizes: list[set[int]] = []

    class Counted:
        def logits(self, feeds: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
            sizes.append({len(rows) for rows in feeds.values()})
            return network.logits(feeds)

    classifier.session = Counted()  # type: ignore[assignment] # the real one, looked at
    classifier.warm_up()
    assert sizes == [{1}]


def test_threads_wait_their_turn_and_those_that_they_start_too() -> None:
    seen: list[int] = []
    with batch_scheduled():
        seen.append(os.sched_getscheduler(0))
        thread = Thread(target=lambda: seen.append(os.sched_getscheduler(0)))
        thread.start()
        thread.join()
    assert seen == [os.SCHED_BATCH, os.SCHED_BATCH]
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def refuse(*_: object) -> None:
    raise PermissionError("not in this sandbox")


def test_without_policies_all_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as changed:
        changed.setattr(os, "sched_setscheduler", refuse)
        with batch_scheduled():
            assert os.sched_getscheduler(0) == os.SCHED_OTHER
    monkeypatch.delattr(os, "sched_getscheduler")
    with batch_scheduled():
        pass


def test_a_policy_that_somebody_chose_stays() -> None:
    seen: list[int] = []

    def run() -> None:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        with batch_scheduled():
            seen.append(os.sched_getscheduler(0))
        seen.append(os.sched_getscheduler(0))

    thread = Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [os.SCHED_IDLE, os.SCHED_IDLE]


def test_what_computes_leaves_the_processors_to_what_answers(served: tuple[PredictorProcess, str]) -> None:
    process = served[0].process.pid
    threads = [int(name) for name in os.listdir(f"/proc/{process}/task")]
    policies = Counter(os.sched_getscheduler(thread) for thread in threads)
    assert os.sched_getscheduler(process) == os.SCHED_OTHER, "the event loop"
    # A worker for each processor, and the threads with which ONNX Runtime helps one that calls it.
    assert policies[os.SCHED_BATCH] == thread_count() + thread_count() - 1
