"""What a demo left on this machine, asked by the commands that it printed."""

import subprocess
from pathlib import Path

import httpx

from tests.support.command import environment


def answers(url: str, model: str) -> bool:
    """Tell whether a server at this address is ready to predict."""
    try:
        return httpx.get(f"{url}/v2/models/{model}/ready", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def shell(clone: Path, command: str) -> str:
    """Return what a command prints that a person would paste into a shell there; it must succeed."""
    answer = subprocess.run(
        ["bash", "-c", command],
        cwd=clone,
        env=environment(clone / "home"),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout
