"""Anything may happen in any order: what must hold always, and that it comes to rest."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from transfermodel_operator.resources import names

from tests.unit.operator.simulator import World, failure, is_active, is_ready, result

pytestmark = pytest.mark.unit

MODEL, BASE = "digits", "base"
SEEDS = st.integers(0, 2)


class Cluster(RuleBasedStateMachine):
    """One TransferModel, at times on a base, among everything that happens to it."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.world.create()
        self.based = False

    # -- People

    @rule(seed=SEEDS)
    def edit_training(self, seed: int) -> None:
        self.world.edit(training={"strategy": "FeatureExtraction", "seed": seed} if self.based else fine_tuning(seed))

    @rule(memory=st.sampled_from(["4Gi", "8Gi"]))
    def edit_resources(self, memory: str) -> None:
        training = self.world.models[MODEL]["spec"]["training"]
        self.world.edit(training=training | {"resources": {"limits": {"memory": memory}}})

    @rule(replicas=st.integers(1, 3))
    def edit_serving(self, replicas: int) -> None:
        self.world.edit(serving={"maxReplicas": replicas})

    @rule(month=st.sampled_from([1, 7]), pods=st.integers(1, 3))
    def edit_windows(self, month: int, pods: int) -> None:
        """Windows that are open all the time of a test, and others that never are."""
        window = {"schedule": f"0 0 1 {month} *", "durationSeconds": 604800, "replicas": pods}
        self.world.edit(serving={"warm": [window]})

    @rule()
    def serve_nothing(self) -> None:
        self.world.edit(serving={"mode": "None"})

    @rule(suspend=st.booleans())
    def suspend(self, suspend: bool) -> None:
        self.world.edit(suspend=suspend)

    @rule(token=st.sampled_from("ab"))
    def request_run(self, token: str) -> None:
        self.world.annotate(names.RUN_REQUESTED_ANNOTATION, token)

    @rule()
    def break_spec(self) -> None:
        self.world.edit(task="Juggling")

    @rule()
    def mend_spec(self) -> None:
        self.world.edit(task="ImageClassification")

    @rule()
    def start_from_base(self) -> None:
        self.based = True
        backbone = {"fromTransferModel": BASE}
        self.world.edit(backbone=backbone, training={"strategy": "FeatureExtraction"})

    @precondition(lambda self: BASE not in self.world.models)
    @rule()
    def create_base(self) -> None:
        self.world.create(BASE)
        self.world.settle(BASE)

    @precondition(lambda self: BASE in self.world.models)
    @rule()
    def train_base(self) -> None:
        for job in [j for j in self.jobs(BASE) if is_active(self.world.jobs[j])]:
            self.world.succeed(job)
        self.world.settle(BASE)

    @precondition(lambda self: BASE in self.world.models)
    @rule()
    def delete_base(self) -> None:
        for store in (self.world.jobs, self.world.recorded, self.world.services, self.world.revisions, self.world.pods):
            for name in [n for n, o in store.items() if o["metadata"]["labels"][names.MODEL_LABEL] == BASE]:
                del store[name]
        del self.world.models[BASE]

    @rule()
    def wipe_status(self) -> None:
        self.world.models[MODEL].pop("status", None)

    @precondition(lambda self: MODEL in self.world.services)
    @rule()
    def delete_service(self) -> None:
        self.world.delete("InferenceService", MODEL)

    @precondition(lambda self: MODEL in self.world.services)
    @rule(replicas=st.integers(4, 5))
    def edit_service(self, replicas: int) -> None:
        self.world.services[MODEL]["spec"]["predictor"]["maxReplicas"] = replicas
        if self.world.services[MODEL]["spec"]["predictor"]["canaryTrafficPercent"] == 100:
            # KServe gives the next revision everything: nothing that an operator could prevent.
            self.world.create_revision(MODEL)
            self.world.revisions[list(self.world.revisions)[-1]]["foreign"] = True

    @precondition(lambda self: self.world.jobs)
    @rule(data=st.data())
    def delete_job(self, data: st.DataObject) -> None:
        self.world.delete("Job", data.draw(st.sampled_from(sorted(self.world.jobs))))

    # -- The cluster

    def jobs(self, model: str) -> list[str]:
        return [n for n, j in self.world.jobs.items() if j["metadata"]["labels"][names.MODEL_LABEL] == model]

    def active(self) -> list[str]:
        return [name for name in self.jobs(MODEL) if is_active(self.world.jobs[name])]

    def running_pods(self) -> list[str]:
        return [pod["metadata"]["name"] for name in self.jobs(MODEL) for pod in self.world.pods_of(name, alive=True)]

    @rule()
    def start_pods(self) -> None:
        for name in self.active():
            if not self.world.pods_of(name, alive=True):
                self.world.start_pod(name)

    @rule(percent=st.integers(0, 100))
    def report_progress(self, percent: int) -> None:
        for pod in self.running_pods():
            self.world.progress[pod] = f'{{"progress": {{"phase": "Training", "percent": {percent}}}}}'

    @rule(kind=st.sampled_from(["User", "Storage", "Run", "OOMKilled", "success", "garbage"]))
    def end_training(self, kind: str) -> None:
        for name in self.active():
            for pod in self.world.pods_of(name, alive=True):
                self.end_pod(name, pod["metadata"]["name"], kind)

    def end_pod(self, job: str, pod: str, kind: str) -> None:
        if kind == "success":
            self.world.end_pod(pod, 0, result(self.world.request_of(job)))
        elif kind in ("OOMKilled", "garbage"):
            self.world.end_pod(pod, 137 if kind == "OOMKilled" else 1, "Traceback", kind)
        else:
            reason = {"Storage": "StorageUnavailable", "User": "DataInvalid"}.get(kind, "RunFailed")
            self.world.end_pod(pod, 42, failure(kind, reason))
        self.world.judge_pod(pod)

    @rule()
    def announce_eviction(self) -> None:
        for pod in self.running_pods():
            self.world.mark_disrupted(pod)

    @rule(code=st.sampled_from([143, 137]), gone=st.booleans())
    def evict(self, code: int, gone: bool) -> None:
        self.take_away(code, marked=True, gone=gone)

    @rule(gone=st.booleans())
    def end_without_a_mark(self, gone: bool) -> None:
        self.take_away(143, marked=False, gone=gone)

    def take_away(self, code: int, *, marked: bool, gone: bool) -> None:
        """Whoever takes a pod away and however, the Job goes on."""
        for name in self.active():
            failed = self.world.jobs[name].get("status", {}).get("failed", 0)
            for pod in self.world.pods_of(name, alive=True):
                self.world.interrupt(pod["metadata"]["name"], code, marked=marked, gone=gone)
            assert is_active(self.world.jobs[name])
            assert self.world.jobs[name].get("status", {}).get("failed", 0) == failed

    @rule()
    def collect_finished_pods(self) -> None:
        for name in [n for n, pod in self.world.pods.items() if pod["status"]["phase"] not in ("Running", "Pending")]:
            del self.world.pods[name]

    @rule()
    def finish_deletions(self) -> None:
        self.world.finish_deletions()

    @precondition(lambda self: MODEL in self.world.services)
    @rule(step=st.sampled_from(["create", "ready", "break", "propagate", "all"]))
    def serve(self, step: str) -> None:
        world = self.world
        if step in ("create", "break"):
            world.create_revision(MODEL)
        if step == "ready":
            world.make_ready(MODEL)
        if step == "break" and not any(is_ready(r) for r in world.own_revisions(MODEL)[-1:]):
            world.break_revision(MODEL)
        if step == "propagate":
            world.propagate(MODEL)
        if step == "all":
            world.serve(MODEL)

    @rule(seconds=st.sampled_from([1.0, 30.0, 4000.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.tick(seconds)

    # -- The operator

    @rule()
    def reconcile(self) -> None:
        self.world.reconcile()

    @rule()
    def reconcile_and_run(self) -> None:
        """The way of most Jobs: created, and its pod runs."""
        self.world.reconcile()
        self.start_pods()

    @rule()
    def reconcile_but_die_halfway(self) -> None:
        plan = self.world.plan()
        self.world.execute_first(MODEL, plan)
        self.world.restart_operator()

    @rule()
    def restart_operator(self) -> None:
        self.world.restart_operator()

    # -- What must hold

    @invariant()
    def one_active_job_at_most(self) -> None:
        assert len(self.active()) <= 1
        assert len(self.running_pods()) <= 1

    @invariant()
    def versions_are_not_lost_or_doubled(self) -> None:
        uid = self.world.models[MODEL]["metadata"]["uid"]
        runs = [r["data"]["run"] for r in self.world.recorded.values() if names.controller_uid(r) == uid]
        assert len(runs) == len(set(runs))

    @rule()
    def comes_to_rest(self) -> None:
        """Undisturbed, the operator stops writing, whatever happened before; and does the right thing."""
        world = self.world
        for _ in range(12):
            world.finish_deletions()
            world.settle(MODEL)
            for job in self.active():
                for pod in world.pods_of(job, alive=True):
                    self.end_pod(job, pod["metadata"]["name"], "success")
                if is_active(world.jobs[job]):
                    world.succeed(job)
        before = len(world.writes)
        for _ in range(3):
            world.tick(3)
            plan = world.reconcile()
            assert plan.events == ()
        assert world.writes[before:] == []
        self.check_rest()

    def check_rest(self) -> None:
        world, spec = self.world, self.world.models[MODEL]["spec"]
        ready = world.condition("Ready")
        if ready["status"] != "True":
            return
        version = world.status()["versions"]
        if spec.get("serving", {}).get("mode") == "None":
            assert MODEL not in world.services
        else:
            live = [v["name"] for v in version if v["state"] == "Live"]
            assert world.traffic() == {live[0]: 100}
            assert world.status()["serving"]["version"] == live[0]
            assert world.status()["serving"]["verifiedAt"]
            windows = spec.get("serving", {}).get("warm", [])
            pods = max((window["replicas"] for window in windows if " 1 1 " in window["schedule"]), default=0)
            assert world.scale_of(world.status()["serving"]["revision"])[0] == pods


def fine_tuning(seed: int) -> dict[str, Any]:
    """Return a training that scratch weights allow."""
    return {"strategy": "FineTuning", "fineTuning": {"unfreeze": "All"}, "seed": seed}


Cluster.TestCase.settings = settings(
    max_examples=200, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestCluster = Cluster.TestCase
