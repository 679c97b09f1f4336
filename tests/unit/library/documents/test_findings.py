"""Every error at once, each with its place and what to write instead."""

from pathlib import Path

import pytest
from transfermodel.documents import Checked, Finding, Target, check, check_text, load
from transfermodel.errors import DocumentInvalid, UsageError

GOOD = """\
apiVersion: transferlearning.dev/v1alpha1
kind: TransferModel
metadata:
  name: flowers
spec:
  task: ImageClassification
  backbone: {name: torchvision/resnet18, weights: {name: DEFAULT}}
  data:
    train: {uri: s3://datasets/flowers}
"""
TEXTS = """\
apiVersion: transferlearning.dev/v1alpha1
kind: TransferModel
metadata:
  name: reviews
spec:
  task: TextClassification
  backbone: {name: sentence-transformers/all-MiniLM-L6-v2, weights: {name: DEFAULT}}
  data:
    train: {uri: s3://datasets/reviews/train.csv}
"""
MANY = """\
apiVersion: transferlearning.dev/v1alpha1
kind: TransferModel
metadata:
  name: My_Flowers
spec:
  task: ImageClasification
  backbone:
    name: resnet18
    wieghts: {name: DEFAULT}
  data:
    train: s3://a/b
    validationFraction: 0.2
  epochs: 3
  training:
    strategy: FineTuning
    fineTuning: {learningRate: 1e-3, epochs: "3", batchSize: 1}
    resources: {limits: {memory: 4 GB}}
  serving: {minReplicas: 9}
"""


def checked(text: str, target: Target = Target.CLUSTER) -> Checked:
    return check_text(text, Path("model.yaml"), target)


def only(text: str, target: Target = Target.CLUSTER) -> Finding:
    """Return the single finding of a text."""
    (finding,) = checked(text, target).findings
    return finding


def test_a_good_file() -> None:
    found = checked(GOOD)
    assert found.findings == ()
    (document,) = found.documents
    assert (document.namespace, document.name) == ("default", "flowers")
    assert document.spec.training.strategy == "FeatureExtraction"
    assert document.manifest["spec"] == {
        "task": "ImageClassification",
        "backbone": {"name": "torchvision/resnet18", "weights": {"name": "DEFAULT"}},
        "data": {"train": {"uri": "s3://datasets/flowers"}},
    }
    assert document.lines["spec.data.train.uri"] == (9, 13)
    assert document.folder == Path.cwd()


def test_defaults_are_there_before_rules_are_judged() -> None:
    """Unless it is set, maxReplicas is 3."""
    assert checked(GOOD + "  serving: {minReplicas: 3}\n").findings == ()
    assert only(GOOD + "  serving: {minReplicas: 4}\n").message == "minReplicas must not exceed maxReplicas"


def test_every_error_at_once() -> None:
    assert [(f.line, f.column, f.path, f.remedy) for f in checked(MANY).findings] == [
        (4, 3, "metadata.name", "Write my-flowers."),
        (
            *(6, 9, "spec.task"),
            "Did you mean ImageClassification? It is ImageClassification or TextClassification or AudioClassification.",
        ),
        (
            *(8, 11, "spec.backbone.name"),
            "<library>/<architecture>. Images and audio: torchvision/ or timm/ and any of their classification models, "
            "such as torchvision/resnet18. Text: sentence-transformers/ or transformers/ and the name of an encoder, "
            "such as sentence-transformers/all-MiniLM-L6-v2.",
        ),
        (9, 5, "spec.backbone.wieghts", "Did you mean weights?"),
        (11, 12, "spec.data.train", "Write {uri: s3://a/b}."),
        (12, 25, "spec.data.validationFraction", 'Write "0.2" in quotes.'),
        (13, 3, "spec.epochs", "It is a field of spec.training.fineTuning."),
        (16, 32, "spec.training.fineTuning.learningRate", 'Write "1e-3" in quotes.'),
        (16, 46, "spec.training.fineTuning.epochs", "Write 3 without quotes."),
        (16, 62, "spec.training.fineTuning.batchSize", "Write a whole number between 2 and 4096."),
        (17, 34, "spec.training.resources.limits.memory", ""),
        (18, 13, "spec.serving.minReplicas", ""),
    ]


