"""schemathesis asks the real process what its OpenAPI document promises; and it does find what is broken."""

import base64
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.colours import picture, write_artifact
from tests.support.predictor_process import predictor
from tests.support.predictor_sounds import encode, tone, write_sound_artifact
from tests.support.predictor_texts import write_text_artifact

pytestmark = pytest.mark.unit
ROOT = Path(__file__).parents[3]
ONCE = ["--include-method", "POST", "--exclude-path-regex", "versions"]
MODELS: dict[str, tuple[Callable[[Path], str], bytes, list[str]]] = {
    "images": (write_artifact, picture(), []),
    # What does not depend on the modality is asked once.
    "texts": (write_text_artifact, b"", ONCE),
    "recordings": (write_sound_artifact, encode(tone(seconds=0.05)), ONCE),
}
"""How an artifact is written, a file that its model reads, and what more is said to schemathesis."""
LIMITS = {
    # Small ones, so that schemathesis need not write megabytes to go above them.
    "TRANSFERMODEL_MAX_BATCH": "8",
    "TRANSFERMODEL_MAX_SAMPLE_BYTES": "3000",
    "TRANSFERMODEL_MAX_TEXT_CHARACTERS": "200",
}
SETTINGS = """
[checks]
negative_data_rejection.expected-statuses = [400, 404, 405, 408, 413, 415]
"""
EXAMPLES = 5
SEED = 7
SHOWN = 6000
"""Characters of what schemathesis says: a request that it shows may have megabytes."""


def schemathesis(url: str, folder: Path, sample: bytes, *arguments: str) -> subprocess.CompletedProcess[str]:
    settings = folder / "schemathesis.toml"
    settings.write_text(SETTINGS)
    command = ["--config-file", str(settings), "run", f"{url.rstrip('/')}/openapi.json", "--checks", "all"]
    # No schema says which bytes are an image, or that a parameter must not come twice.
    command += ["--exclude-checks", "positive_data_acceptance"]
    command += ["--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES), "--seed", str(SEED)]
    command += ["--max-response-time", "10", "--no-color", "--suppress-health-check", "all"]
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": "tests.support.schemathesis_hooks",
        "SAMPLE_FILE": base64.b64encode(sample).decode(),
        "PYTHONPATH": str(ROOT),
        "NO_PROXY": "127.0.0.1",
    }
    program = [sys.executable, "-m", "schemathesis.cli", *command, *arguments]
    return subprocess.run(program, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("name", MODELS)
def test_all_that_it_promises(name: str, tmp_path: Path) -> None:
    write, sample, arguments = MODELS[name]
    digest = write(tmp_path / "artifact")
    with predictor((tmp_path / "artifact").as_uri(), digest, tmp_path, LIMITS) as process:
        process.wait_ready()
        ended = schemathesis(str(process.client.base_url), tmp_path, sample, *arguments)
        assert ended.returncode == 0, ended.stdout[-SHOWN:]
        cases = re.search(r"(\d+) generated, (\d+) passed", ended.stdout)
        assert cases is not None, ended.stdout[-SHOWN:]
        assert int(cases[1]) == int(cases[2]) > 100
        assert process.status_of_ready() == 200
        assert "Traceback" not in process.log.read_text()


BROKEN = """
import sys
from transfermodel_predictor import __main__
from transfermodel_predictor.protocol import v1

answer = v1.answer

def broken(predictions, version, top_k=None):
    if top_k is not None:
        raise KeyError(top_k)
    return answer(predictions, version)

v1.answer = broken
sys.exit(__main__.main())
"""


def test_it_finds_a_path_that_fails(tmp_path: Path) -> None:
    """The predictor with one mistake put in, which shows only with a parameter: answers with the id, but 500."""
    digest = write_artifact(tmp_path / "artifact")
    program = tmp_path / "broken.py"
    program.write_text(BROKEN)
    with predictor((tmp_path / "artifact").as_uri(), digest, tmp_path, LIMITS, [str(program)]) as process:
        process.wait_ready()
        ended = schemathesis(str(process.client.base_url), tmp_path, picture(), "--include-path-regex", ":predict$")
        assert ended.returncode == 1, ended.stdout[-SHOWN:]
        assert "Server error" in ended.stdout
        assert "top_k" in ended.stdout
        response = process.client.post(
            "/v1/models/colours:predict?top_k=1",
            content=picture(),
            headers={"Content-Type": "image/png", "X-Request-Id": "seven"},
        )
        assert response.status_code == 500
        assert response.headers["x-request-id"] == "seven"
        assert response.json() == {"error": "The predictor failed; its log says why."}
        assert "KeyError" in process.log.read_text()
