"""The Jobs of a TransferModel, read."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from transfermodel_operator.observed import Manifest, Observed
from transfermodel_operator.resources import containers, names


@dataclass(frozen=True)
class Attempt:
    """One Job and its pods."""

    job: Manifest
    pods: tuple[Manifest, ...]
    """Oldest first."""

    @property
    def name(self) -> str:
        """The Job's name."""
        return str(self.job["metadata"]["name"])

    @property
    def uid(self) -> str:
        """The Job's uid."""
        return str(self.job["metadata"]["uid"])

    @property
    def run_label(self) -> str:
        """The first digits of the run's key."""
        return str((self.job["metadata"].get("labels") or {}).get(names.RUN_LABEL, ""))

    @property
    def number(self) -> int:
        """How often the run was started, this time included."""
        return int(self._annotation(names.ATTEMPT_ANNOTATION) or 1)

    @property
    def spec_hash(self) -> str | None:
        """Hash of the spec that the Job was made from."""
        return self._annotation(names.SPEC_HASH_ANNOTATION)

    @property
    def requested(self) -> str | None:
        """The value of the run-requested annotation that the Job was started with."""
        return self._annotation(names.RUN_REQUESTED_ANNOTATION)

    @property
    def gpus(self) -> int:
        """How many GPUs the training pod is given."""
        (container,) = self.job["spec"]["template"]["spec"]["containers"]
        return containers.gpus(container.get("resources") or {})

    @property
    def deleting(self) -> bool:
        """Somebody has deleted the Job, and its pods are not all gone."""
        return "deletionTimestamp" in self.job["metadata"]

    @property
    def stopped(self) -> bool:
        """The operator has suspended the Job for good."""
        return bool((self.job.get("spec") or {}).get("suspend"))

    @cached_property
    def final(self) -> dict[str, Any] | None:
        """The Job's condition Complete or Failed, once it is True."""
        for condition in (self.job.get("status") or {}).get("conditions") or []:
            if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
                return dict(condition)
        return None

    @property
    def complete(self) -> bool:
        """The Job says that its work is done."""
        return self.final is not None and self.final["type"] == "Complete"

    @property
    def active(self) -> bool:
        """A pod of it runs, or may yet."""
        if self.final is None and not self.stopped:
            return True
        return any(is_alive(pod) for pod in self.pods)

    @property
    def ended_at(self) -> datetime | None:
        """When the Job ended."""
        return parse_time(self.final["lastTransitionTime"]) if self.final else None

    @property
    def start_time(self) -> str | None:
        """When the Job was started."""
        value = (self.job.get("status") or {}).get("startTime")
        return str(value) if value else None

    def _annotation(self, key: str) -> str | None:
        value = (self.job["metadata"].get("annotations") or {}).get(key)
        return None if value is None else str(value)


def read_attempts(observed: Observed) -> list[Attempt]:
    """Return this TransferModel's Jobs with their pods, by number of attempt."""
    uid = observed.model["metadata"]["uid"]
    jobs = [job for job in observed.jobs if names.controller_uid(job) == uid]
    attempts = [
        Attempt(job, by_age(pod for pod in observed.pods if names.controller_uid(pod) == job["metadata"]["uid"]))
        for job in jobs
    ]
    return sorted(attempts, key=lambda attempt: (attempt.number, attempt.name))


def orphans(observed: Observed) -> list[Manifest]:
    """Return training pods that still run though their Job is gone."""
    jobs = {job["metadata"]["uid"] for job in observed.jobs}
    return [
        pod
        for pod in observed.pods
        if names.RUN_LABEL in (pod["metadata"].get("labels") or {})
        and names.controller_uid(pod) not in jobs
        and is_alive(pod)
    ]


def is_alive(pod: Manifest) -> bool:
    """Tell whether a pod's containers may still run."""
    return (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")


def by_age(pods: Iterable[Manifest]) -> tuple[Manifest, ...]:
    """Return pods, oldest first."""
    return tuple(sorted(pods, key=lambda pod: (pod["metadata"].get("creationTimestamp", ""), pod["metadata"]["name"])))


def parse_time(text: str) -> datetime:
    """Return the time that Kubernetes wrote, in UTC."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def format_time(time: datetime) -> str:
    """Return a time as Kubernetes writes it, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
