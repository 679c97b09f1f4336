"""From a folder of images to a trained model: init, validate, plan, run and plan again, as a newcomer types them."""

from pathlib import Path

import pytest
from safetensors.torch import save_file
from transfermodel_trainer.backbones.load import image_network

from tests.support.command import command
from tests.support.datasets import Files, folder, picture


def put(root: Path, files: Files) -> Path:
    """Write files below a folder; return it."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


@pytest.fixture
def colours(tmp_path: Path) -> Path:
    """A folder with train and test folders."""
    put(tmp_path / "colours" / "train", folder(per_class=16))
    return put(tmp_path / "colours" / "test", folder(per_class=10, first=100)).parent


def test_from_a_folder_to_a_model(tmp_path: Path, colours: Path) -> None:
    made = command("init", "colours", "--scratch", folder=tmp_path)
    assert made.code == 0, made.err
    assert "colours.yaml: 48 images in 3 classes, 30 to test" in made.out
    assert "transfermodel run -f colours.yaml --serve" in made.out

    again = command("init", "colours", "--scratch", folder=tmp_path)
    assert again.code == 2
    assert "error: colours.yaml is there already." in again.error

    valid = command("validate", "-f", "colours.yaml", "--json", folder=tmp_path)
    assert (valid.code, valid.json["files"][0]["runs"]) == (0, {"local": True, "cluster": False})

    planned = command("plan", "-f", "colours.yaml", "--json", folder=tmp_path)
    assert planned.code == 0, planned.err
    (model,) = planned.json["models"]
    assert model["runs"] == {"local": True, "cluster": None}
    assert model["obstacles"] == []
    assert model["unchanged"] is None
    assert [source["samples"] for source in model["data"]["sources"]] == [48, 30]
    estimate = model["estimate"]
    assert estimate["seconds"]["total"] == pytest.approx(
        sum(seconds for phase, seconds in estimate["seconds"].items() if phase != "total"), abs=1
    )
    assert estimate["seconds"]["Training"] > 0
    assert estimate["memoryBytes"] > 100_000_000
    assert estimate["inputSize"] == 32

    ran = command("run", "-f", "colours.yaml", "--json", folder=tmp_path)
    assert ran.code == 0, ran.err
    assert ran.json["models"][0]["metrics"]["accuracy"] > 0.5

    planned = command("plan", "-f", "colours.yaml", folder=tmp_path)
    assert planned.code == 0
    assert planned.out.startswith("✓ colours is trained already: nothing changed since v1.")

    put(colours / "train", {"red/new.png": picture("red", 999)})
    planned = command("plan", "-f", "colours.yaml", "--json", folder=tmp_path)
    assert planned.json["models"][0]["unchanged"] is None


def test_weights_of_ones_own(tmp_path: Path, colours: Path) -> None:
    save_file(image_network("torchvision/resnet18", 64, 3).library_state(), tmp_path / "own.safetensors")
    made = command("init", "colours", "--weights", "own.safetensors", "--out", "a.yaml", folder=tmp_path)
    assert made.code == 0, made.err
    ran = command("run", "-f", "a.yaml", "--json", folder=tmp_path)
    assert ran.code == 0, ran.err
    assert ran.json["models"][0]["metricsSplit"] == "test"


def test_what_will_not_run(tmp_path: Path, colours: Path) -> None:
    """Every reason comes before anything is spent: torch is not even imported."""
    assert command("init", "colours", "--scratch", folder=tmp_path).code == 0
    for image in (colours / "test" / "red").iterdir():
        image.unlink()
    planned = command("plan", "-f", "colours.yaml", folder=tmp_path)
    assert planned.code == 3
    first, second = planned.out.splitlines()[:2]
    assert first == "✗ colours will not run on this machine, because:"
    assert "must have the classes of spec.data.train (blue, green, red): no images of red." in second


def test_an_architecture_that_is_not_there(tmp_path: Path, colours: Path) -> None:
    assert command("init", "colours", "--scratch", folder=tmp_path).code == 0
    file = tmp_path / "colours.yaml"
    file.write_text(file.read_text().replace("torchvision/resnet18", "torchvision/resnet19"))
    planned = command("plan", "-f", file, folder=tmp_path)
    assert planned.code == 3
    assert "spec.backbone.name torchvision/resnet19 is not a classification model of torchvision" in planned.out


def test_a_folder_that_is_not_there(tmp_path: Path, colours: Path) -> None:
    assert command("init", "colours", "--scratch", folder=tmp_path).code == 0
    file = tmp_path / "colours.yaml"
    file.write_text(file.read_text().replace("colours/test", "colours/tset"))
    planned = command("plan", "-f", file, "--json", folder=tmp_path)
    assert planned.code == 3
    (obstacle,) = planned.json["models"][0]["obstacles"]
    assert obstacle["message"].startswith("spec.data.test.uri: there is no")


def test_bad_input(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.yaml").write_text("a: [\n")
    for arguments, code, sentence in (
        (("init", "none"), 2, "There is no folder none."),
        (("init", "empty"), 3, "The folder empty is empty."),
        (("validate", "-f", "none.yaml"), 2, "There is no file none.yaml."),
        (("validate",), 2, "No file was named."),
        (("plan", "-f", "none.yaml"), 2, "There is no file none.yaml."),
        (("plan", "-f", "broken.yaml"), 3, "broken.yaml has an error:"),
    ):
        ended = command(*arguments, folder=tmp_path)
        assert ended.code == code, ended.err
        assert sentence in ended.err
        assert "Traceback" not in ended.err
    ended = command("validate", "-f", "broken.yaml", folder=tmp_path)
    assert ended.code == 3
    assert "broken.yaml:2:1 error: this is no YAML" in ended.err
