"""Every bad input becomes a condition with a reason and a sentence, once, on the real stack.

All objects are applied at once; each test waits for its own.
"""

from dataclasses import dataclass, field

import pytest

from tests.support import datasets
from tests.support.specs import Manifest, quick_spec
from tests.support.stack import Workspace
from tests.support.waiting import hold

NONE: Manifest = {"mode": "None"}


@dataclass(frozen=True)
class Bad:
    """One bad TransferModel: what is wrong, and what must be said about it."""

    name: str
    condition: str
    reason: str
    says: tuple[str, ...]
    spec: Manifest = field(hash=False)

    def __str__(self) -> str:
        """Name the test."""
        return self.name


def data(uri: str, **more: object) -> Manifest:
    """Return spec.data."""
    return {"train": {"uri": uri}, "credentialsSecretName": "s3", **more}


def bad_inputs(w: Workspace) -> list[Bad]:
    """Upload what they need, and return them."""
    good = w.upload("good", datasets.folder())
    archives = w.upload(
        "archives",
        {
            "escaping.tar": datasets.tar(datasets.folder() | {"../../escaped.png": datasets.picture("red", 1)}),
            "link.tar": datasets.tar_with_link(datasets.folder()),
            "escaping.zip": datasets.zip_archive(datasets.folder() | {"../escaped.png": datasets.picture("red", 1)}),
        },
    )
    empty = w.upload("empty", datasets.folder() | {"yellow/": b""})
    single = w.upload("single", datasets.folder(("red",)))
    other = w.upload("other", datasets.folder(("grey", "red"), per_class=3))
    rubbish = {f"red/broken-{i}.png": b"not an image" for i in range(20)}
    mostly = w.upload("mostly-broken", datasets.folder(per_class=4) | rubbish)
    w.create_secret("wrong", AWS_SECRET_ACCESS_KEY="not-the-secret-of-this-key")
    w.upload("weights", {"broken.safetensors": b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "})
    input_32 = {"size": 32}

    def named(name: str, weights: Manifest, **more: object) -> Manifest:
        backbone = {"name": name, "weights": weights, **more}
        return quick_spec(good, backbone=backbone, training={"strategy": "FeatureExtraction"}, serving=NONE)

    def of(train: str, **more: object) -> Manifest:
        return quick_spec(train, serving=NONE) | {"data": data(train, **more)}

    def output(**values: object) -> Manifest:
        return quick_spec(good, serving=NONE, output=values)

    def resources(**limits: object) -> Manifest:
        spec = quick_spec(good, serving=NONE)
        spec["training"]["resources"] = {"limits": limits}
        return spec

    return [
        Bad(
            "unknown-backbone",
            "Trained",
            "UnknownBackbone",
            ("resnet18",),
            named("torchvision/resnet81", {"scratch": True}, input=input_32)
            | {"training": quick_spec(good)["training"]},
        ),
        Bad(
            "unknown-weights",
            "Trained",
            "WeightsUnavailable",
            ("IMAGENET1K_V1",),
            named("torchvision/resnet18", {"name": "IMAGENET9K"}),
        ),
        Bad(
            "no-download",
            "Trained",
            "WeightsUnavailable",
            ("IMAGENET1K_V1", "weights.uri"),
            named("torchvision/resnet18", {"name": "IMAGENET1K_V1"}),
        ),
        Bad(
            "misfit",
            "Trained",
            "WeightsMismatch",
            ("conv1.weight",),
            named(
                "torchvision/resnet18",
                {"uri": f"s3://datasets/{w.namespace}/weights/broken.safetensors"},
                input=input_32,
            ),
        ),
        Bad("no-bucket", "DataReady", "DataNotFound", ("s3://no-such-bucket",), of("s3://no-such-bucket/train")),
        Bad("no-prefix", "DataReady", "DataNotFound", ("nothing-here",), of("s3://datasets/nothing-here")),
        Bad("wrong-credentials", "DataReady", "DataAccessDenied", ("secret",), of(good, credentialsSecretName="wrong")),
        Bad("no-secret", "Trained", "SecretNotFound", ("absent",), of(good, credentialsSecretName="absent")),
        Bad("empty-class", "DataReady", "EmptyClass", ("yellow",), of(empty)),
        Bad("one-class", "DataReady", "TooFewClasses", ("red",), of(single)),
        Bad("classes-differ", "DataReady", "ClassesDiffer", ("grey",), of(good, test={"uri": other})),
        Bad("not-images", "DataReady", "TooManyUnreadableFiles", ("20",), of(mostly)),
        Bad("escaping-tar", "DataReady", "UnsafeArchive", ("escaped.png",), of(f"{archives}/escaping.tar")),
        Bad("escaping-zip", "DataReady", "UnsafeArchive", ("escaped.png",), of(f"{archives}/escaping.zip")),
        Bad("link-tar", "DataReady", "UnsafeArchive", ("link.png",), of(f"{archives}/link.tar")),
        Bad("many-gpus", "Trained", "Unschedulable", ("nvidia.com/gpu",), resources(**{"nvidia.com/gpu": 64})),
        Bad("no-memory", "Trained", "OutOfMemory", ("memory",), resources(memory="150Mi")),
        Bad(
            "no-output-bucket",
            "Trained",
            "OutputNotWritable",
            ("s3://no-such-output",),
            output(uri="s3://no-such-output", credentialsSecretName="s3"),
        ),
    ]


NAMES = [
    "unknown-backbone",
    "unknown-weights",
    "no-download",
    "misfit",
    "no-bucket",
    "no-prefix",
    "wrong-credentials",
    "no-secret",
    "empty-class",
    "one-class",
    "classes-differ",
    "not-images",
    "escaping-tar",
    "escaping-zip",
    "link-tar",
    "many-gpus",
    "no-memory",
    "no-output-bucket",
]


@pytest.fixture(scope="module")
def applied(shared_workspace: Workspace) -> tuple[Workspace, dict[str, Bad]]:
    """All bad inputs, applied together."""
    cases = {bad.name: bad for bad in bad_inputs(shared_workspace)}
    for bad in cases.values():
        shared_workspace.apply(bad.name, bad.spec)
    return shared_workspace, cases


@pytest.mark.parametrize("name", NAMES)
def test_becomes_a_sentence(applied: tuple[Workspace, dict[str, Bad]], name: str) -> None:
    workspace, cases = applied
    bad = cases[name]
    # Eighteen training pods share two cores here; alone, each answer takes seconds.
    message = workspace.wait_reason(name, bad.condition, bad.reason, timeout_seconds=300)
    for word in bad.says:
        assert word in message
    assert message.endswith((".", ")")), "a sentence"
    assert workspace.condition(name, "Ready")["status"] == "False"
    assert workspace.inference_service(name) == {}


def test_no_retry_storm(applied: tuple[Workspace, dict[str, Bad]]) -> None:
    workspace, cases = applied
    for name, bad in cases.items():
        workspace.wait_reason(name, bad.condition, bad.reason, timeout_seconds=300)

    def started() -> int:
        return len(workspace.pods("job-name"))

    settled = started()
    assert settled <= len(cases) + 3, "one pod per run, but for those that storage may yet answer"
    hold(lambda: started() <= settled + 1, seconds=5, what="no pod after pod")


def test_a_few_unreadable_files_are_skipped_and_reported(workspace: Workspace) -> None:
    files = datasets.folder(per_class=20) | {"red/broken.png": b"not an image"}
    workspace.apply("mostly-fine", quick_spec(workspace.upload("train", files), serving=NONE))
    workspace.wait_ready("mostly-fine")
    assert "1" in workspace.condition("mostly-fine", "DataReady")["message"]
    assert "broken.png" in workspace.condition("mostly-fine", "DataReady")["message"]


def test_a_foreign_inference_service_is_never_taken_over(workspace: Workspace) -> None:
    foreign = """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: claimed, annotations: {serving.kserve.io/deploymentMode: Knative}}
spec:
  predictor:
    minReplicas: 0
    containers: [{name: kserve-container, image: dev.local/nothing:here}]
"""
    workspace.stack.kubectl("apply", "-n", workspace.namespace, "-f", "-", stdin=foreign)
    before = workspace.inference_service("claimed")["spec"]
    workspace.apply("claimed", quick_spec(workspace.upload("train", datasets.folder())))
    message = workspace.wait_reason("claimed", "Serving", "NameConflict", timeout_seconds=300)
    assert "claimed" in message
    assert workspace.inference_service("claimed")["spec"] == before
    workspace.delete("claimed")
    assert workspace.inference_service("claimed")["spec"] == before


def test_unknown_field_is_refused_by_kubectl(workspace: Workspace) -> None:
    spec = quick_spec("s3://datasets/x") | {"pinnedVersion": "v1"}
    with pytest.raises(AssertionError, match="unknown field"):
        workspace.apply("unknown", spec)
