"""`transfermodel validate` and the API server are of one mind about every file."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from transfermodel.documents import Target, check_text

from tests.api.crd.accepted import ACCEPTED
from tests.api.crd.changes import transfer_model
from tests.api.crd.refused import REFUSED
from tests.api.validation.conftest import Ask
from tests.api.validation.corpus import SMALLEST, TEXTS, replaced

# Where we refuse what the API server takes, on purpose.
STRICTER = {
    "no name of its own": (
        replaced("  name: flowers", "  generateName: flowers-"),
        "metadata.name is missing",
    ),
    "its own base": (
        SMALLEST.replace(
            "    name: torchvision/resnet18\n    weights:\n      name: DEFAULT", "    fromTransferModel: flowers"
        ),
        "flowers starts from itself",
    ),
}


def ours(text: str) -> list[str]:
    """Return our errors."""
    return [error.sentence for error in check_text(text, Path("model.yaml"), Target.CLUSTER).errors]


@pytest.mark.parametrize("name", TEXTS)
def test_of_a_text(ask: Ask, name: str) -> None:
    accepted, said = ask(TEXTS[name])
    errors = ours(TEXTS[name])
    assert accepted == (not errors), f"API server: {said or 'accepted'}; we: {errors or 'accepted'}"


@pytest.mark.parametrize("name", [*ACCEPTED, *REFUSED])
def test_of_a_spec(ask: Ask, name: str) -> None:
    text = json.dumps(transfer_model(ACCEPTED[name] if name in ACCEPTED else REFUSED[name][0]))
    accepted, said = ask(text)
    errors = ours(text)
    assert accepted == (name in ACCEPTED), said
    assert accepted == (not errors), f"API server: {said or 'accepted'}; we: {errors or 'accepted'}"


@pytest.mark.parametrize("name", STRICTER)
def test_stricter_on_purpose(ask: Ask, name: str) -> None:
    text, sentence = STRICTER[name]
    accepted, said = ask(text)
    assert accepted, said
    assert any(sentence in error for error in ours(text))


def test_what_kubectl_merges_before_it_sends(ask: Ask) -> None:
    """The API server's own reader knows no key that outweighs a merged one; kubectl sends what is left as JSON."""
    text = (
        replaced("    train:\n", "    train: &train\n") + "    test:\n      <<: *train\n      uri: s3://other/place\n"
    )
    checked = check_text(text, Path("model.yaml"), Target.CLUSTER)
    assert checked.errors == ()
    manifest = checked.documents[0].manifest
    assert manifest["spec"]["data"]["test"] == {"uri": "s3://other/place"}
    assert ask(json.dumps(manifest)) == (True, "")


EVERYTHING = yaml.safe_load(
    SMALLEST
    + """\
    validationFraction: "0.2"
    credentialsSecretName: s3
  training:
    strategy: FineTuning
    fineTuning: {unfreeze: LastStages, stages: 2, epochs: 3, learningRate: "1e-3", batchSize: 8}
    seed: 1
    maxDurationSeconds: 600
    resources: {limits: {cpu: 2, memory: 4Gi}}
    nodeSelector: {disk: fast}
    tolerations: [{key: gpu, operator: Exists, effect: NoSchedule}]
  output: {uri: "s3://models", credentialsSecretName: s3}
  serving: {mode: Knative, minReplicas: 1, maxReplicas: 2, resources: {requests: {cpu: 500m}}}
  suspend: false
"""
)
SCALARS = (None, True, False, -1, 0, 1, 2, 41, 4097, 10**12, 2**63, 0.5, 3.0)
TEXTS_OF_FIELDS = (
    *("", "0.2", "1", "-1", "1e-3", "a", "A", "a\n", "é" * 41, "4Gi", "All", "FineTuning", "DEFAULT"),
    *("s3://a", "s3://a/b", "https://a/b.zip", "https://a/b.safetensors", "torchvision/resnet18"),
)
BRANCHES: tuple[Any, ...] = (
    [],
    ["0", "0", "0"],
    {},
    {"uri": "s3://a/b"},
    {"size": 64},
    {"name": "DEFAULT"},
    {"scratch": True},
    {"a": 1},
)
VALUES = st.one_of(
    st.sampled_from(SCALARS),
    st.sampled_from(TEXTS_OF_FIELDS),
    st.sampled_from(BRANCHES),
    st.text(max_size=12).filter(str.isprintable),
    st.integers(-(2**33), 2**33),
)
NAMES = st.sampled_from(
    (
        *("name", "uri", "weights", "fromTransferModel", "input", "size", "mean", "std", "scratch"),
        *("validation", "test", "strategy", "fineTuning", "unfreeze", "stages", "epochs", "seed", "trainig"),
        *("mode", "resources", "requests", "limits", "key", "a"),
    )
)


def branches(node: Any) -> list[Any]:
    """Return every mapping and list of a value."""
    children = list(node.values()) if isinstance(node, dict) else node if isinstance(node, list) else []
    own = [node] if isinstance(node, dict | list) else []
    return own + [branch for child in children for branch in branches(child)]


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """Return a manifest with one to three fields changed, added or taken away."""
    manifest: dict[str, Any] = deepcopy(EVERYTHING)
    for _ in range(draw(st.integers(1, 3))):
        places = branches(manifest["spec"])
        node = draw(st.sampled_from(places)) if places else None
        if isinstance(node, dict):
            key = draw(st.one_of(st.sampled_from(sorted(node)), NAMES) if node else NAMES)
            if key in node and draw(st.booleans()):
                del node[key]
            else:
                node[key] = deepcopy(draw(VALUES))
        elif isinstance(node, list):
            node.append(deepcopy(draw(VALUES)))
    return manifest


@settings(max_examples=600, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(manifest=mutated())
def test_of_mutated_specs(ask: Ask, manifest: dict[str, Any]) -> None:
    text = json.dumps(manifest, ensure_ascii=False)
    accepted, said = ask(text)
    errors = ours(text)
    note(f"API server: {said or 'accepted'}; we: {errors or 'accepted'}")
    assert accepted == (not errors)
