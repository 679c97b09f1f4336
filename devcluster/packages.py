"""Debian packages that the node is made of, installed when they are missing."""

import os
import shutil
import subprocess
from pathlib import Path

from devcluster import versions
from devcluster.errors import PrerequisiteError
from devcluster.report import step

_INSTALL = ("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300")


def missing() -> list[str]:
    """Names of packages whose programs or files are not here."""
    return sorted(package for thing, package in versions.DEBIAN_PACKAGES.items() if not _is_there(thing))


def install() -> None:
    """Install what is missing.

    Raises:
        PrerequisiteError: the package manager refused.
    """
    if not (wanted := missing()):
        return
    with step(f"install Debian packages: {', '.join(wanted)}"):
        # The list of packages may be missing or old: fetch it, but only when there is something to install.
        _apt("apt-get", "update", "--quiet")
        _apt(*_INSTALL, *wanted)
    if left := missing():
        raise PrerequisiteError(f"these packages are installed and yet their programs are not found: {', '.join(left)}")


def _is_there(thing: str) -> bool:
    return Path(thing).exists() if thing.startswith("/") else shutil.which(thing) is not None


def _apt(*command: str) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise PrerequisiteError(f"`{' '.join(command)}` failed:\n{done.stderr.strip()[-1500:]}")
