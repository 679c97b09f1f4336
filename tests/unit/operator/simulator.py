"""A small cluster without I/O: Kubernetes' Job controller, Knative and KServe as far as the operator can tell.

KServe's part follows its source (v0.20, ksvc_reconciler.go and PropagateStatus), the rollback of
latestRolledoutRevision included.
"""

import copy
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from transfermodel_operator.observed import Apis, Base, Manifest, Observed, Proof, Refusal
from transfermodel_operator.plan import EventPost, Plan
from transfermodel_operator.reconcile import reconcile
from transfermodel_operator.resources import names
from transfermodel_operator.settings import Settings

NAMESPACE = "demo"


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


def result(request: dict[str, Any], **overrides: Any) -> str:
    """Return the termination message of a run that succeeded."""
    run = request["run"]
    values = {
        "outcome": "Succeeded",
        "run": run,
        "inputsDigest": "1" * 64,
        "dataDigest": "2" * 64,
        "uri": f"{request['outputUri']}/{request['namespace']}/{request['name']}/runs/{run}/{'1' * 64}/artifact",
        "digest": f"sha256:{names.hash_of(run)}",
        "metrics": {"accuracy": "0.81"},
        "metricsSplit": "test",
        "estimated": False,
        "counts": {"classes": 3, "train": 60, "validation": 15, "test": 30, "skipped": 0},
        "seconds": {"training": 3.0, "total": 4.2},
        "device": "cpu",
    }
    return json.dumps(values | overrides)


