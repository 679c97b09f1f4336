"""Somebody touches what belongs to a TransferModel."""

import pytest

from tests.support import datasets
from tests.support.specs import quick_spec
from tests.support.stack import Workspace
from tests.support.waiting import hold, wait_for


@pytest.fixture(scope="module")
def served(shared_workspace: Workspace) -> Workspace:
    """A namespace with the TransferModel `colours`, Ready."""
    train = shared_workspace.upload("train", datasets.folder())
    shared_workspace.apply("colours", quick_spec(train))
    shared_workspace.wait_ready("colours")
    return shared_workspace


def test_a_deleted_inference_service_comes_back(served: Workspace) -> None:
    before = served.inference_service("colours")["metadata"]["uid"]
    served.stack.kubectl("delete", "isvc", "colours", "-n", served.namespace, "--wait=false")
    wait_for(
        lambda: served.inference_service("colours").get("metadata", {}).get("uid") not in (None, before),
        timeout_seconds=90,
        what="a new InferenceService",
    )
    served.wait_ready("colours")
    assert served.predict("colours", [datasets.picture("red", 1)])[0]["modelVersion"] == "v1"


def test_an_edited_inference_service_is_put_right(served: Workspace) -> None:
    patch = '{"spec": {"predictor": {"maxReplicas": 9}}}'
    served.stack.kubectl("patch", "isvc", "colours", "-n", served.namespace, "--type=merge", "-p", patch)
    wait_for(
        lambda: served.inference_service("colours")["spec"]["predictor"].get("maxReplicas") == 3,
        timeout_seconds=90,
        what="maxReplicas is as the TransferModel says",
    )


def test_the_job_of_a_recorded_run_does_not_come_back(served: Workspace) -> None:
    served.stack.kubectl("delete", "jobs", "--all", "-n", served.namespace)
    # Something that the operator surely looks at, so that "nothing happened" is not "nothing was seen".
    served.patch("colours", {"spec": {"serving": {"maxReplicas": 4}}})
    wait_for(
        lambda: served.inference_service("colours")["spec"]["predictor"].get("maxReplicas") == 4,
        timeout_seconds=30,
        what="the operator has looked",
    )
    hold(lambda: served.jobs("colours") == [], seconds=3, what="no Job comes back")
