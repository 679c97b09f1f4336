"""Good and bad TransferModel files as people write them: one change of the smallest file each."""

from typing import Final

SMALLEST: Final = """\
apiVersion: transferlearning.dev/v1alpha1
kind: TransferModel
metadata:
  name: flowers
spec:
  task: ImageClassification
  backbone:
    name: torchvision/resnet18
    weights:
      name: DEFAULT
  data:
    train:
      uri: s3://datasets/flowers
"""
TUNING: Final = "  training:\n    strategy: FineTuning\n    fineTuning:\n"
RESOURCES: Final = "  training:\n    resources:\n      limits:\n"


def replaced(old: str, new: str) -> str:
    """Return the smallest file with one part replaced."""
    assert old in SMALLEST
    return SMALLEST.replace(old, new)


def metadata(*lines: str) -> str:
    """Return the smallest file with these lines as its metadata."""
    return replaced("  name: flowers\n", "".join(f"  {line}\n" for line in lines))


def weights(text: str) -> str:
    """Return the smallest file with other weights."""
    return replaced("    weights:\n      name: DEFAULT\n", text)


TEXTS: Final[dict[str, str]] = {
    "the smallest": SMALLEST,
    "JSON": '{"apiVersion": "transferlearning.dev/v1alpha1", "kind": "TransferModel", "metadata": {"name": "a"},'
    ' "spec": {"task": "ImageClassification", "backbone": {"fromTransferModel": "b"},'
    ' "data": {"train": {"uri": "s3://a/b"}}}}',
    "JSON with tabs": '{\n\t"apiVersion": "transferlearning.dev/v1alpha1",\n\t"kind": "TransferModel",'
    '\n\t"metadata": {"name": "a"},\n\t"spec": {"task": "ImageClassification", "backbone": {"fromTransferModel": "b"},'
    '\n\t"data": {"train": {"uri": "s3://a/b"}}}}',
    "comments": "# What it is\n" + SMALLEST.replace("spec:", "spec: # here"),
    "a document marker": "---\n" + SMALLEST,
    "a document marker and an end": "---\n" + SMALLEST + "...\n",
    # YAML itself.
    "a tab": replaced("  name: flowers", "\tname: flowers"),
    "a duplicate key": SMALLEST + "  task: ImageClassification\n",
    "a duplicate key further in": replaced("      name: DEFAULT\n", "      name: DEFAULT\n      name: V1\n"),
    "a colon without a space": replaced("task: Image", "task:Image"),
    "wrong indentation": replaced("  data:\n", "   data:\n"),
    "an open quote": replaced("name: flowers", 'name: "flowers'),
    "an open bracket": SMALLEST + "  serving: {mode: None\n",
    "an unknown alias": SMALLEST + "  serving: *same\n",
    "an anchor": replaced("    train:\n", "    train: &train\n") + "    test: *train\n",
    "a merge": replaced("    train:\n", "    train: &train\n") + "    test:\n      <<: *train\n",
    "a merge of a list": replaced("    train:\n", "    train: &train\n") + "    test:\n      <<: [*train]\n",
    "a merge of nothing that can be": SMALLEST + "    test:\n      <<: word\n      uri: s3://a/b\n",
    "a list": "- apiVersion: transferlearning.dev/v1alpha1\n",
    "a word": "flowers\n",
    "a block scalar": replaced("uri: s3://datasets/flowers", "uri: >-\n        s3://datasets/flowers"),
    "a literal with its newline": replaced("uri: s3://datasets/flowers", "uri: |\n        s3://datasets/flowers"),
    "a name with a newline": replaced("name: flowers", 'name: "flowers\\n"'),
    "a secret's name with a newline": SMALLEST + '    credentialsSecretName: "s3\\n"\n',
    # What a scalar means.
    "a number in quotes": SMALLEST + '    validationFraction: "0.2"\n',
    "a number without quotes": SMALLEST + "    validationFraction: 0.2\n",
    "a number with an exponent": SMALLEST + TUNING + "      learningRate: 1e-3\n",
    "a number with an exponent in quotes": SMALLEST + TUNING + "      learningRate: '1e-3'\n",
    "a whole number as a float": SMALLEST + TUNING + "      epochs: 3.0\n",
    "a whole number with an exponent": SMALLEST + TUNING + "      epochs: 1e1\n",
    "half an epoch": SMALLEST + TUNING + "      epochs: 3.5\n",
    "an octal number": SMALLEST + TUNING + "      epochs: 0o17\n",
    "an old octal number": SMALLEST + TUNING + "      epochs: 017\n",
    "no octal number": SMALLEST + TUNING + "      epochs: 018\n",
    "a hexadecimal number": SMALLEST + TUNING + "      epochs: 0x1F\n",
    "a binary number": SMALLEST + TUNING + "      epochs: 0b11\n",
    "underscores": SMALLEST + TUNING + "      epochs: 1_00\n",
    "a positive sign": SMALLEST + TUNING + "      epochs: +7\n",
    "a number in base 60": SMALLEST + TUNING + "      epochs: 1:30\n",
    "a number as a string": SMALLEST + TUNING + '      epochs: "3"\n',
    "not a number": SMALLEST + TUNING + "      epochs: .nan\n",
    "infinitely many": SMALLEST + TUNING + "      epochs: .inf\n",
    "a tagged string": SMALLEST + "    validationFraction: !!str 0.2\n",
    "a tagged integer": SMALLEST + TUNING + '      epochs: !!int "3"\n',
    "yes": SMALLEST + "  suspend: yes\n",
    "y": SMALLEST + "  suspend: y\n",
    "off": SMALLEST + "  suspend: off\n",
    "True": SMALLEST + "  suspend: True\n",
    "tRUE": SMALLEST + "  suspend: tRUE\n",
    "true in quotes": SMALLEST + '  suspend: "true"\n',
    "a name that means true": replaced("name: flowers", "name: yes"),
    "a name that is a number": replaced("name: flowers", "name: 12"),
    "a date as a name": replaced("name: DEFAULT", "name: 2001-01-01"),
    "a date as a secret": SMALLEST + "    credentialsSecretName: 2001-01-01\n",
    "numbers as keys": SMALLEST + "  training:\n    nodeSelector:\n      1: a\n      true: b\n",
    "null for a field with a default": SMALLEST + "  training:\n",
    "null for a default further in": SMALLEST + "  serving: {mode: null, minReplicas: ~}\n",
    "null for an optional field": SMALLEST + "  output: null\n",
    "null for a required field": replaced("  task: ImageClassification\n", "  task:\n"),
    "null for a part of one-of": weights("    weights: {name: null, scratch: null, uri: null}\n"),
    "null among means": SMALLEST.replace(
        "  data:", "    input: {size: 64, mean: ['0', null, '0'], std: ['1', '1', '1']}\n  data:"
    ),
    "null as a limit": SMALLEST + RESOURCES + "        memory: null\n",
    "null as limits": SMALLEST + "  training: {resources: {limits: null}}\n",
    "null as a node label": SMALLEST + "  training: {nodeSelector: {a: null}}\n",
    "null as a spec": "apiVersion: transferlearning.dev/v1alpha1\nkind: TransferModel\nmetadata: {name: a}\nspec:\n",
    "an empty spec": "apiVersion: transferlearning.dev/v1alpha1\nkind: TransferModel\nmetadata: {name: a}\nspec: {}\n",
    "no spec": "apiVersion: transferlearning.dev/v1alpha1\nkind: TransferModel\nmetadata: {name: a}\n",
    "a spec of words": "apiVersion: transferlearning.dev/v1alpha1\nkind: TransferModel\nmetadata: {name: a}\nspec: a\n",
    # Kinds and versions.
    "no apiVersion": replaced("apiVersion: transferlearning.dev/v1alpha1\n", ""),
    "no kind": replaced("kind: TransferModel\n", ""),
    "another version": replaced("v1alpha1", "v1"),
    "another kind": replaced("kind: TransferModel", "kind: TrainedModel"),
    "another's case": replaced("kind: TransferModel", "kind: Transfermodel"),
    "a number as a kind": replaced("kind: TransferModel", "kind: 1"),
    # Metadata.
    "no metadata": replaced("metadata:\n  name: flowers\n", ""),
    "metadata without a name": replaced("  name: flowers\n", "  labels: {a: b}\n"),
    "an empty name": metadata('name: ""'),
    "capitals in the name": metadata("name: Flowers"),
    "an underscore in the name": metadata("name: my_flowers"),
    "a dot in the name": metadata("name: my.flowers"),
    "a digit first": metadata("name: 1st"),
    "a dash last": metadata("name: flowers-"),
    "forty characters": metadata("name: " + "a" * 40),
    "forty-one characters": metadata("name: " + "a" * 41),
    "three hundred characters": metadata("name: " + "a" * 300),
    "a namespace": metadata("name: a", "namespace: default"),
    "an empty namespace": metadata("name: a", 'namespace: ""'),
    "a namespace with capitals": metadata("name: a", "namespace: Default"),
    "labels": metadata("name: a", "labels: {team: vision, app.kubernetes.io/part-of: shop}"),
    "a number as a label": metadata("name: a", "labels: {version: 1}"),
    "a label with a space": metadata("name: a", "labels: {team: my team}"),
    "an empty label": metadata("name: a", 'labels: {team: ""}'),
    "a label's key with two slashes": metadata("name: a", "labels: {a/b/c: d}"),
    "a label's key with a prefix of capitals": metadata("name: a", "labels: {Shop/b: d}"),
    "a label of null": metadata("name: a", "labels: {a: null}"),
    "labels as a list": metadata("name: a", "labels: [a]"),
    "annotations": metadata("name: a", "annotations: {note: 'What we want: this.'}"),
    "annotations with capitals": metadata("name: a", "annotations: {Example.com/Note: a}"),
    "an annotation without a key": metadata("name: a", 'annotations: {"": a}'),
    "a boolean as an annotation": metadata("name: a", "annotations: {note: true}"),
    "an unknown field of metadata": metadata("name: a", "label: {a: b}"),
    "a time of creation": metadata("name: a", "creationTimestamp: null"),
    "metadata as a word": replaced("metadata:\n  name: flowers\n", "metadata: flowers\n"),
    # Fields.
    "a status": SMALLEST + "status:\n  stage: Ready\n",
    "an unknown field beside the spec": SMALLEST + "stauts: {}\n",
    "an unknown field": SMALLEST + "  trainig: {}\n",
    "an unknown empty field": SMALLEST + "  trainig:\n",
    "a field in another case": replaced("  task:", "  Task:"),
    "a source without its uri": SMALLEST + "    test: {}\n",
    "a source as a word": SMALLEST + "    test: s3://datasets/test\n",
    "a path": replaced("s3://datasets/flowers", "data/flowers"),
    "a file": replaced("s3://datasets/flowers", "file:///data/flowers"),
    "a short uri": replaced("s3://datasets/flowers", "s3://"),
    "a long uri": replaced("s3://datasets/flowers", "s3://" + "a" * 2044),
    "an empty uri": replaced("s3://datasets/flowers", '""'),
    "a web page": replaced("s3://datasets/flowers", "https://example.com/data"),
    "both weights": replaced("      name: DEFAULT\n", "      name: DEFAULT\n      scratch: true\n"),
    "no weights": weights(""),
    "weights as a word": weights("    weights: DEFAULT\n"),
    "scratch without its training": weights("    weights: {scratch: true}\n    input: {size: 32}\n"),
    "scratch with its training": weights("    weights: {scratch: true}\n    input: {size: 32}\n")
    + TUNING
    + "      unfreeze: All\n",
    "scratch off": weights("    weights: {scratch: false}\n    input: {size: 32}\n") + TUNING + "      unfreeze: All\n",
    "a mean of numbers": SMALLEST.replace(
        "  data:", "    input: {size: 64, mean: [0, 0, 0], std: ['1', '1', '1']}\n  data:"
    ),
    "a mean without a deviation": SMALLEST.replace("  data:", "    input: {size: 64, mean: ['0', '0', '0']}\n  data:"),
    "a size of zero": SMALLEST.replace("  data:", "    input: {size: 0}\n  data:"),
    "a size too large for 64 bits": SMALLEST.replace("  data:", "    input: {size: 99999999999999999999}\n  data:"),
    "one mean": SMALLEST.replace("  data:", "    input: {size: 64, mean: ['0'], std: ['1']}\n  data:"),
    "a memory with a space": SMALLEST + RESOURCES + "        memory: 4 GB\n",
    "a memory in Gi": SMALLEST + RESOURCES + "        memory: 4Gi\n",
    "a memory in bytes": SMALLEST + RESOURCES + "        memory: 4000000000\n",
    "one and a half processors": SMALLEST + RESOURCES + "        cpu: 1.5\n",
    "one and a half processors in quotes": SMALLEST + RESOURCES + '        cpu: "1.5"\n',
    "an exponent of an exponent": SMALLEST + RESOURCES + '        cpu: "1e1.5"\n',
    "a boolean as a limit": SMALLEST + RESOURCES + "        cpu: true\n",
    "a mapping as a limit": SMALLEST + RESOURCES + "        cpu: {}\n",
    "seventeen limits": SMALLEST + RESOURCES + "".join(f"        a{n}: 1\n" for n in range(17)),
    "a toleration": SMALLEST + "  training:\n    tolerations: [{key: gpu, operator: Exists}]\n",
    "a toleration as a mapping": SMALLEST + "  training:\n    tolerations: {key: gpu}\n",
    "a toleration of an unknown effect": SMALLEST + "  training:\n    tolerations: [{effect: Never}]\n",
    "stages of all": SMALLEST + TUNING + "      unfreeze: All\n      stages: 2\n",
    "tuning without its strategy": SMALLEST + "  training: {fineTuning: {epochs: 2}}\n",
    "more replicas than the default": SMALLEST + "  serving: {minReplicas: 4}\n",
    "validation twice": SMALLEST + '    validation: {uri: s3://a/b}\n    validationFraction: "0.1"\n',
    "a fraction of one": SMALLEST + '    validationFraction: "1.0"\n',
    "a fraction of nothing": SMALLEST + '    validationFraction: ""\n',
    "a fraction in words": SMALLEST + "    validationFraction: a fifth\n",
    "an index file": replaced("s3://datasets/flowers", "s3://datasets/flowers.csv"),
    "an index file with its columns": replaced("s3://datasets/flowers", "s3://datasets/flowers.jsonl")
    + "    format: {pathColumn: image, labelColumn: species}\n",
    "an empty format": replaced("s3://datasets/flowers", "s3://datasets/flowers.csv") + "    format: {}\n",
    "columns without an index file": SMALLEST + "    format: {pathColumn: image}\n",
    "columns of the test set alone": SMALLEST + "    test: {uri: s3://a/b.csv}\n    format: {pathColumn: image}\n",
    "a column without a name": replaced("s3://datasets/flowers", "s3://datasets/flowers.csv")
    + '    format: {pathColumn: ""}\n',
    "an index file over https": replaced("s3://datasets/flowers", "https://datasets.test/flowers.csv"),
}
