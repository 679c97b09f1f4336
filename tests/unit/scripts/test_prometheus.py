"""scripts/prometheus, with programs of its own in place of apt's: where it looks, and what it unpacks."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.stack import REPOSITORY

pytestmark = pytest.mark.unit

TOOLS = ("bash", "dirname", "mkdir", "mktemp", "mv", "rm", "id")
SENTENCE = "there is no prometheus with its promtool; install them, or set PROMETHEUS_BIN to their folder"
DOWNLOADS = """
case $1 in
  update) echo updated >>"$LOG" ;;
  download) touch prometheus_2.42.0_amd64.deb ;;
  *) echo "it must install nothing: $*" >>"$LOG" && exit 1 ;;
esac
"""
UNPACKS = """
[ "$1" = -x ] && [ -e "$2" ] && mkdir -p "$3/usr/bin"
for program in prometheus promtool; do echo >"$3/usr/bin/$program" && chmod +x "$3/usr/bin/$program"; done
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Return a folder whose bin/ is all of the PATH; with no package manager."""
    (tmp_path / "bin").mkdir()
    for tool in (*TOOLS, "touch", "chmod"):
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


def program(folder: Path, name: str, script: str = "") -> None:
    """Put a program there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).unlink(missing_ok=True)  # or what a link leads to would be written
    (folder / name).write_text(f"#!{shutil.which('bash')}\n{script}\n")
    (folder / name).chmod(0o755)


def found(machine: Path, **variables: str) -> tuple[str, str]:
    """Run it; return the folder that it prints, and what else it says."""
    defaults = {"PATH": str(machine / "bin"), "HOME": str(machine), "LOG": str(machine / "log")}
    answer = subprocess.run(
        [REPOSITORY / "scripts" / "prometheus"],
        env=defaults | {"TRANSFERMODEL_CACHE": str(machine / "cache")} | variables,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return answer.stdout.strip(), answer.stderr.strip()


def test_what_is_installed_is_taken(machine: Path) -> None:
    for name in ("prometheus", "promtool"):
        program(machine / "bin", name)
    assert found(machine) == (str(machine / "bin"), "")


def test_what_somebody_names_comes_first(machine: Path) -> None:
    for folder in ("bin", "mine"):
        for name in ("prometheus", "promtool"):
            program(machine / folder, name)
    assert found(machine, PROMETHEUS_BIN=str(machine / "mine")) == (str(machine / "mine"), "")


def test_without_anything_it_says_so(machine: Path) -> None:
    program(machine / "bin", "prometheus")  # without promtool
    folder, said = found(machine)
    assert folder == ""
    assert SENTENCE in said


def test_debians_package_is_unpacked_once_and_not_installed(machine: Path) -> None:
    program(machine / "bin", "apt-get", DOWNLOADS)
    program(machine / "bin", "dpkg-deb", UNPACKS)
    program(machine / "bin", "id", "echo 0")
    unpacked = machine / "cache" / "prometheus" / "usr" / "bin"
    assert found(machine)[0] == str(unpacked)
    assert (machine / "log").read_text() == "updated\n"
    assert [entry.name for entry in (machine / "cache").iterdir()] == ["prometheus"], "nothing half done is left"
    assert found(machine) == (str(unpacked), "")
    assert (machine / "log").read_text() == "updated\n"


def test_without_root_the_lists_of_packages_are_taken_as_they_are(machine: Path) -> None:
    program(machine / "bin", "apt-get", DOWNLOADS)
    program(machine / "bin", "dpkg-deb", UNPACKS)
    program(machine / "bin", "id", "echo 1000")
    assert found(machine)[0]
    assert not (machine / "log").exists()


@pytest.mark.parametrize("failing", ["apt-get", "dpkg-deb"])
def test_a_download_that_fails_leaves_nothing(machine: Path, failing: str) -> None:
    program(machine / "bin", "apt-get", DOWNLOADS)
    program(machine / "bin", "dpkg-deb", UNPACKS)
    program(machine / "bin", failing, "echo 'no network' >&2; exit 100")
    folder, said = found(machine)
    assert folder == ""
    assert "no network" in said
    assert SENTENCE in said
    assert list((machine / "cache").iterdir()) == []
