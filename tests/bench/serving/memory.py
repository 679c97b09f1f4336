"""What a server's processes hold in memory, by the kernel's own count."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")


@dataclass(frozen=True)
class Memory:
    """In MB (10^6 bytes), all processes together."""

    resident: float
    """Every page that is there, those of shared libraries too."""
    proportional: float
    """The same, with shared pages divided among those who share them."""


def memory(pid: int, proc: Path = PROC) -> Memory:
    """Read it of a process and all below it.

    Raises:
        OSError: it has ended.
    """
    resident = proportional = 0
    for number in family(pid, proc):
        for line in (proc / str(number) / "smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name == "Rss":
                resident += int(rest.split()[0])
            elif name == "Pss":
                proportional += int(rest.split()[0])
    return Memory(resident * 1024 / 1e6, proportional * 1024 / 1e6)


def family(pid: int, proc: Path = PROC) -> list[int]:
    """Return a process and all that it has started."""
    found = [pid]
    for task in (proc / str(pid) / "task").glob("*"):
        for child in (task / "children").read_text().split():
            found += family(int(child), proc)
    return found
