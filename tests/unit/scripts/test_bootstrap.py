"""scripts/bootstrap where it needs no network: what it finds installed, and the sentences it ends with."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.stack import REPOSITORY

TOOLS = ("bash", "dirname", "cat", "cksum", "uname", "df", "awk", "id", "rm", "cut")
"""All that it may use before anything is installed: what Linux and macOS both have."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a copy of what the script reads, and a PATH of nothing but TOOLS."""
    project = tmp_path / "project"
    (project / "scripts").mkdir(parents=True)
    shutil.copy(REPOSITORY / "scripts" / "bootstrap", project / "scripts")
    shutil.copy(REPOSITORY / "pyproject.toml", project)
    shutil.copytree(REPOSITORY / "requirements", project / "requirements")
    programs = tmp_path / "bin"
    programs.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (programs / tool).symlink_to(found)
    return project


def bootstrap(project: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [project / "scripts" / "bootstrap", *arguments],
        env={"PATH": str(project.parent / "bin"), "HOME": str(project.parent)} | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def program(project: Path, name: str, script: str) -> None:
    """Put a program in front of the machine's own."""
    path = project.parent / "bin" / name
    path.unlink(missing_ok=True)
    path.write_text(f"#!{shutil.which('bash')}\n{script}\n")
    path.chmod(0o755)


def stamp(project: Path, what: str, venv: str = ".venv") -> Path:
    """Say that it is installed, as the script itself does."""
    parts = ["bootstrap.txt", f"{what}.txt"]
    content = b"".join((project / "requirements" / part).read_bytes() for part in parts)
    content += (project / "pyproject.toml").read_bytes()
    answer = subprocess.run(["cksum"], input=content, capture_output=True, check=True)
    path = project / venv / f".stamp-{what}"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(answer.stdout)
    return path


@pytest.mark.parametrize(
    ("there", "asked"), [("dev", "dev"), ("dev", "local"), ("local", "local"), ("devcluster", "devcluster")]
)
def test_what_is_installed_is_not_installed_again(project: Path, there: str, asked: str) -> None:
    stamp(project, there, ".venv-devcluster" if there == "devcluster" else ".venv")
    answer = bootstrap(project, asked)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


@pytest.mark.parametrize("changed", ["requirements/local.txt", "requirements/bootstrap.txt", "pyproject.toml"])
def test_a_changed_lock_is_installed(project: Path, changed: str) -> None:
    stamp(project, "local")
    with (project / changed).open("a") as file:
        file.write("# changed\n")
    answer = bootstrap(project, "local")
    assert answer.returncode == 1
    assert "needs Python 3.11 to 3.13" in answer.stderr
    assert not (project / ".venv" / ".stamp-local").exists()


def test_developers_need_more_than_local(project: Path) -> None:
    stamp(project, "local")
    assert "needs Python" in bootstrap(project).stderr


def test_without_python_it_says_what_to_install(project: Path) -> None:
    answer = bootstrap(project, "local")
    first, *rest = answer.stdout.splitlines()
    assert first.startswith("bootstrap: downloads up to ")
    assert rest == []
    assert answer.stderr.splitlines()[-1] == (
        "bootstrap: needs Python 3.11 to 3.13 with the venv module (Debian and Ubuntu: python3-venv), or uv; then run "
        "this again."
    )


@pytest.mark.parametrize(
    ("system", "version", "sentence"),
    [
        ("Darwin x86_64", "15.1", "torch has no packages for Darwin x86_64"),
        ("Darwin arm64", "13.6.1", "needs macOS 14 or newer"),
        ("Darwin arm64", "14.0", "needs Python 3.11 to 3.13"),
        ("Linux aarch64", "", "psutil has no package for Linux on ARM"),
        ("MINGW64_NT-10.0 x86_64", "", "WSL on Windows"),
    ],
)
def test_a_system_that_cannot_do_it_is_told_before_anything_is_downloaded(
    project: Path, system: str, version: str, sentence: str
) -> None:
    kernel, machine = system.split(" ")
    program(project, "uname", f'case $1 in -s) echo "{kernel}" ;; -m) echo "{machine}" ;; *) exit 1 ;; esac')
    program(project, "sw_vers", f"echo {version}")
    answer = bootstrap(project, "local")
    assert answer.returncode == 1
    assert sentence in answer.stderr


def test_a_full_disk_is_told(project: Path) -> None:
    program(project, "df", "echo Filesystem 1024-blocks Used Available; echo /dev/a 90000000 88000000 2000000")
    assert "only 2 GB of disk are free" in bootstrap(project, "local").stderr


def test_another_word_is_a_usage_error(project: Path) -> None:
    answer = bootstrap(project, "everything")
    assert answer.returncode == 2
    assert "dev, local and devcluster" in answer.stderr


def test_whoever_asks_again_keeps_what_the_environment_says(project: Path) -> None:
    stamp(project, "local")
    assert bootstrap(project, "local", TORCH_INDEX="cpu").stdout == ""


def test_everything_that_only_cuda_needs_is_left_out(project: Path) -> None:
    """The names are written down in the script: another version of torch may need others."""
    lines = (project / "scripts" / "bootstrap").read_text().splitlines()
    (function,) = [line.strip() for line in lines if line.strip().startswith("awk '/^[a-z]/ {skip")]
    lock = project / "requirements" / "local.txt"
    answer = subprocess.run(
        ["bash", "-c", function.replace('"$1"', str(lock))], capture_output=True, text=True, check=True
    )
    names = {line.split("==")[0] for line in lock.read_text().splitlines() if "==" in line and line[0].isalpha()}
    kept = {line.split("==")[0] for line in answer.stdout.splitlines() if "==" in line and line[0].isalpha()}
    left_out = names - kept
    assert {"torch", "torchvision", "triton", "nvidia-cudnn-cu13", "cuda-bindings"} <= left_out
    assert {"numpy", "sympy", "networkx", "onnxruntime"} <= kept
    assert not [line for line in answer.stdout.splitlines() if "nvidia" in line or "cuda" in line]
