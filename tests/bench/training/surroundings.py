"""What a run was made with: versions, threads, processor, date."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from transfermodel_trainer.training.device import Device

DISTRIBUTIONS = ("torch", "torchvision", "numpy", "scikit-learn", "transformers")


def facts(device: Device) -> dict[str, Any]:
    """Return them."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "threadsWait": os.environ.get("OMP_WAIT_POLICY", "by the library's default"),
        "device": device.name,
        "load": round(os.getloadavg()[0], 2),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in DISTRIBUTIONS},
    }


def processor() -> str:
    """Return its name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
