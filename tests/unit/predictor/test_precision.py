"""Which graph is served: that of Float32, or that of 8-bit integers; of two, only the one that is asked for is read."""

import base64
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from transfermodel_predictor.configuration import ConfigurationInvalid, read_configuration

from tests.support.colours import colour_model, picture, write_artifact
from tests.support.predictor_process import MODEL, predictor
from tests.support.slow_bucket import bucket

pytestmark = pytest.mark.unit
URI = "s3://bucket/artifact"
REQUEST = {"instances": [{"image": {"b64": base64.b64encode(picture((220, 20, 20))).decode()}}]}
INT8 = {"TRANSFERMODEL_PRECISION": "Int8"}


def other_graph() -> bytes:
    """Return one that takes red for blue, so that it can be told which graph answered."""
    model = onnx.load_from_string(colour_model())
    weights = numpy_helper.to_array(model.graph.initializer[0])
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.fliplr(weights).copy(), "weights"))
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("environment", "graph", "label"), [(INT8, "model.int8.onnx", "blue"), ({}, "model.onnx", "red")]
)
def test_the_graph_that_is_asked_for(environment: dict[str, str], graph: str, label: str, tmp_path: Path) -> None:
    folder = tmp_path / "artifact"
    digest = write_artifact(folder, files={"model.int8.onnx": other_graph()})
    with bucket(folder) as store, predictor(URI, digest, tmp_path, store.environment | environment) as process:
        store.released.set()
        process.wait_ready()
        answer = process.client.post(f"/v1/models/{MODEL}:predict", json=REQUEST).json()
        assert answer["predictions"][0]["label"] == label
        assert sorted(store.requests) == [
            f"/bucket/artifact/{name}" for name in sorted(["manifest.json", "model.json", graph])
        ]
        precision = environment.get("TRANSFERMODEL_PRECISION", "Float32")
        for path in (f"/v1/models/{MODEL}", f"/v2/models/{MODEL}"):
            parameters = process.client.get(path).json()["parameters"]
            assert parameters == {"digest": digest, "precision": precision, "device": "cpu"}
        assert f'precision="{precision}"' in process.client.get("/metrics").text
        assert f"MB of {precision}" in process.log.read_text()


def test_without_such_a_graph_it_does_not_start(tmp_path: Path) -> None:
    digest = write_artifact(tmp_path / "artifact")
    with predictor((tmp_path / "artifact").as_uri(), digest, tmp_path, INT8) as process:
        assert process.wait_end() == 1
        assert process.termination.read_text() == (
            "The artifact has no model.int8.onnx: this model cannot be served in Int8. Set spec.serving.precision to "
            "Float32; metrics.json says why."
        )


def test_what_is_wrong_with_the_graph_names_it(tmp_path: Path) -> None:
    digest = write_artifact(tmp_path / "artifact", files={"model.int8.onnx": b"no graph"})
    with predictor((tmp_path / "artifact").as_uri(), digest, tmp_path, INT8) as process:
        assert process.wait_end() == 1
        assert process.termination.read_text().startswith("model.int8.onnx cannot be loaded: ")


def test_another_precision_is_refused() -> None:
    environment = {
        "TRANSFERMODEL_MODEL_NAME": "m",
        "TRANSFERMODEL_ARTIFACT_URI": URI,
        "TRANSFERMODEL_ARTIFACT_DIGEST": "sha256:" + "0" * 64,
    }
    assert read_configuration(environment).precision == "Float32"
    with pytest.raises(ConfigurationInvalid, match="TRANSFERMODEL_PRECISION is 'int8'; Float32 or Int8 is needed"):
        read_configuration(environment | {"TRANSFERMODEL_PRECISION": "int8"})
