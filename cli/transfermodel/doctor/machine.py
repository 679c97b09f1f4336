"""This machine: can it train and serve? No cluster is needed, and torch is asked in a process of its own."""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from transfermodel.doctor.findings import Finding, Level
from transfermodel.doctor.supported import PYTHON, Version, shown

GIB: Final = 1024**3
MEMORY_WANTED: Final = 2.0
"""GiB that a run on small images takes with torch in memory."""
DISK_WANTED, DISK_NEEDED = 2.0, 0.2
"""GiB: an artifact has tens of megabytes, a cache of weights hundreds."""
PACKAGES: Final = ("torch", "torchvision", "onnxruntime", "uvicorn")
INSTALL_LOCAL: Final = "pip install 'transfermodel[local]'"
ASK_TORCH: Final = """
import json, torch
cuda = torch.cuda.is_available()
print(json.dumps({
    "version": torch.__version__,
    "cuda": torch.cuda.get_device_name(0) if cuda else None,
    "builtForCuda": torch.version.cuda,
    "mps": torch.backends.mps.is_available(),
}))
"""


@dataclass(frozen=True)
class Machine:
    """What was read of this machine."""

    python: Version
    system: str
    cores: int
    memory_gib: float | None
    """None: this system does not tell."""
    available_gib: float | None
    disk_gib: float
    folder: Path
    """Where artifacts would go."""
    writable: bool
    missing: tuple[str, ...] = ()
    """Packages of transfermodel[local] that are not installed."""
    torch: dict[str, Any] | None = None
    """version, cuda (name of the device), builtForCuda, mps; None: torch cannot be imported."""
    torch_error: str = ""
    gpus: tuple[str, ...] = field(default=())
    """As the driver names them."""


def observe(folder: Path) -> Machine:
    """Read this machine; takes as long as `import torch` does."""
    there = existing(folder)
    missing = tuple(package for package in PACKAGES if not installed(package))
    torch, error = (None, "") if "torch" in missing else ask_torch()
    return Machine(
        python=tuple(sys.version_info[:3]),
        system=f"{platform.system()} {platform.machine()}",
        cores=usable_cores(),
        memory_gib=total_memory(),
        available_gib=available_memory(),
        disk_gib=shutil.disk_usage(there).free / GIB,
        folder=folder,
        writable=os.access(there, os.W_OK),
        missing=missing,
        torch=torch,
        torch_error=error,
        gpus=driver_gpus(),
    )


def existing(folder: Path) -> Path:
    """Return the folder, or the nearest above it that is there."""
    folder = folder.absolute()
    return next((place for place in (folder, *folder.parents) if place.exists()), Path("/"))


def installed(package: str) -> bool:
    """Tell whether a package is there, without importing it."""
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def ask_torch() -> tuple[dict[str, Any] | None, str]:
    """Return what torch says of itself, or the last line of its complaint."""
    command = [sys.executable, "-c", ASK_TORCH]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode == 0:
            return dict(json.loads(done.stdout.strip().splitlines()[-1])), ""
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as error:
        return None, type(error).__name__
    return None, (done.stderr.strip().splitlines() or ["no reason is given"])[-1]


def driver_gpus() -> tuple[str, ...]:
    """Return the GPUs that NVIDIA's driver knows."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    command = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(line.strip() for line in done.stdout.splitlines() if line.strip()) if done.returncode == 0 else ()


def usable_cores() -> int:
    """Return the cores that this process may use; macOS tells only how many there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def total_memory() -> float | None:
    """Return the machine's memory in GiB."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / GIB
    except (ValueError, OSError, AttributeError):
        return None


def available_memory() -> float | None:
    """Return the memory that can be had now, in GiB; only Linux tells without asking programs."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    values = dict(line.split(":", 1) for line in lines if ":" in line)
    kib = values.get("MemAvailable", "").split()
    return int(kib[0]) * 1024 / GIB if kib else None


def judge(machine: Machine) -> list[Finding]:
    """Return what is to be said about this machine."""
    return [*_python(machine), *_packages(machine), *_memory(machine), *_disk(machine), *_gpu(machine)]


def _finding(subject: str, level: Level, text: str, *remedies: str) -> Finding:
    return Finding("machine", subject, level, text, remedies)


def _python(machine: Machine) -> Iterator[Finding]:
    oldest, below = PYTHON
    text = f"{shown(machine.python)} on {machine.system}, {machine.cores} cores"
    if oldest <= machine.python < below:
        yield _finding("Python", "ok", text)
    else:
        wanted = f"{shown(oldest)} or later, below {shown(below)}"
        yield _finding("Python", "error", f"{text}; needed is {wanted}", "uv python install 3.12")


def _packages(machine: Machine) -> Iterator[Finding]:
    if machine.missing:
        text = f"not installed: {', '.join(machine.missing)}; without them nothing can be trained or served here"
        yield _finding("Packages", "warning", text, INSTALL_LOCAL)
    if machine.torch is not None:
        yield _finding("torch", "ok", str(machine.torch["version"]))
    elif "torch" not in machine.missing:
        text = f"cannot be imported: {machine.torch_error}"
        yield _finding("torch", "error", text, "pip install --force-reinstall torch torchvision")


def _memory(machine: Machine) -> Iterator[Finding]:
    total, free = machine.memory_gib, machine.available_gib
    if total is None:
        return
    text = f"{total:.1f} GiB" + ("" if free is None else f", {free:.1f} available")
    if (total if free is None else free) < MEMORY_WANTED:
        text += f"; a run takes some {MEMORY_WANTED:g}"
        yield _finding("Memory", "warning", text, "Close other programs, or train in a cluster: kubectl apply -f FILE")
    else:
        yield _finding("Memory", "ok", text)


def _disk(machine: Machine) -> Iterator[Finding]:
    if not machine.writable:
        text = f"{machine.folder} cannot be written"
        yield _finding("Disk", "error", text, "Name another folder: --workspace DIR, or TRANSFERMODEL_WORKSPACE=DIR")
        return
    text = f"{machine.disk_gib:.1f} GiB free for {machine.folder}"
    level: Level = "ok"
    if machine.disk_gib < DISK_WANTED:
        level = "error" if machine.disk_gib < DISK_NEEDED else "warning"
    remedies = () if level == "ok" else ("Free some space, or name another folder: --workspace DIR",)
    yield _finding("Disk", level, text, *remedies)


def _gpu(machine: Machine) -> Iterator[Finding]:
    torch = machine.torch or {}
    if torch.get("cuda"):
        yield _finding("GPU", "ok", f"{torch['cuda']}, which torch uses")
    elif machine.gpus and machine.torch is not None:
        built = torch.get("builtForCuda")
        why = f"built for CUDA {built}, which the driver does not support" if built else "a build for CPUs"
        remedy = "Upgrade NVIDIA's driver" if built else "pip install --force-reinstall torch torchvision"
        yield _finding("GPU", "warning", f"{machine.gpus[0]}, which torch does not see ({why})", remedy)
    elif not machine.gpus:
        yield _finding("GPU", "ok", "none: training runs on the CPU")
    else:
        yield _finding("GPU", "ok", machine.gpus[0])
