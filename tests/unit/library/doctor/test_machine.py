"""This machine: each lack is found, with its fix."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from transfermodel.doctor.findings import is_well
from transfermodel.doctor.machine import Machine, judge, observe

TORCH: dict[str, Any] = {"version": "2.9.0", "cuda": None, "builtForCuda": "13.0", "mps": False}
WELL = Machine(
    python=(3, 12, 1),
    system="Linux x86_64",
    cores=4,
    memory_gib=16.0,
    available_gib=8.0,
    disk_gib=50.0,
    folder=Path("/here"),
    writable=True,
    torch=TORCH,
)


def test_a_machine_that_has_everything_is_well() -> None:
    assert {finding.level for finding in judge(WELL)} == {"ok"}


@pytest.mark.parametrize(
    ("changes", "subject", "level", "words"),
    [
        ({"python": (3, 10, 2)}, "Python", "error", "3.11 or later"),
        ({"python": (3, 14, 0)}, "Python", "error", "below 3.14"),
        ({"missing": ("torch",), "torch": None}, "Packages", "warning", "torch"),
        ({"torch": None, "torch_error": "ImportError: libcuda"}, "torch", "error", "libcuda"),
        ({"available_gib": 0.7}, "Memory", "warning", "0.7 available"),
        ({"memory_gib": 1.0, "available_gib": None}, "Memory", "warning", "1.0 GiB"),
        ({"disk_gib": 1.0}, "Disk", "warning", "1.0 GiB free"),
        ({"disk_gib": 0.1}, "Disk", "error", "0.1 GiB free"),
        ({"writable": False}, "Disk", "error", "cannot be written"),
        ({"gpus": ("NVIDIA H200",)}, "GPU", "warning", "the driver does not support"),
        ({"gpus": ("NVIDIA H200",), "torch": TORCH | {"builtForCuda": None}}, "GPU", "warning", "a build for CPUs"),
        ({"gpus": ("NVIDIA H200",), "torch": TORCH | {"cuda": "NVIDIA H200"}}, "GPU", "ok", "which torch uses"),
    ],
)
def test_each_lack_is_found(changes: dict[str, Any], subject: str, level: str, words: str) -> None:
    findings = judge(dataclasses.replace(WELL, **changes))
    (found,) = [finding for finding in findings if finding.subject == subject]
    assert (found.level, words in found.text) == (level, True), found
    assert bool(found.remedies) is (level != "ok")
    assert is_well(findings) is (level != "error")


def test_this_very_machine_is_read(tmp_path: Path) -> None:
    machine = observe(tmp_path / "not" / "there")
    assert machine.writable
    assert machine.cores >= 1
    assert machine.disk_gib > 0
    assert machine.torch is not None, machine.torch_error
    assert not list(tmp_path.iterdir()), "nothing is made"
