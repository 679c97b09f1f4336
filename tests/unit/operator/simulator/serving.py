"""Knative and KServe.

KServe's part follows its source (v0.20, ksvc_reconciler.go and PropagateStatus), the rollback of
latestRolledoutRevision included.
"""

import copy
import json
from typing import Any

from transfermodel_operator.observed import Manifest
from transfermodel_operator.resources import names

from tests.unit.operator.simulator.objects import NAMESPACE, Objects

ROLLED_OUT = "latestRolledoutRevision"
PREVIOUS = "previousRolledoutRevision"


class Serving(Objects):
    """InferenceServices and their Revisions."""

    def serve(self, name: str = "digits", *, ready: bool = True) -> None:
        """Let KServe and Knative act until nothing moves; new revisions become ready, or not."""
        for _ in range(4):
            self.create_revision(name)
            if ready:
                self.make_ready(name)
            self.propagate(name)

    def own_revisions(self, name: str) -> list[Manifest]:
        """Return the Revisions of an InferenceService, oldest first."""
        return [r for r in self.revisions.values() if r["metadata"]["labels"][names.INFERENCE_SERVICE_LABEL] == name]

    def create_revision(self, name: str) -> None:
        """Make a Revision of the InferenceService's template, if it has changed."""
        live = self.services[name]
        predictor = {k: v for k, v in live["spec"]["predictor"].items() if k != "canaryTrafficPercent"}
        template = json.dumps([live["metadata"]["labels"], live["metadata"]["annotations"], predictor], sort_keys=True)
        own = self.own_revisions(name)
        if own and own[-1]["template"] == template:
            return
        number = len(own) + 1
        revision = f"{name}-predictor-{number:05d}"
        scale = {"min-scale": str(predictor["minReplicas"]), "max-scale": str(predictor["maxReplicas"])}
        annotations = {f"autoscaling.knative.dev/{key}": value for key, value in scale.items()}
        annotations |= predictor.get("annotations") or {}
        self.revisions[revision] = {
            "metadata": {
                "name": revision,
                "namespace": NAMESPACE,
                "uid": self.uid(),
                "labels": live["metadata"]["labels"] | {names.INFERENCE_SERVICE_LABEL: name},
                "annotations": live["metadata"]["annotations"] | annotations,
            },
            "spec": {"containers": copy.deepcopy(predictor["containers"])},
            "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]},
            "template": template,
        }

    def make_ready(self, name: str) -> None:
        """The newest Revision becomes ready, unless it has failed."""
        own = self.own_revisions(name)
        if own and own[-1]["status"]["conditions"][0]["status"] == "Unknown":
            own[-1]["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}

    def break_revision(self, name: str = "digits", message: str = "Container failed with: no such model") -> None:
        """The newest Revision fails."""
        own = self.own_revisions(name)
        own[-1]["status"] = {"conditions": [{"type": "Ready", "status": "False", "message": message}]}

    def propagate(self, name: str) -> None:
        """KServe writes the Knative Service's traffic, Knative follows, KServe copies its status."""
        live = self.services[name]
        own = self.own_revisions(name)
        status = live.setdefault("status", {})
        component = status.setdefault("components", {}).setdefault("predictor", {})
        if not own:
            return
        created = own[-1]["metadata"]["name"]
        ready = next((r["metadata"]["name"] for r in reversed(own) if is_ready(r)), None)
        percent, rolled_out = live["spec"]["predictor"].get("canaryTrafficPercent"), component.get(ROLLED_OUT)
        traffic: list[dict[str, Any]] = []
        if ready is not None:
            share = percent if percent is not None and rolled_out else 100
            traffic.append({"revisionName": ready, "latestRevision": True, "percent": share, "tag": "latest"})
            if share < 100:
                traffic.append({"revisionName": rolled_out, "percent": 100 - share, "tag": "prev"})
        component |= {"latestCreatedRevision": created, "traffic": traffic}
        if ready is None:
            return
        component["latestReadyRevision"] = ready
        component["url"] = f"http://{name}-predictor.{NAMESPACE}.example.com"
        total = sum(entry["percent"] for entry in traffic if entry["revisionName"] == ready)
        if rolled_out != ready:
            if traffic[0]["percent"] == 100:
                component |= {PREVIOUS: rolled_out, ROLLED_OUT: ready}
        elif ready == created and traffic[0]["percent"] < 100 and total == 100 and component.get(PREVIOUS):
            component[ROLLED_OUT] = component[PREVIOUS]
        status["conditions"] = [{"type": "PredictorRouteReady", "status": "True"}]
        self.check_traffic(traffic, own)

    def check_traffic(self, traffic: list[dict[str, Any]], own: list[Manifest]) -> None:
        """Nobody gets traffic who is not ready, ours and proved; but for the first, to whom KServe gives it at once."""
        for entry in traffic:
            if not entry["percent"]:
                continue
            revision = self.revisions[entry["revisionName"]]
            assert is_ready(revision), "traffic goes to a revision that is not ready"
            first = next(r for r in own if is_ready(r))
            proved = entry["revisionName"] in self.proved
            assert proved or revision is first or revision.get("foreign"), "traffic goes to a revision without proof"

    def traffic(self, name: str = "digits") -> dict[str, int]:
        """Return the version of each Revision that takes traffic, with its share."""
        component = self.services[name].get("status", {}).get("components", {}).get("predictor", {})
        shares: dict[str, int] = {}
        for entry in component.get("traffic", []):
            if entry["percent"]:
                version = self.revisions[entry["revisionName"]]["metadata"]["labels"][names.VERSION_LABEL]
                shares[version] = shares.get(version, 0) + entry["percent"]
        return shares

    def apply_to_revision(self, manifest: Manifest) -> None:
        """Knative takes new bounds of a Revision that is there, in order; nothing else of it may change."""
        assert set(manifest) == {"apiVersion", "kind", "metadata"}
        live = self.revisions[manifest["metadata"]["name"]]["metadata"]
        assert manifest["metadata"]["uid"] == live["uid"]
        live["annotations"] |= manifest["metadata"]["annotations"]
        assert self.scale_of(manifest["metadata"]["name"])[0] <= self.scale_of(manifest["metadata"]["name"])[1]

    def scale_of(self, revision: str) -> tuple[int, int]:
        """Return the least and the most pods of a Revision."""
        annotations = self.revisions[revision]["metadata"]["annotations"]
        return tuple(int(annotations[f"autoscaling.knative.dev/{key}-scale"]) for key in ("min", "max"))  # type: ignore[return-value]


def is_ready(revision: Manifest) -> bool:
    """Tell whether a Revision is ready."""
    return bool(revision["status"]["conditions"][0]["status"] == "True")
