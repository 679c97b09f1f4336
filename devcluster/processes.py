"""Host processes that are recorded when they start, so that a later command finds, judges and ends exactly these.

A record holds the process id together with the process's start time and the machine's boot: an id that the kernel has
given to another process meanwhile is never mistaken for ours.
"""

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devcluster.errors import ProcessError

_POLL_SECONDS = 0.05
# A process that runs but does not answer gets this long before it is taken to be stuck and started again.
_UNHEALTHY_SECONDS = 20.0


@dataclass(frozen=True)
class Identity:
    """One process, distinguishable from any later one with the same id.

    Attributes:
        pid: process id.
        start_ticks: start in clock ticks since boot.
        boot: the kernel's random id of this boot.
    """

    pid: int
    start_ticks: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> "Identity | None":
        """The identity of a process that runs now; None when there is none, or only its unreaped remains."""
        try:
            text = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return None
        # The second field is the program's name in brackets and may hold anything, so count from the last bracket.
        fields = text.rpartition(")")[2].split()
        if fields[0] in ("Z", "X"):
            return None
        return cls(pid, int(fields[19]), Path("/proc/sys/kernel/random/boot_id").read_text().strip())

    def is_running(self) -> bool:
        """Whether exactly this process still runs."""
        return Identity.of(self.pid) == self

    def send(self, number: signal.Signals) -> None:
        """Send a signal, to exactly this process or to nobody."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if self.is_running():  # after the handle is open the id cannot change hands
                signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            pass
        finally:
            os.close(handle)


@dataclass(frozen=True)
class Process:
    """A server as it should run.

    Attributes:
        name: of the record and the log file.
        command: program and arguments.
        healthy: whether it answers; must return within a few seconds and not raise.
        files: configuration that the program reads only when it starts; a change of their content restarts it.
        environment: added to this process's own.
    """

    name: str
    command: tuple[str, ...]
    healthy: Callable[[], bool]
    files: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def fingerprint(self) -> str:
        """Changes whenever a running process would have to be started again."""
        digest = hashlib.sha256(json.dumps([self.command, dict(self.environment)], sort_keys=True).encode())
        for file in self.files:
            digest.update(file.read_bytes())
        program = Path(self.command[0])
        if program.is_absolute():
            status = program.stat()
            digest.update(f"{status.st_size} {status.st_mtime_ns}".encode())
        return digest.hexdigest()


class Supervisor:
    """Starts, checks and ends processes; its memory is a folder of records.

    Args:
        records: folder of one JSON file per process.
        logs: folder of one log file per process.
        adopt: called with the id of each new process, to put it into a control group for instance.
    """

    def __init__(self, records: Path, logs: Path, adopt: Callable[[int], None] = lambda pid: None) -> None:
        """See the class."""
        self._records = records
        self._logs = logs
        self._adopt = adopt

    def ensure(self, process: Process, timeout_seconds: float = 60) -> bool:
        """Make a process run as described and answer.

        Returns:
            Whether it had to be started.

        Raises:
            ProcessError: it ended, or did not become healthy in time; with the end of its log.
        """
        identity, fingerprint = self._read(process.name)
        wanted = process.fingerprint()
        if identity and identity.is_running():
            if fingerprint == wanted and _poll(process.healthy, identity.is_running, _UNHEALTHY_SECONDS):
                return False
            self.stop(process.name)
        identity = self._start(process, wanted)
        if _poll(process.healthy, identity.is_running, timeout_seconds):
            return True
        if identity.is_running():
            problem = f"{process.name} did not answer within {timeout_seconds:.0f} s"
        else:
            problem = f"{process.name} ended right after its start"
        raise ProcessError(f"{problem}; the end of {self._log(process.name)}:\n{self._end_of_log(process.name)}")

    def is_running(self, name: str) -> bool:
        """Whether the recorded process runs."""
        identity, _fingerprint = self._read(name)
        return identity is not None and identity.is_running()

    def running(self) -> dict[str, int]:
        """Name -> process id of everything recorded that runs."""
        found = {}
        for file in sorted(self._records.glob("*.json")):
            identity, _fingerprint = self._read(file.stem)
            if identity and identity.is_running():
                found[file.stem] = identity.pid
        return found

    def stop(self, name: str, grace_seconds: float = 10) -> None:
        """End a recorded process, by force after a grace period; nothing happens when it does not run."""
        identity, _fingerprint = self._read(name)
        if identity:
            end([identity], grace_seconds)
        self._record(name).unlink(missing_ok=True)

    def _start(self, process: Process, fingerprint: str) -> Identity:
        self._records.mkdir(parents=True, exist_ok=True)
        self._logs.mkdir(parents=True, exist_ok=True)
        with self._log(process.name).open("ab") as log:
            child = subprocess.Popen(
                process.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | process.environment,
                cwd="/",
                start_new_session=True,  # an interrupt at the terminal must not reach it
            )
        identity = Identity.of(child.pid)
        if identity is None:
            raise ProcessError(
                f"{process.name} ended at once; the end of {self._log(process.name)}:\n{self._end_of_log(process.name)}"
            )
        record = {"pid": identity.pid, "startTicks": identity.start_ticks, "boot": identity.boot}
        unfinished = self._record(process.name).with_suffix(".unfinished")
        unfinished.write_text(json.dumps(record | {"fingerprint": fingerprint, "command": process.command}))
        unfinished.rename(self._record(process.name))
        self._adopt(identity.pid)
        return identity

    def _read(self, name: str) -> tuple[Identity | None, str]:
        try:
            record = json.loads(self._record(name).read_text())
            return Identity(record["pid"], record["startTicks"], record["boot"]), record["fingerprint"]
        except (FileNotFoundError, json.JSONDecodeError, KeyError):
            return None, ""

    def _record(self, name: str) -> Path:
        return self._records / f"{name}.json"

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _end_of_log(self, name: str) -> str:
        try:
            return "\n".join(self._log(name).read_text(errors="replace").splitlines()[-12:])
        except FileNotFoundError:
            return "(no log)"


def end(identities: Iterable[Identity], grace_seconds: float) -> None:
    """Ask processes to end, wait, and kill those that are left after the grace period."""
    left = [identity for identity in identities if identity.is_running()]
    for number, patience in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, 10.0)):
        for identity in left:
            identity.send(number)
        deadline = time.monotonic() + patience
        while left and time.monotonic() < deadline:
            _reap()
            left = [identity for identity in left if identity.is_running()]
            if left:
                time.sleep(_POLL_SECONDS)


def _reap() -> None:
    """Collect children of this very command that have ended, for they count as running until then."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _poll(condition: Callable[[], bool], alive: Callable[[], bool], timeout_seconds: float) -> bool:
    deadline = time.monotonic() + timeout_seconds
    while True:
        if condition():
            return alive()
        if not alive() or time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
