"""Asking a real predictor: batches, broken images among good ones, a model that wakes, and servers that are none."""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from transfermodel.errors import NotFound, TransferModelError, Unreachable
from transfermodel.modalities import AUDIO, IMAGE, TEXT
from transfermodel.predictions.answers import answer_all, answer_all_at_once, batches
from transfermodel.predictions.client import BATCH, BATCH_BYTES, Client, SamplesRefused, curl, predict
from transfermodel.predictions.client_file import client_file
from transfermodel.predictions.inputs import Asked, Failure, given_text
from transfermodel.predictions.types import Endpoint, Prediction

from tests.support.colours import picture, write_artifact
from tests.support.predictor_process import MODEL, VERSION, PredictorProcess, free_port, predictor
from tests.support.predictor_sounds import TONES, encode, tone, write_sound_artifact
from tests.support.predictor_texts import write_text_artifact
from tests.support.slow_bucket import bucket
from tests.support.waiting import wait_for

pytestmark = pytest.mark.unit

RED, BLUE = picture((220, 20, 20)), picture((20, 20, 220))


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    folder = tmp_path_factory.mktemp("served")
    digest = write_artifact(folder / "artifact")
    with predictor((folder / "artifact").as_uri(), digest, folder) as process:
        process.wait_ready()
        yield address(process)


def asked(*files: Path) -> list[Asked]:
    return [Asked(str(file)) for file in files]


def address(process: PredictorProcess) -> Endpoint:
    return Endpoint(str(process.client.base_url).rstrip("/"), None, MODEL)


