"""One namespace: what people do there, the operator, and the API server."""

import copy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from transfermodel_operator.observed import Apis, Base, Manifest, Observed, Proof, Refusal
from transfermodel_operator.plan import EventPost, Plan
from transfermodel_operator.reconcile import reconcile
from transfermodel_operator.resources import names
from transfermodel_operator.settings import Settings

from tests.unit.operator.simulator.jobs import Jobs
from tests.unit.operator.simulator.objects import NAMESPACE
from tests.unit.operator.simulator.serving import Serving, is_ready


def settings(**overrides: Any) -> Settings:
    """Return the settings of the tests."""
    values = {
        "trainerImage": "registry.example/trainer:1",
        "predictorImage": "registry.example/predictor:1",
        "output": {"uri": "s3://models", "credentialsSecretName": "s3"},
    }
    return Settings.model_validate(values | overrides)


def spec(**overrides: Any) -> dict[str, Any]:
    """Return a small spec."""
    return {
        "task": "ImageClassification",
        "backbone": {"name": "torchvision/resnet18", "weights": {"scratch": True}, "input": {"size": 32}},
        "data": {"train": {"uri": "s3://datasets/train"}, "credentialsSecretName": "s3"},
        "training": {"strategy": "FineTuning", "fineTuning": {"unfreeze": "All"}},
    } | overrides