def failure(kind: str, reason: str, message: str = "It failed. Mend it.") -> str:
    """Return the termination message of a run that failed."""
    return json.dumps({"outcome": "Failed", "failure": kind, "reason": reason, "message": message})


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
class World:
    """One namespace."""

    settings: Settings = field(default_factory=settings)
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    apis: Apis = field(default_factory=Apis)
    models: dict[str, Manifest] = field(default_factory=dict)
    jobs: dict[str, Manifest] = field(default_factory=dict)
    pods: dict[str, Manifest] = field(default_factory=dict)
    recorded: dict[str, Manifest] = field(default_factory=dict)
    services: dict[str, Manifest] = field(default_factory=dict)
    revisions: dict[str, Manifest] = field(default_factory=dict)
    proofs: dict[str, Proof] = field(default_factory=dict)
    refusals: dict[str, Refusal] = field(default_factory=dict)
    progress: dict[str, str] = field(default_factory=dict)
    warnings: dict[str, str] = field(default_factory=dict)
    proved: set[str] = field(default_factory=set)
    """Revisions that ever answered rightly; what the operator may have forgotten."""
    events: list[EventPost] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    jobs_created: int = 0
    counter: int = 0

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

    def uid(self) -> str:
        """Return a new uid."""
        self.counter += 1
        return f"uid-{self.counter}"

    def time(self) -> str:
        """Return the time as Kubernetes writes it."""
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

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

    def check_new_job(self, job: Manifest) -> None:
        """No recorded run runs again, and no two Jobs of a TransferModel are active."""
        labels, owner = job["metadata"]["labels"], names.controller_uid(job)
        for revision in self.recorded.values():
            same_run = revision["metadata"]["labels"][names.RUN_LABEL] == labels[names.RUN_LABEL]
            assert not (same_run and names.controller_uid(revision) == owner), "a recorded run runs again"
        model = labels[names.MODEL_LABEL]
        active = [j for j in self.jobs.values() if j["metadata"]["labels"][names.MODEL_LABEL] == model and is_active(j)]
        assert len(active) == 1, "two Jobs are active"
        alive = [
            pod
            for pod in self.pods.values()
            if pod["metadata"]["labels"][names.MODEL_LABEL] == model
            and names.RUN_LABEL in pod["metadata"]["labels"]
            and pod["status"]["phase"] in ("Pending", "Running")
        ]
        assert alive == [], "a pod of the former run still runs"

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

    def finish_deletion(self, job: str) -> None:
        """The pods of a deleted Job are gone, and so is the Job."""
        for pod in self.pods_of(job):
            del self.pods[pod["metadata"]["name"]]
        del self.jobs[job]

    def finish_deletions(self) -> None:
        """The pods of all deleted Jobs are gone."""
        for job in [name for name, manifest in self.jobs.items() if "deletionTimestamp" in manifest["metadata"]]:
            self.finish_deletion(job)

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

    # -- The Job controller and the kubelet

    def pods_of(self, job: str, *, alive: bool = False) -> list[Manifest]:
        """Return a Job's pods."""
        uid = self.jobs[job]["metadata"]["uid"]
        found = [pod for pod in self.pods.values() if names.controller_uid(pod) == uid]
        return [pod for pod in found if not alive or pod["status"]["phase"] in ("Pending", "Running")]

    def start_pod(self, job: str) -> str:
        """Create a pod of a Job and run it."""
        manifest = self.jobs[job]
        self.counter += 1
        name = f"{job}-{self.counter}"
        owner = {"kind": "Job", "name": job, "uid": manifest["metadata"]["uid"], "controller": True}
        self.pods[name] = {
            "metadata": {
                "name": name,
                "labels": manifest["spec"]["template"]["metadata"]["labels"],
                "ownerReferences": [owner],
                "creationTimestamp": self.time(),
            },
            "spec": manifest["spec"]["template"]["spec"],
            "status": {
                "phase": "Running",
                "containerStatuses": [{"name": names.TRAINER_CONTAINER, "state": {"running": {}}}],
            },
        }
        manifest.setdefault("status", {})["startTime"] = self.time()
        return name

    def mark_disrupted(self, pod: str) -> None:
        """Mark a pod for eviction; its container has its grace period yet."""
        condition = {"type": "DisruptionTarget", "status": "True", "lastTransitionTime": self.time()}
        self.pods[pod]["status"].setdefault("conditions", []).append(condition)

    def interrupt(self, pod: str, code: int = 143, *, marked: bool = True, gone: bool = True) -> None:
        """Take a pod away: as an eviction does, or without its mark; by deletion, or by killing it where it is."""
        if marked:
            self.mark_disrupted(pod)
        self.end_pod(pod, code, "")
        self.judge_pod(pod)
        if gone:
            del self.pods[pod]

    def judge_pod(self, pod: str) -> None:
        """Do what the Job controller does about a pod that has ended: its failure policy, then its backoff limit."""
        uid = names.controller_uid(self.pods[pod])
        job = next(job for job in self.jobs.values() if job["metadata"]["uid"] == uid)
        status = self.pods[pod]["status"]
        code = status["containerStatuses"][0]["state"]["terminated"]["exitCode"]
        action = next(
            (rule["action"] for rule in job["spec"]["podFailurePolicy"]["rules"] if matches(rule, status, code)),
            "Count",
        )
        if code == 0:
            self.end_job(job["metadata"]["name"], "Complete")
        elif action == "Count":
            counted = job.setdefault("status", {}).setdefault("failed", 0) + 1
            job["status"]["failed"] = counted
            if counted > job["spec"]["backoffLimit"]:
                self.end_job(job["metadata"]["name"], "Failed")
        elif action == "FailJob":
            self.end_job(job["metadata"]["name"], "Failed")

    def end_pod(self, pod: str, code: int, message: str, reason: str = "") -> None:
        """End the trainer in a pod."""
        status = self.pods[pod]["status"]
        ended = {"exitCode": code, "message": message, "finishedAt": self.time(), "reason": reason}
        status["phase"] = "Failed" if code else "Succeeded"
        status["containerStatuses"][0]["state"] = {"terminated": ended}

    def end_job(self, job: str, kind: str) -> None:
        """Give a Job its last condition."""
        condition = {"type": kind, "status": "True", "lastTransitionTime": self.time(), "message": "said the Job"}
        self.jobs[job].setdefault("status", {})["conditions"] = [condition]

    def request_of(self, job: str) -> dict[str, Any]:
        """Return the RunRequest of a Job."""
        env = self.jobs[job]["spec"]["template"]["spec"]["containers"][0]["env"]
        return dict(json.loads(env[0]["value"]))

    def succeed(self, job: str | None = None, **overrides: Any) -> None:
        """Let the (only) Job succeed."""
        job = job or next(name for name, manifest in self.jobs.items() if is_active(manifest))
        self.end_pod(self.start_pod(job), 0, result(self.request_of(job), **overrides))
        self.end_job(job, "Complete")

    def fail(self, code: int, message: str, reason: str = "") -> None:
        """Let the (only) active Job fail for good."""
        job = next(name for name, manifest in self.jobs.items() if is_active(manifest))
        self.end_pod(self.start_pod(job), code, message, reason)
        self.end_job(job, "Failed")

    # -- Knative and KServe

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


ROLLED_OUT = "latestRolledoutRevision"
PREVIOUS = "previousRolledoutRevision"


def matches(rule: dict[str, Any], status: dict[str, Any], code: int) -> bool:
    """Tell whether a rule of a podFailurePolicy is about a pod that ended."""
    if "onExitCodes" in rule:
        assert rule["onExitCodes"]["operator"] == "In"
        return code != 0 and code in rule["onExitCodes"]["values"]
    wanted = [(pattern["type"], pattern["status"]) for pattern in rule["onPodConditions"]]
    return any((condition["type"], condition["status"]) in wanted for condition in status.get("conditions") or [])


def is_active(job: Manifest) -> bool:
    """Tell whether a Job may still start pods."""
    if "deletionTimestamp" in job["metadata"] or job["spec"].get("suspend"):
        return False
    return not (job.get("status") or {}).get("conditions")


def is_ready(revision: Manifest) -> bool:
    """Tell whether a Revision is ready."""
    return bool(revision["status"]["conditions"][0]["status"] == "True")
