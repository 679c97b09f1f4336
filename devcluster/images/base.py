"""The base image of the project's Dockerfile, made from Debian's packages where no registry can be reached."""

import os
import re
import shutil
import subprocess
import threading
from pathlib import Path

from devcluster import paths
from devcluster.images.command import run
from devcluster.report import step

SUITE = "bookworm"
PACKAGES = ("ca-certificates", "catatonit", "python3", "python3-venv")
# What Debian's own slim images leave out as well.
UNWANTED = (
    "usr/share/doc/*",
    "usr/share/info/*",
    "usr/share/lintian/*",
    "usr/share/locale/*",
    "usr/share/man/*",
    "var/cache/apt/*",
    "var/cache/debconf/*-old",
    "var/lib/apt/lists/*",
    "var/log/*",
)
# Raise it when what is done here changes: the base is kept between runs.
REVISION = 2
_lock = threading.Lock()


def folder() -> Path:
    """Where the base's root file system is kept."""
    return paths.IMAGES / "base" / f"debian-{SUITE}-{REVISION}"


def ensure() -> Path:
    """Make the root file system once; later calls return at once.

    Raises:
        DevclusterError: debootstrap failed.
    """
    target = folder()
    with _lock:
        if not target.is_dir():
            work = target.with_suffix(".partial")
            shutil.rmtree(work, ignore_errors=True)
            work.parent.mkdir(parents=True, exist_ok=True)
            with step(f"base image: Debian {SUITE} with Python, by debootstrap"):
                run(
                    ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(work), *mirror()]
                )
                slim(work)
            work.rename(target)
    return target


def mirror() -> list[str]:
    """The package mirror that this machine itself uses, if it is a Debian; else debootstrap's own default."""
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", f"Codename: {SUITE}"],
        capture_output=True,
        text=True,
        check=False,
    )
    first = next(iter(done.stdout.split()), "")
    return [first.rstrip("/")] if re.match(r"https?://", first) else []


def slim(root: Path) -> None:
    """Remove what a container never reads: documentation, package lists, caches, devices.

    Python's own bytecode stays: images run with read-only root file systems, where it could never be written again.
    """
    for pattern in ("dev/*", *UNWANTED):
        for path in root.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    # A device or socket left behind by the installation would make the layer unpackable without privileges.
    for parent, _folders, files in os.walk(root):
        for name in files:
            path = Path(parent, name)
            if not path.is_symlink() and not path.is_file():
                path.unlink()
