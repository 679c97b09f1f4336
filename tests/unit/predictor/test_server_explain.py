"""`:explain` with the real process: the parts that an answer rests on are found, at a bounded price."""

import base64
import io
import threading
import time
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.support.colours import SIZE, picture
from tests.support.predictor_process import MODEL, PredictorProcess
from tests.support.predictor_requests import COLOURS, V1, b64, instance, sentence
from tests.support.predictor_sounds import RATE, TONES, encode, tone

pytestmark = pytest.mark.unit
EXPLAIN = f"/v1/models/{MODEL}:explain"
GREY = (128, 128, 128)


def png(pixels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


def spot(row: int, column: int, width: int = 80) -> bytes:
    """A grey picture of 80 pixels' height with one red square of 20 in its middle 80 x 80, at this place of 4 x 4."""
    pixels = np.full((80, width, 3), GREY, np.uint8)
    left = (width - 80) // 2 + 20 * column
    pixels[20 * row : 20 * row + 20, left : left + 20] = COLOURS["red"]
    return png(pixels)


def explained(client: httpx.Client, instances: list[Any], **parameters: Any) -> list[dict[str, Any]]:
    response = client.post(EXPLAIN, json={"instances": instances, "parameters": parameters}, timeout=60)
    assert response.status_code == 200, response.text
    predictions = client.post(V1, json={"instances": instances}).json()["predictions"]
    assert response.json()["predictions"] == predictions
    explanations: list[dict[str, Any]] = response.json()["explanations"]
    assert len(explanations) == len(instances)
    return explanations


@pytest.mark.parametrize(("row", "column"), [(0, 0), (1, 3), (3, 2)])
def test_the_square_that_decides_is_found(client: httpx.Client, row: int, column: int) -> None:
    (explanation,) = explained(client, [instance(spot(row, column))], grid=4)
    assert (explanation["label"], explanation["method"], explanation["grid"]) == ("red", "occlusion", [4, 4])
    saliency = np.array(explanation["saliency"])
    assert saliency.shape == (4, 4)
    assert divmod(int(saliency.argmax()), 4) == (row, column)
    # What is grey is not missed, but for rounding where the picture was scaled.
    assert np.sort(saliency.ravel())[-2] < saliency.max() / 3
    assert explanation["box"] == {"left": 0, "top": 0, "width": 1, "height": 1}


def test_it_lies_where_the_model_looks(client: httpx.Client) -> None:
    (explanation,) = explained(client, [instance(spot(2, 1, width=160))], grid=4)
    assert explanation["box"] == {"left": 0.25, "top": 0, "width": 0.5, "height": 1}
    saliency = np.array(explanation["saliency"])
    assert divmod(int(saliency.argmax()), 4) == (2, 1)


def test_another_label_can_be_explained(client: httpx.Client) -> None:
    (red,) = explained(client, [instance(spot(0, 0))], grid=2)
    (blue,) = explained(client, [instance(spot(0, 0))], grid=2, label="blue")
    assert (red["label"], blue["label"]) == ("red", "blue")
    assert red["saliency"][0][0] > 0 > blue["saliency"][0][0]
    assert blue["probability"] < red["probability"]


def test_an_overlay_is_red_where_it_speaks_for_the_label(client: httpx.Client) -> None:
    (explanation,) = explained(client, [instance(spot(0, 0))], grid=4, overlay=True)
    image = Image.open(io.BytesIO(base64.b64decode(explanation["overlay"]["b64"])))
    assert (image.format, image.size) == ("PNG", (SIZE, SIZE))
    pixels = np.asarray(image).astype(int)
    assert pixels[1, 1, 0] > pixels[1, 1, 1] + 100
    assert np.abs(pixels[-2, -2] - GREY).max() < 8


def test_a_file_as_it_is(client: httpx.Client) -> None:
    response = client.post(
        f"{EXPLAIN}?grid=2&overlay=false&top_k=1", content=spot(1, 1), headers={"Content-Type": "image/png"}
    )
    assert response.json()["explanations"][0]["grid"] == [2, 2]
    assert list(response.json()["predictions"][0]["probabilities"]) == ["red"]


def test_the_words_that_decide_are_found(texts: PredictorProcess) -> None:
    text = "  a lovely film"
    (explanation,) = explained(texts.client, [{"text": text}])
    assert [piece["text"] for piece in explanation["pieces"]] == ["a", "lovely", "film"]
    assert all(text[piece["start"] : piece["end"]] == piece["text"] for piece in explanation["pieces"])
    assert explanation["label"] == "good"
    assert int(np.argmax(explanation["saliency"])) == 1
    # Without a word that does not vote, the vote of the other one weighs more.
    assert explanation["saliency"][0] < 0 < explanation["saliency"][1]


def test_a_long_text_is_explained_in_pieces_of_what_is_read(texts: PredictorProcess) -> None:
    (explanation,) = explained(texts.client, [{"text": "film " * 7 + "awful " + "lovely " * 5000}], grid=4)
    assert [piece["text"] for piece in explanation["pieces"]] == ["film film"] * 3 + ["film awful"]
    (explanation,) = explained(texts.client, [{"text": "日本 lovely"}])
    assert [piece["text"] for piece in explanation["pieces"]] == ["日", "本", "lovely"]


def test_the_moment_and_the_pitch_that_decide_are_found(sounds: PredictorProcess) -> None:
    samples = np.random.default_rng(0).normal(0, 1e-5, RATE // 2)
    samples[RATE // 4 : 3 * RATE // 8] += tone(TONES["high"], seconds=0.125)
    (explanation,) = explained(sounds.client, [{"audio": {"b64": b64(encode(samples))}}], grid=4)
    saliency = np.array(explanation["saliency"])
    assert explanation["label"] == "high"
    assert saliency.shape == (4, 4) == tuple(explanation["grid"])
    assert divmod(int(saliency.argmax()), 4) == (3, 2)
    assert explanation["hertz"][3] < TONES["high"] < explanation["hertz"][4] == pytest.approx(RATE / 2)
    assert explanation["seconds"] == pytest.approx([0, 0.125, 0.25, 0.375, 0.5])


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"grid": 1}, "The parameter 'grid' is 1; a whole number from 2 to 14 is needed."),
        ({"grid": 15}, "is 15;"),
        ({"grid": "fine"}, "is 'fine';"),
        ({"label": "violet"}, "is 'violet'; the labels are 'red', 'green', 'blue'."),
        ({"label": 7}, "is 7; the labels are"),
        ({"label": None}, "is null; the labels are"),
        ({"label": ["red"]}, "is a list; the labels are"),
        ({"overlay": 1}, "The parameter 'overlay' is 1; true or false is needed."),
        ({"gird": 4}, "There is no parameter 'gird'; there is 'grid' and 'label' and 'overlay' and 'top_k' here."),
        ({"top_k": 0}, "'top_k' is 0"),
    ],
)
def test_what_makes_no_sense_is_refused(client: httpx.Client, parameters: dict[str, Any], said: str) -> None:
    response = client.post(EXPLAIN, json={"instances": [instance(picture())], "parameters": parameters})
    assert said in sentence(response)
    assert response.status_code == 400