def test_a_mistyped_field_is_one_error() -> None:
    """That the field it stands for is missing would only be said twice."""
    finding = only(GOOD.replace("weights:", "wights:"))
    assert finding.sentence == "spec.backbone.wights is no field of a TransferModel."


SENTENCES = {
    "a required field": (
        GOOD.replace("  task: ImageClassification\n", ""),
        "5:1 spec.task is missing. Add task: ImageClassification or TextClassification or AudioClassification.",
    ),
    "a rule of several fields": (
        GOOD + "  training: {fineTuning: {epochs: 2}}\n",
        "10:14 fineTuning goes with strategy: FineTuning or Auto. ",
    ),
    "a rule that a field is missing for": (
        GOOD.replace("{name: torchvision/resnet18, weights: {name: DEFAULT}}", "{}"),
        "7:3 spec.backbone: set exactly one of name and fromTransferModel. ",
    ),
    "a duplicate": (
        GOOD + "  task: ImageClassification\n",
        "10:3 task is set twice: here and in line 6. Keep one of them; of two, one would be lost.",
    ),
    "a tab": (
        GOOD.replace("  name: flowers", "\tname: flowers"),
        "4:1 the line is indented with a tab. YAML is indented with spaces: replace the tab.",
    ),
    "an open quote": (
        GOOD.replace("flowers", '"flowers', 1),
        "10:1 this is no YAML: found unexpected end of stream. Close the quote or bracket.",
    ),
    "another kind": (
        "apiVersion: v1\nkind: Secret\n",
        "1:13 apiVersion is v1, which is not transferlearning.dev/v1alpha1. "
        "Write apiVersion: transferlearning.dev/v1alpha1.",
    ),
    "a mistyped kind": (
        GOOD.replace("kind: TransferModel", "kind: Transfermodel"),
        "2:7 kind is Transfermodel, which is not TransferModel. Write kind: TransferModel.",
    ),
    "no kind": (GOOD.replace("kind: TransferModel\n", ""), "1:1 kind is missing. Add kind: TransferModel."),
    "a list": (
        "- a\n- b\n",
        "1:1 the document is a list. Begin with apiVersion: and kind:, and put several objects below each other "
        "with --- between them.",
    ),
    "nothing": (
        "# later\n",
        "1:1 the file is empty. Write a TransferModel; transfermodel init DIR makes one for images, texts or "
        "recordings.",
    ),
    "no metadata": (
        GOOD.replace("metadata:\n  name: flowers\n", ""),
        "1:1 metadata is missing. Add metadata: {name: my-model}.",
    ),
    "a boolean for a string": (
        GOOD + "  training: {nodeSelector: {gpu: yes}}\n",
        '10:34 spec.training.nodeSelector.gpu must be a string, and yes means true. Write "yes" in quotes.',
    ),
    "a string for a boolean": (
        GOOD + '  suspend: "true"\n',
        '10:12 spec.suspend must be true or false, and "true" is a string. Write true without quotes.',
    ),
    "too many means": (
        GOOD.replace("DEFAULT}}", 'DEFAULT}, input: {size: 64, mean: ["0"], std: ["1", "1", "1"]}}'),
        "7:86 spec.backbone.input.mean has 1 items; 3 are needed. "
        "Images: mean of the red, green and blue channel after scaling to 0..1; default: ImageNet's.",
    ),
    "an alias in itself": (
        GOOD + "  serving: &a {resources: *a}\n",
        "10:12 an alias (*) stands inside what it refers to. Write the values out, without aliases.",
    ),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_sentences(case: str) -> None:
    text, wanted = SENTENCES[case]
    finding = only(text)
    assert f"{finding.line}:{finding.column} {finding.sentence} {finding.remedy}" == wanted


def test_an_error_in_one_document_hides_none_in_the_next() -> None:
    text = "a: [\n---\n" + GOOD.replace("weights:", "wights:") + "---\n" + GOOD
    found = checked(text)
    assert [finding.line for finding in found.findings] == [2, 9]
    assert [document.name for document in found.documents] == ["flowers"]


def test_aliases_of_aliases_are_not_written_out() -> None:
    levels = "".join(f"  b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 10)}]\n" for n in range(1, 9))
    messages = [finding.message for finding in checked("a:\n  b0: &b0 [x]\n" + levels).findings]
    assert "the document has more than 50000 values" in messages


def test_brackets_without_end() -> None:
    assert "nested too deeply" in only("a: " + "[" * 5000).message


@pytest.mark.parametrize("uri", ["data", "./data/flowers", "../data.zip", "~/data", "/data/flowers", "file:///data"])
def test_paths_are_for_this_machine(uri: str) -> None:
    text = GOOD.replace("s3://datasets/flowers", uri)
    (document,) = checked(text, Target.LOCAL).documents
    assert document.manifest["spec"]["data"]["train"]["uri"] == uri
    assert Path(document.spec.data.train.uri) == Path(uri)
    finding = only(text, Target.CLUSTER)
    assert finding.message.endswith("must begin with s3://, gs://, az://, https:// or pvc://")
    assert "copy them to a bucket" in finding.remedy


@pytest.mark.parametrize("uri", ["ftp://host/data", "http://host/a.zip", "file://host/data", "''"])
def test_not_everything_is_a_path(uri: str) -> None:
    assert only(GOOD.replace("s3://datasets/flowers", uri), Target.LOCAL).path == "spec.data.train.uri"


def test_own_weights_are_safetensors_here_too() -> None:
    text = GOOD.replace("{name: DEFAULT}", "{uri: weights.pth}, input: {size: 64}")
    finding = only(text, Target.LOCAL)
    assert finding.path == "spec.backbone.weights.uri"
    assert "must be a .safetensors file for images and audio (pickled weights are never loaded)" in finding.message


@pytest.mark.parametrize("uri", ["minilm", "./minilm/", "/models/minilm", "file:///models/minilm", "minilm.tar.gz"])
def test_an_encoder_is_a_folder_or_an_archive_here(uri: str) -> None:
    text = TEXTS.replace("{name: DEFAULT}", f"{{uri: {uri}}}")
    (document,) = checked(text, Target.LOCAL).documents
    assert document.manifest["spec"]["backbone"]["weights"]["uri"] == uri
    assert only(text, Target.CLUSTER).path == "spec.backbone.weights.uri"


def test_an_encoder_is_no_state_dict() -> None:
    finding = only(TEXTS.replace("{name: DEFAULT}", "{uri: minilm.safetensors}"), Target.LOCAL)
    assert finding.path == "spec.backbone.weights.uri"
    assert "a folder or an archive with config.json, tokenizer.json and model.safetensors for text" in finding.message


def test_the_backbone_has_to_fit_the_task() -> None:
    finding = only(GOOD.replace("ImageClassification", "TextClassification"))
    assert finding.path == "spec.backbone.name"
    assert finding.message.startswith("the backbone does not fit the task")


def test_latin_letters_that_are_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(GOOD.encode() + b"# Bl\xfcten\n")
    (finding,) = check(path, Target.LOCAL).findings
    assert finding.place == f"{path}:10:5"
    assert finding.sentence == "the file is not UTF-8 from here on."


def test_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(GOOD, encoding="utf-8-sig")
    assert check(path, Target.CLUSTER).errors == ()


def test_load_lists_all_errors(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(MANY)
    with pytest.raises(DocumentInvalid) as caught:
        load(path, Target.LOCAL)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{path} has 12 errors:"
    assert (
        f'  {path}:12:25: spec.data.validationFraction must be a string, and 0.2 is a number. Write "0.2" in quotes.'
        in lines
    )


def test_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "flowers.yaml").write_text(GOOD)
    with pytest.raises(UsageError, match=r"There is no file .*flower\.yaml\. Did you mean .*flowers\.yaml\?"):
        load(tmp_path / "flower.yaml", Target.LOCAL)
    with pytest.raises(UsageError, match="is a folder"):
        load(tmp_path, Target.LOCAL)
