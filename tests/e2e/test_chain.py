"""TransferModels that start from one another."""

from tests.support import datasets
from tests.support.specs import Manifest, quick_spec
from tests.support.stack import Workspace


def from_base(base: str, train: str, **overrides: object) -> Manifest:
    """Return a spec that learns a head on another TransferModel's trunk."""
    spec = quick_spec(train, backbone={"fromTransferModel": base}, training={"strategy": "FeatureExtraction"})
    return spec | overrides


def test_a_chain_waits_in_order(workspace: Workspace) -> None:
    train = workspace.upload("train", datasets.folder())
    none: Manifest = {"mode": "None"}
    # The last one first: it must wait for what does not exist yet.
    workspace.apply("third", from_base("second", train, serving=none))
    assert "second" in workspace.wait_reason("third", "Trained", "BaseNotFound")
    workspace.apply("second", from_base("first", train, serving=none))
    workspace.wait_reason("third", "Trained", "WaitingForBase")
    assert workspace.jobs("second") == workspace.jobs("third") == []
    workspace.apply("first", quick_spec(train, serving=none))
    for name in ("first", "second", "third"):
        workspace.wait_ready(name)
    created = [workspace.status(name)["versions"][0]["createdAt"] for name in ("first", "second", "third")]
    assert created == sorted(created)


def test_a_cycle_is_an_error_that_names_it(workspace: Workspace) -> None:
    workspace.apply("hen", from_base("egg", "s3://datasets/none"))
    workspace.apply("egg", from_base("hen", "s3://datasets/none"))
    for name in ("hen", "egg"):
        message = workspace.wait_reason(name, "Trained", "BaseCycle", timeout_seconds=10)
        assert "hen" in message
        assert "egg" in message
        assert workspace.jobs(name) == []
