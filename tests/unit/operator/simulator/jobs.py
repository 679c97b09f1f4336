"""Kubernetes' Job controller, and the kubelet."""

import json
from typing import Any

from transfermodel_operator.observed import Manifest
from transfermodel_operator.resources import names

from tests.unit.operator.simulator.objects import Objects
from tests.unit.operator.simulator.runs import result


class Jobs(Objects):
    """Jobs and their pods."""

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

    def finish_deletion(self, job: str) -> None:
        """The pods of a deleted Job are gone, and so is the Job."""
        for pod in self.pods_of(job):
            del self.pods[pod["metadata"]["name"]]
        del self.jobs[job]

    def finish_deletions(self) -> None:
        """The pods of all deleted Jobs are gone."""
        for job in [name for name, manifest in self.jobs.items() if "deletionTimestamp" in manifest["metadata"]]:
            self.finish_deletion(job)


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
