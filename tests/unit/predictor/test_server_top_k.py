"""The most probable labels alone, with the real process: in both versions of the protocol, and of an event."""

import json
from typing import Any

import httpx
import numpy as np
import pytest

from tests.support.colours import LABELS, picture
from tests.support.predictor_process import PredictorProcess
from tests.support.predictor_requests import LENGTH, V1, V2, binary_request, image_input, instance, sentence

pytestmark = pytest.mark.unit
ORANGE = picture((220, 120, 20))
TEAL = picture((20, 110, 210))


@pytest.mark.parametrize("place", ["query", "body"])
def test_version_1_cuts_the_probabilities(client: httpx.Client, place: str) -> None:
    body: dict[str, Any] = {"instances": [instance(ORANGE), instance(TEAL)]}
    whole = client.post(V1, json=body).json()["predictions"]
    query = {"top_k": "2"} if place == "query" else {}
    response = client.post(V1, json=body if query else body | {"parameters": {"top_k": 2}}, params=query)
    cut = response.json()["predictions"]
    assert [list(prediction["probabilities"]) for prediction in cut] == [["red", "green"], ["blue", "green"]]
    for prediction, full in zip(cut, whole, strict=True):
        assert all(full["probabilities"][name] == share for name, share in prediction["probabilities"].items())
        assert prediction["label"] == next(iter(prediction["probabilities"])) == full["label"]


def test_more_than_there_are_is_all_of_them_falling(client: httpx.Client) -> None:
    response = client.post(V1, json={"instances": [instance(TEAL)]}, params={"top_k": 99})
    assert list(response.json()["predictions"][0]["probabilities"]) == ["blue", "green", "red"]
    response = client.post(V1, json={"instances": [instance(TEAL)]})
    assert tuple(response.json()["predictions"][0]["probabilities"]) == LABELS


def test_of_a_file_as_it_is_and_of_an_event(client: httpx.Client) -> None:
    response = client.post(V1, content=TEAL, headers={"Content-Type": "image/png"}, params={"top_k": 1})
    assert list(response.json()["predictions"][0]["probabilities"]) == ["blue"]
    headers = {"ce-id": "1", "ce-source": "test", "ce-type": "image", "ce-specversion": "1.0"}
    response = client.post(V1, json={"instances": [instance(TEAL)], "parameters": {"top_k": 2}}, headers=headers)
    assert list(response.json()["predictions"][0]["probabilities"]) == ["blue", "green"]


def test_version_2_has_outputs_of_their_own(client: httpx.Client) -> None:
    plain = client.post(V2, json={"inputs": [image_input(ORANGE, TEAL)]}).json()["outputs"]
    body = {"inputs": [image_input(ORANGE, TEAL)], "parameters": {"top_k": 2}}
    label, probabilities, top_labels, top_probabilities = client.post(V2, json=body).json()["outputs"]
    assert [label, probabilities] == plain
    assert top_labels == {
        "name": "top_labels",
        "datatype": "BYTES",
        "shape": [2, 2],
        "data": ["red", "green", "blue", "green"],
    }
    shares = np.array(probabilities["data"]).reshape(2, 3)
    assert (top_probabilities["datatype"], top_probabilities["shape"]) == ("FP32", [2, 2])
    assert top_probabilities["data"] == np.sort(shares)[:, :0:-1].ravel().tolist()
    chosen = client.post(V2, json=body | {"outputs": [{"name": "top_labels"}]}).json()["outputs"]
    assert chosen == [top_labels]


def test_version_2_in_binary_form(client: httpx.Client) -> None:
    body, headers = binary_request(
        [TEAL], parameters={"binary_data_output": True, "top_k": 2}, outputs=[{"name": "top_labels"}]
    )
    response = client.post(V2, content=body, headers=headers)
    length = int(response.headers[LENGTH])
    assert json.loads(response.content[:length])["outputs"][0]["shape"] == [1, 2]
    assert response.content[length:] == b"\x04\0\0\0blue\x05\0\0\0green"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "The parameter 'top_k' is 0; a whole number of 1 or more is needed."),
        (-1, "is -1;"),
        (1.5, "is 1.5;"),
        (True, "is a boolean;"),
        (None, "is null;"),
        ("two", "is 'two';"),
        ([1], "is a list;"),
        (10**10, "is 10000000000;"),
    ],
)
def test_what_is_no_number_of_labels(client: httpx.Client, value: Any, said: str) -> None:
    body = {"instances": [instance(TEAL)], "parameters": {"top_k": value}}
    assert said in sentence(client.post(V1, json=body))
    assert said in sentence(client.post(V2, json={"inputs": [image_input(TEAL)], "parameters": {"top_k": value}}))


@pytest.mark.parametrize(
    ("query", "parameters", "said"),
    [
        ("top_k=", None, "is '';"),
        ("top_k=²", None, "a whole number of 1 or more is needed"),
        ("top_k=1&top_k=2", None, "The parameter 'top_k' comes twice"),
        ("top_k=1", {"top_k": 1}, "comes twice"),
        ("topk=1", None, "There is no parameter 'topk'; there is 'top_k' here."),
        ("", {"k": 1}, "There is no parameter 'k'"),
        ("", [], "'parameters' is a list"),
    ],
)
def test_parameters_that_are_not_there(client: httpx.Client, query: str, parameters: Any, said: str) -> None:
    body = {"instances": [instance(TEAL)]} | ({} if parameters is None else {"parameters": parameters})
    assert said in sentence(client.post(f"{V1}?{query}", json=body))


def test_outputs_that_need_the_parameter(client: httpx.Client) -> None:
    body = {"inputs": [image_input(TEAL)], "outputs": [{"name": "top_labels"}]}
    assert "Send the parameter 'top_k' for it." in sentence(client.post(V2, json=body))


def test_equal_probabilities_stay_in_the_order_of_the_labels(texts: PredictorProcess) -> None:
    response = texts.client.post(V1, json={"instances": [{"text": "film"}]}, params={"top_k": 2})
    (prediction,) = response.json()["predictions"]
    assert list(prediction["probabilities"].items()) == [("bad", 0.5), ("good", 0.5)]
    assert prediction["label"] == "bad"
