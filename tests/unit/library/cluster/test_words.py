"""Every reason has words, and every one that needs a person has a remedy."""

import json

import pytest
from transfermodel.cluster.surroundings import Secret
from transfermodel.cluster.words import WORDS, in_words, more, remedies
from transfermodel_operator.api import Reason

from tests.unit.library.cluster.objects import around, pod

IT_TAKES_ITS_TIME = {
    Reason.RECONCILING,
    Reason.PENDING,
    Reason.PULLING_IMAGE,
    Reason.RUNNING,
    Reason.DEPLOYING,
    Reason.RETRYING,
    Reason.SUCCEEDED,
    Reason.SERVED,
    Reason.NOT_SERVED,
}
SPEC = {
    "backbone": {"fromTransferModel": "base"},
    "data": {"train": {"uri": "s3://b/train"}, "credentialsSecretName": "keys"},
    "output": {"uri": "s3://models", "credentialsSecretName": "keys"},
}


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_words_and_a_remedy(reason: Reason) -> None:
    assert WORDS[reason][0].islower() or reason.name.startswith(("KSERVE", "KNATIVE"))
    found = remedies(reason, around(SPEC))
    assert bool(found) is (reason not in IT_TAKES_ITS_TIME)
    assert not any("None" in remedy for remedy in found), "no name is made up"


def test_a_reason_of_a_newer_operator_is_split_into_words() -> None:
    assert in_words("QuotaUsedUp") == "quota used up"
    assert remedies("QuotaUsedUp", around(SPEC)) == ()


def test_only_the_secret_that_is_missing_is_made() -> None:
    spec = SPEC | {"output": {"uri": "s3://m", "credentialsSecretName": "output-keys"}}
    whole = Secret(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
    assert Secret(("AZURE_STORAGE_ACCOUNT_NAME",)).missing == (), "it is for another store"
    assert Secret(("AWS_ACCESS_KEY_ID", "AZURE_STORAGE_ACCOUNT_NAME")).missing == ("AWS_SECRET_ACCESS_KEY",)
    (remedy,) = remedies(Reason.SECRET_NOT_FOUND, around(spec, secrets={"keys": whole, "output-keys": None}))
    assert remedy.startswith("kubectl create secret generic output-keys -n demo ")


def test_a_patch_takes_out_what_no_node_has_wherever_it_was_asked_for() -> None:
    said = "0/2 nodes are available: 1 Insufficient nvidia.com/gpu, 2 Insufficient memory."
    unschedulable = {"type": "PodScheduled", "status": "False", "message": said}
    asked = {"limits": {"nvidia.com/gpu": 8}, "requests": {"nvidia.com/gpu": 8, "cpu": "1"}}
    surroundings = around({"training": {"resources": asked}}, pods=(pod(conditions=[unschedulable]),))
    patch, nodes = remedies(Reason.UNSCHEDULABLE, surroundings)
    gone = {"nvidia.com/gpu": None}
    assert json.loads(patch.rpartition(" -p ")[2].strip("'")) == {
        "spec": {"training": {"resources": {"limits": gone, "requests": gone}}}
    }
    assert "memory" in nodes.lower()


@pytest.mark.parametrize(
    ("before", "after"), [("4Gi", "8Gi"), ("150Mi", "1Gi"), ("1500Mi", "3Gi"), (2 * 1024**3, "4Gi")]
)
def test_more_memory_is_at_least_twice_as_much(before: str | int, after: str) -> None:
    assert more(before) == after
