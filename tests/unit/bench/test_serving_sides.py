"""Both sides as real processes: the same network, the same answers; and what is read of a process and of packages."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.serving import agreement, baseline_image, image_size, material, photographs, servers, traffic
from tests.bench.serving.agreement import disagreement
from tests.bench.serving.bench import Bench, Effort, NotHere
from tests.bench.serving.material import Material
from tests.bench.serving.memory import memory
from tests.support.predictor_process import free_port

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Material:
    return material.prepare("resnet18", tmp_path_factory.mktemp("network") / "resnet18")


@pytest.fixture
def bench(tmp_path: Path, network: Material) -> Bench:
    found = Bench(
        tmp_path, tmp_path / "no-data", Effort(seconds=4.0, warm_up_seconds=0.2), ("resnet18",), lambda _: None
    )
    found._materials["resnet18"] = network
    return found


def test_both_sides_give_the_same_answers_and_figures(bench: Bench, network: Material) -> None:
    sides = [servers.ours(network.artifact), servers.of_kserve(network)]
    bodies = bench.bodies(photographs.USUAL)
    answers = {}
    for side in sides:
        with side.start(bench.scratch(side.name)) as server:
            assert server.first_answer(Path(bodies[0]).read_bytes()) > 0
            answers[side.name] = server.answer(Path(bodies[0]).read_bytes())[1]
            figures = traffic.visit(bench, server, bodies, (1, 32))
        assert figures["failed"] == 0
        assert figures["requestsPerSecond1"] > 0
        assert figures["requestsPerSecond32"] > 0
        assert figures["p99Milliseconds32"] >= figures["p50Milliseconds32"] > 0
        assert figures["healthP99Milliseconds"] > 0
        assert figures["residentMegabytes"] >= figures["proportionalMegabytes"] > 20
    assert len(json.loads(answers["ours"])["predictions"][0]["probabilities"]) == 10
    assert len(json.loads(answers["b0"])["predictions"]) == 5
    assert disagreement(answers) < agreement.TOLERANCE


def test_int8_serves_the_other_graph(bench: Bench, network: Material) -> None:
    float32, int8 = servers.ours(network.artifact), servers.ours_in_int8(network)
    body = Path(bench.bodies(photographs.USUAL)[0]).read_bytes()
    traffic.check_int8(bench, float32, int8, body)
    with pytest.raises(RuntimeError, match=r"With Int8 the predictor answers exactly as with Float32"):
        traffic.check_int8(bench, float32, float32, body)


def test_another_network_is_noticed(bench: Bench, network: Material, tmp_path: Path) -> None:
    other = material.no_operation(tmp_path)
    body = Path(bench.bodies(photographs.USUAL)[0]).read_bytes()
    with pytest.raises(RuntimeError, match="ours and b0 do not compute the same: their logits differ by"):
        traffic.agree(bench, [servers.ours(other), servers.of_kserve(network)], body)


def test_a_server_that_ends_says_why(tmp_path: Path) -> None:
    script = "print('no such weights'); raise SystemExit(3)"
    with (
        servers.started([sys.executable, "-c", script], 1, tmp_path / "log") as server,
        pytest.raises(RuntimeError, match=r"ended with 3: no such weights"),
    ):
        server.first_answer(b"{}")


def test_a_server_that_does_not_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "DEADLINE_SECONDS", 0.2)
    program = [sys.executable, "-c", "import time; time.sleep(60)"]
    with (
        servers.started(program, free_port(), tmp_path / "log") as server,
        pytest.raises(RuntimeError, match=r"did not answer in 0 s"),
    ):
        server.first_answer(b"{}")
    assert server.process.returncode is not None


def test_logits_are_told_by_probabilities() -> None:
    logits = [2.0, 0.5, -1.0]
    total = sum(map(math.exp, logits))
    shares = {str(index): math.exp(value) / total for index, value in enumerate(logits)}
    ours = json.dumps({"predictions": [{"label": "0", "probabilities": shares}]}).encode()
    theirs = json.dumps({"predictions": [0.5, 2.0]}).encode()
    assert disagreement({"ours": ours, "b0": theirs}) == pytest.approx(0, abs=1e-9)
    changed = json.dumps({"predictions": [0.5, 2.0 + 2 * agreement.TOLERANCE]}).encode()
    with pytest.raises(RuntimeError, match=r"differ by 0\.1, and at most 0\.05 is allowed"):
        disagreement({"ours": ours, "b0": changed})


def test_memory_is_that_of_a_process_and_all_below_it() -> None:
    script = "import sys; held = b'x' * 60_000_000; print('up', flush=True); sys.stdin.read()"
    parent = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdin=subprocess.PIPE); "
        "sys.stdin.read(); child.communicate()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = memory(process.pid)
        process.communicate()
    assert 65 < found.proportional < found.resident < 130
    with pytest.raises(OSError, match="No such file"):
        memory(process.pid)


def test_the_closure_holds_what_is_required_and_nothing_else() -> None:
    found = image_size.closure(("kserve", "torch"))
    assert {"kserve", "torch", "pandas", "uvicorn", "httptools", "sympy"} <= found.keys()  # httptools: by an extra
    assert not {"transformers", "optuna", "vllm", "ray"} & found.keys()
    with pytest.raises(NotHere, match="no-such-package, which the baseline needs, is not installed"):
        image_size.closure(("no-such-package",))


def test_packing_tells_text_from_noise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise, text = tmp_path / "noise", tmp_path / "text"
    noise.write_bytes(os.urandom(3_000_000))
    text.write_bytes(b"all work and no play " * 150_000)
    assert image_size.packed(noise) == pytest.approx(3_000_000, rel=0.01)
    assert image_size.packed(text) < 50_000
    monkeypatch.setattr(image_size, "WHOLE", 1_000_000)  # judged by a sample now
    assert image_size.packed(noise) == pytest.approx(3_000_000, rel=0.01)


def test_an_installed_package_is_packed_without_its_bytecode() -> None:
    found = image_size.packed_files(image_size.closure(("kserve",))["kserve"])
    assert any(name.endswith("model_server.py") for name in found)
    assert not any(name.endswith(".pyc") for name in found)
    assert all(size >= 0 for size in found.values())


def test_the_baselines_image_is_made_from_its_own_file_and_locked_versions(tmp_path: Path) -> None:
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"weights")
    first, second = tmp_path / "a", tmp_path / "b"
    for context in (first, second):
        context.mkdir()
        baseline_image.fill(context, {"resnet18": weights})
    assert (first / "weights/resnet18.pth").read_bytes() == b"weights"
    lines = (first / "requirements.txt").read_text().splitlines()
    assert any(line.startswith("kserve==") for line in lines)
    assert not any(line.startswith("torch==") for line in lines)
    assert baseline_image.tag(first, "trainer:1") == baseline_image.tag(second, "trainer:1")
    assert baseline_image.tag(first, "trainer:1") != baseline_image.tag(first, "trainer:2")
    (second / "baseline.py").write_text("other")
    assert baseline_image.tag(first, "trainer:1") != baseline_image.tag(second, "trainer:1")


def test_photographs_are_different_and_of_their_size(tmp_path: Path) -> None:
    from io import BytesIO

    from PIL import Image

    found = photographs.photographs(photographs.USUAL, tmp_path)
    assert len(set(found.files)) == len(found.files) == 12
    with Image.open(BytesIO(found.files[0])) as image:
        assert (image.size, image.format, image.mode) == ((640, 480), "JPEG", "RGB")
    assert 40 < found.kilobytes < 120  # as those of cameras
    with pytest.raises(photographs.PhotographsMissing, match=r"there is no images/horse-ship-truck/test in the folder"):
        photographs.photographs(photographs.REAL, tmp_path)