def test_samples_are_refused_as_for_a_prediction(client: httpx.Client, texts: PredictorProcess) -> None:
    assert "exactly the key 'image'" in sentence(client.post(EXPLAIN, json={"instances": [{"text": "a film"}]}))
    two = {"instances": [instance(picture()), instance(b"no image")]}
    assert "instances[1].image.b64: The bytes are not an image" in sentence(client.post(EXPLAIN, json=two))
    one_word = {"instances": [{"text": "lovely"}]}
    assert "needs two or more" in sentence(texts.client.post(EXPLAIN, json=one_word))
    overlay = {"instances": [{"text": "a film"}], "parameters": {"overlay": True}}
    assert "is for images; this model takes texts" in sentence(texts.client.post(EXPLAIN, json=overlay))


def test_its_price_is_bounded(client: httpx.Client) -> None:
    response = client.post(EXPLAIN, json={"instances": [instance(picture())] * 21})
    assert response.status_code == 413
    said = (
        "Explaining 21 images with grid 7 takes 1050 inferences; at most 1024 are made for a request. Send 20 at once"
    )
    assert said in sentence(response)


def test_predictions_are_answered_meanwhile(served: tuple[PredictorProcess, str]) -> None:
    """While an explanation of a thousand inferences is made; and further ones wait, a few."""
    process, _ = served
    body = {"instances": [instance(picture(size=(40, 40)))] * 5, "parameters": {"grid": 14}}
    statuses: list[int] = []
    seconds: list[float] = []

    def explain() -> None:
        with httpx.Client(base_url=process.client.base_url, timeout=60, trust_env=False) as other:
            begun = time.perf_counter()
            statuses.append(other.post(EXPLAIN, json=body).status_code)
            seconds.append(time.perf_counter() - begun)

    threads = [threading.Thread(target=explain) for _ in range(8)]
    for thread in threads:
        thread.start()
    waits = []
    while any(thread.is_alive() for thread in threads):
        begun = time.perf_counter()
        assert process.client.post(V1, json={"instances": [instance(picture())]}).status_code == 200
        waits.append(time.perf_counter() - begun)
    assert sorted(statuses) == [200] * 5 + [429] * 3
    # Five one after another: nobody waits for the end of one.
    assert np.median(waits) < max(seconds) / 5 / 2