def test_answers_come_in_order_over_several_batches(endpoint: Endpoint) -> None:
    images = [RED, BLUE] * BATCH
    answers = predict(endpoint, images)
    assert [answer.label for answer in answers] == ["red", "blue"] * BATCH
    assert answers[0].model_version == VERSION
    assert sum(answers[0].probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert answers[0].probability == max(answers[0].probabilities.values())


def test_one_broken_file_costs_only_its_own_answer(endpoint: Endpoint, tmp_path: Path) -> None:
    files = []
    for number in range(3 * BATCH):
        files.append(tmp_path / f"{number:03}.png")
        files[-1].write_bytes(RED)
    files[5].write_bytes(b"no image at all")
    files[BATCH + 1].write_bytes(b"")
    counted: list[int] = []
    with Client(endpoint) as client:
        answers = answer_all_at_once(client.ask, asked(*files), IMAGE, counted.append, lambda: None)
        assert answers == answer_all(client.ask, asked(*files), IMAGE, counted.append)
    failures = {answer.file: answer.message for answer in answers if isinstance(answer, Failure)}
    assert failures == {
        str(files[5]): "The bytes are not an image: send one of PNG, JPEG, WEBP, BMP, GIF, TIFF.",
        str(files[BATCH + 1]): "This file is empty; give an image.",
    }
    assert [answer.file for answer in answers] == list(map(str, files))
    assert sum(counted) == 2 * len(files)


def test_batches_are_bounded_in_number_and_in_bytes(tmp_path: Path) -> None:
    small = [tmp_path / f"{number}" for number in range(BATCH + 1)]
    large = [tmp_path / f"large{number}" for number in range(3)]
    for path in large:
        with path.open("wb") as file:
            file.truncate(BATCH_BYTES // 2)
    assert [len(batch) for batch in batches(asked(*small))] == [BATCH, 1]
    assert [len(batch) for batch in batches(asked(*large))] == [2, 1]
    assert list(batches([])) == []


def test_a_model_that_wakes_is_waited_for(tmp_path: Path) -> None:
    digest = write_artifact(tmp_path / "artifact")
    file = tmp_path / "red.png"
    file.write_bytes(RED)
    silent = threading.Event()
    with (
        bucket(tmp_path / "artifact") as store,
        predictor("s3://bucket/artifact", digest, tmp_path, store.environment) as process,
    ):
        wait_for(lambda: process.status_of_ready() == 503, timeout_seconds=60, what="it listens")

        def let_go() -> None:
            silent.set()
            store.released.set()

        with Client(address(process)) as client:
            (answer,) = answer_all_at_once(client.ask, asked(file), IMAGE, lambda _: None, let_go)
    assert silent.is_set()
    assert isinstance(answer, Prediction)
    assert answer.label == "red"


def test_a_model_that_does_not_wake_is_unreachable(tmp_path: Path) -> None:
    digest = write_artifact(tmp_path / "artifact")
    with (
        bucket(tmp_path / "artifact") as store,
        predictor("s3://bucket/artifact", digest, tmp_path, store.environment) as process,
    ):
        wait_for(lambda: process.status_of_ready() == 503, timeout_seconds=60, what="it listens")
        with Client(address(process), wake_seconds=1) as client, pytest.raises(Unreachable) as error:
            client.ask([RED])
    assert "did not answer within 1 s: it says 503" in error.value.message
    assert error.value.remedy == f"See why with `transfermodel status {MODEL}`."


def test_nobody_there_is_told_at_once() -> None:
    with (
        Client(Endpoint(f"http://127.0.0.1:{free_port()}", None, MODEL)) as client,
        pytest.raises(Unreachable) as error,
    ):
        client.ask([RED])
    assert error.value.message.startswith("Nobody answers at http://127.0.0.1:")


def test_an_error_of_all_files_ends_the_asking(tmp_path: Path) -> None:
    file = tmp_path / "red.png"
    file.write_bytes(RED)
    with Client(Endpoint(f"http://127.0.0.1:{free_port()}", None, MODEL)) as client, pytest.raises(Unreachable):
        answer_all_at_once(client.ask, asked(file), IMAGE, lambda _: None, lambda: None)


def test_another_model_is_served_there(endpoint: Endpoint) -> None:
    with Client(replace(endpoint, model="digits")) as client, pytest.raises(NotFound) as error:
        client.ask([RED])
    assert "There is no model 'digits' here; the model is 'colours'." in error.value.message


def test_a_refused_image_has_the_servers_sentence(endpoint: Endpoint) -> None:
    with Client(endpoint) as client, pytest.raises(SamplesRefused, match=r"instances\[1\].*not an image"):
        client.ask([RED, b"x"])


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, b"<html>hello</html>", "answers something else than predictions: '<html>hello</html>'."),
        (200, b'{"predictions": [{"label": "red"}]}', "answers something else than predictions"),
        (200, b'{"predictions": []}', "gives 0 answers for 1 images."),
        (500, b'{"error": "The predictor failed; its log says why."}', "answers 500: The predictor failed;"),
        (403, b"RBAC: access denied", "answers 403: RBAC: access denied"),
    ],
)
def test_servers_that_are_no_predictor(status: int, body: bytes, said: str) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with (
            Client(Endpoint(f"http://127.0.0.1:{server.server_port}", None, MODEL)) as client,
            pytest.raises(TransferModelError) as error,
        ):
            client.ask([RED])
        server.shutdown()
    assert said in error.value.message