def merge(target: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Apply a JSON merge patch (RFC 7386)."""
    merged = dict(target)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            merged[key] = merge(merged.get(key) or {}, value)
        else:
            merged[key] = value
    return merged


@dataclass
class World(Jobs, Serving):
    """One namespace."""

    settings: Settings = field(default_factory=settings)
    apis: Apis = field(default_factory=Apis)
    models: dict[str, Manifest] = field(default_factory=dict)
    proofs: dict[str, Proof] = field(default_factory=dict)
    refusals: dict[str, Refusal] = field(default_factory=dict)
    progress: dict[str, str] = field(default_factory=dict)
    warnings: dict[str, str] = field(default_factory=dict)
    events: list[EventPost] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)

    # -- What people do

    def create(self, name: str = "digits", **overrides: Any) -> None:
        """Apply a new TransferModel."""
        metadata = {"name": name, "namespace": NAMESPACE, "uid": self.uid(), "generation": 1}
        self.models[name] = {"metadata": metadata, "spec": spec(**overrides)}

    def edit(self, name: str = "digits", **overrides: Any) -> None:
        """Change parts of the spec."""
        model = self.models[name]
        model["spec"] = model["spec"] | overrides
        model["metadata"]["generation"] += 1

    def annotate(self, key: str, value: str, name: str = "digits") -> None:
        """Set an annotation; the generation stays."""
        self.models[name]["metadata"].setdefault("annotations", {})[key] = value

    def tick(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    # -- The operator's shell

    def observe(self, name: str = "digits") -> Observed:
        """Read everything, as cluster.py does."""

        def labelled(objects: dict[str, Manifest], label: str = names.MODEL_LABEL) -> tuple[Manifest, ...]:
            return tuple(copy.deepcopy(o) for o in objects.values() if o["metadata"]["labels"].get(label) == name)

        return Observed(
            model=copy.deepcopy(self.models[name]),
            bases=self.chain(name),
            jobs=labelled(self.jobs),
            pods=labelled(self.pods),
            job_warnings=dict(self.warnings),
            progress={pod: line for pod, line in self.progress.items() if pod in self.pods},
            controller_revisions=labelled(self.recorded),
            apis=self.apis,
            inference_service=copy.deepcopy(self.services.get(name)),
            revisions=labelled(self.revisions, names.INFERENCE_SERVICE_LABEL),
            proofs=dict(self.proofs),
            refusals=dict(self.refusals),
        )

    def chain(self, name: str) -> tuple[Base, ...]:
        """Follow fromTransferModel."""
        found: list[Base] = []
        following = self.models[name]["spec"]["backbone"].get("fromTransferModel")
        while following and following not in (name, *(base.name for base in found)):
            manifest = copy.deepcopy(self.models.get(following))
            versions = [r for r in self.recorded.values() if r["metadata"]["labels"][names.MODEL_LABEL] == following]
            found.append(Base(following, manifest, tuple(copy.deepcopy(versions)) if not found else ()))
            following = (manifest or {"spec": {"backbone": {}}})["spec"]["backbone"].get("fromTransferModel")
        return tuple(found)

    def plan(self, name: str = "digits") -> Plan:
        """Decide."""
        return reconcile(self.observe(name), self.settings, self.now)

    def reconcile(self, name: str = "digits") -> Plan:
        """Decide and do."""
        plan = self.plan(name)
        self.execute(name, plan)
        return plan

    def execute(self, name: str, plan: Plan) -> None:
        """Do what a plan says."""
        for deletion in plan.deletions:
            self.writes.append(f"delete {deletion.kind}/{deletion.name}")
            self.delete(deletion.kind, deletion.name)
        for manifest in plan.creations:
            self.writes.append(f"create {manifest['kind']}/{manifest['metadata']['name']}")
            self.post(copy.deepcopy(manifest))
        for manifest in plan.applies:
            self.writes.append(f"apply {manifest['kind']}/{manifest['metadata']['name']}")
            self.apply(copy.deepcopy(manifest))
        if plan.status is not None:
            self.writes.append(f"status {name}")
            model = self.models[name]
            model["status"] = merge(model.get("status") or {}, plan.status)
        self.events.extend(plan.events)
        if plan.proof is not None and plan.proof.revision in self.revisions:
            revision = self.revisions[plan.proof.revision]
            right = revision["metadata"]["labels"][names.DIGEST_LABEL] == names.short(plan.proof.digest)
            assert right, "a proof is asked of the revision of that digest"
            if is_ready(revision):
                self.proved.add(plan.proof.revision)
                self.proofs[plan.proof.revision] = Proof(plan.proof.revision, True, "", self.now)

    def execute_first(self, name: str, plan: Plan) -> None:
        """Do the first write of a plan only: the operator is killed then."""
        if plan.deletions:
            plan = Plan(deletions=plan.deletions[:1])
        elif plan.creations:
            plan = Plan(creations=plan.creations[:1])
        elif plan.applies:
            plan = Plan(applies=plan.applies[:1])
        self.execute(name, plan)

    def restart_operator(self) -> None:
        """Forget everything that is not in the cluster."""
        self.proofs.clear()
        self.refusals.clear()

    # -- The API server

    def post(self, manifest: Manifest) -> None:
        """Create an object."""
        store = {"Job": self.jobs, "ControllerRevision": self.recorded}[manifest["kind"]]
        name = manifest["metadata"]["name"]
        assert name not in store, f"{name} is taken"
        manifest["metadata"] |= {"uid": self.uid(), "creationTimestamp": self.time()}
        store[name] = manifest
        if manifest["kind"] == "Job":
            self.jobs_created += 1
            self.check_new_job(manifest)

    def delete(self, kind: str, name: str) -> None:
        """Delete an object; a Job in the foreground: it goes with its pods."""
        if kind == "InferenceService":
            self.services.pop(name, None)
            for revision in [r for r in self.revisions.values() if r["metadata"]["labels"][names.MODEL_LABEL] == name]:
                del self.revisions[revision["metadata"]["name"]]
            return
        if name in self.jobs:
            self.jobs[name]["metadata"]["deletionTimestamp"] = self.time()
            if not self.pods_of(name, alive=True):
                self.finish_deletion(name)

    def apply(self, manifest: Manifest) -> None:
        """Apply server-side; enough for one field manager."""
        name = manifest["metadata"]["name"]
        if manifest["kind"] == "Revision":
            self.apply_to_revision(manifest)
            return
        if manifest["kind"] == "Job":
            self.jobs[name]["spec"]["suspend"] = True
            for pod in self.pods_of(name, alive=True):
                del self.pods[pod["metadata"]["name"]]
            return
        live = self.services.get(name)
        if live is None:
            manifest["metadata"] |= {"uid": self.uid(), "creationTimestamp": self.time()}
            self.services[name] = manifest
            return
        assert manifest["metadata"]["uid"] == live["metadata"]["uid"]
        live["metadata"] |= {key: manifest["metadata"][key] for key in ("labels", "annotations")}
        live["spec"] = manifest["spec"]

    # -- All together

    def settle(self, name: str = "digits", *, ready: bool = True) -> None:
        """Run the operator, KServe and Knative until nothing moves; Jobs are left as they are."""
        for _ in range(20):
            plan = self.reconcile(name)
            before = copy.deepcopy((self.services, self.revisions))
            if name in self.services:
                self.serve(name, ready=ready)
            if plan.writes == 0 and plan.proof is None and before == (self.services, self.revisions):
                return
        raise AssertionError(f"does not come to rest: {self.writes[-6:]}")

    def run_to_ready(self, name: str = "digits", **overrides: Any) -> None:
        """Have the next version trained and served."""
        self.settle(name)
        self.succeed(**overrides)
        self.settle(name)

    def condition(self, kind: str, name: str = "digits") -> dict[str, Any]:
        """Return one condition of the status."""
        return next(dict(c) for c in self.models[name]["status"]["conditions"] if c["type"] == kind)

    def status(self, name: str = "digits") -> dict[str, Any]:
        """Return the status."""
        return dict(self.models[name]["status"])