def test_the_host_of_the_endpoint_is_asked_for() -> None:
    hosts: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hosts.append(self.headers["Host"])
            self.send_response(404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = Endpoint(f"http://127.0.0.1:{server.server_port}", "colours.example.com", MODEL)
        with Client(endpoint) as client, pytest.raises(NotFound):
            client.ask([RED])
        server.shutdown()
    assert hosts == ["colours.example.com"]
    assert "-H 'Host: colours.example.com' " in curl(endpoint, "x.png")
    assert "'Host': 'colours.example.com'" in client_file(endpoint)


def test_the_curl_and_the_client_that_are_printed_work(endpoint: Endpoint, tmp_path: Path) -> None:
    image = tmp_path / "a red's picture.png"
    image.write_bytes(picture((220, 20, 20), size=(900, 900), file="BMP"))  # larger than any argument may be
    asked = subprocess.run(["sh", "-c", curl(endpoint, str(image))], capture_output=True, text=True, check=True)
    assert '"label":"red"' in asked.stdout.replace(" ", "")
    program = tmp_path / "client.py"
    program.write_text(client_file(endpoint))
    printed = run_client(program, str(image))
    assert (printed.returncode, printed.stdout) == (0, f"{image}: red (100.0%), version {VERSION}\n")


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    folder = tmp_path_factory.mktemp("texts")
    digest = write_text_artifact(folder / "artifact")
    with predictor((folder / "artifact").as_uri(), digest, folder) as process:
        process.wait_ready()
        yield replace(address(process), modality=TEXT)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    folder = tmp_path_factory.mktemp("sounds")
    digest = write_sound_artifact(folder / "artifact")
    with predictor((folder / "artifact").as_uri(), digest, folder) as process:
        process.wait_ready()
        yield replace(address(process), modality=AUDIO)


def test_texts_are_asked_about_by_curl_and_client_too(texts: Endpoint, tmp_path: Path) -> None:
    spoken = ["a lovely film", 'awful,\n"dull" \' film \N{SNOWMAN}']
    assert [answer.label for answer in predict(texts, [text.encode() for text in spoken])] == ["good", "bad"]
    asked = subprocess.run(["sh", "-c", curl(texts, spoken[1])], capture_output=True, text=True, check=True)
    assert '"label":"bad"' in asked.stdout.replace(" ", "")
    program = tmp_path / "client.py"
    program.write_text(client_file(texts))
    printed = run_client(program, *spoken)
    assert printed.returncode == 0, printed.stderr
    assert [line.rpartition(":")[2].split()[0] for line in printed.stdout.splitlines() if "version" in line] == [
        "good",
        "bad",
    ]
    assert "Give texts in quotes" in run_client(program).stderr
    assert "The text is empty" in run_client(program, " ").stderr


def test_what_is_no_text_costs_only_its_own_answer(texts: Endpoint) -> None:
    given = [given_text("lovely"), Asked("latin", b"caf\xe9"), given_text(" "), given_text("awful")]
    with Client(texts) as client:
        answers = answer_all(client.ask, given, TEXT, lambda _: None)
    assert [answer.label for answer in answers if isinstance(answer, Prediction)] == ["good", "bad"]
    assert [answer for answer in answers if isinstance(answer, Failure)] == [
        Failure("latin", "The text is not UTF-8: the byte at position 3 does not fit. Save it as UTF-8."),
        Failure(" ", "The text is empty: there is nothing in it but white space."),
    ]


def test_recordings_are_asked_about_by_curl_and_client_too(sounds: Endpoint, tmp_path: Path) -> None:
    file = tmp_path / "low.wav"
    file.write_bytes(encode(tone(TONES["low"])))
    assert [answer.label for answer in predict(sounds, [file.read_bytes()])] == ["low"]
    asked = subprocess.run(["sh", "-c", curl(sounds, str(file))], capture_output=True, text=True, check=True)
    assert '"label":"low"' in asked.stdout.replace(" ", "")
    program = tmp_path / "client.py"
    program.write_text(client_file(sounds))
    printed = run_client(program, str(file))
    assert printed.returncode == 0, printed.stderr
    assert printed.stdout.startswith(f"{file}: low (")
    assert "Give recording files: python client.py RECORDING…" in run_client(program).stderr


def test_the_client_says_what_is_wrong(endpoint: Endpoint, tmp_path: Path) -> None:
    program = tmp_path / "client.py"
    program.write_text(client_file(endpoint))
    assert "Give image files" in run_client(program).stderr
    assert run_client(program, "nothing.png").stderr == "nothing.png cannot be read: No such file or directory.\n"
    assert "not an image" in run_client(program, str(program)).stderr
    start = 'Start it with: transfermodel run -f "my {x}.yaml" --serve'
    program.write_text(client_file(Endpoint(f"http://127.0.0.1:{free_port()}", None, MODEL), start))
    failed = run_client(program, str(program))
    assert failed.returncode == 1
    assert failed.stderr.startswith("Nobody answers at http://127.0.0.1:")
    assert failed.stderr.endswith(f"{start}\n")


def run_client(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command: Sequence[str] = [sys.executable, "-I", str(program), *arguments]
    return subprocess.run(command, capture_output=True, text=True)
