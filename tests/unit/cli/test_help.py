"""Help, version and completion: quick, grouped, and the same program for kubectl."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from transfermodel.workspace import LocalModel
from transfermodel_cli.app import GROUPS
from transfermodel_cli.main import run

from tests.support.command import command, environment

pytestmark = pytest.mark.unit

HEAVY = (
    "torch",
    "numpy",
    "onnxruntime",
    "PIL",
    "kubernetes",
    "yaml",
    "rich",
    "pydantic",
    "httpx",
    "kserve",
    "transfermodel_operator",
)
COMMANDS = [function.__name__ for functions in GROUPS.values() for function in functions]
IMPORTED = """
import json, sys
from transfermodel_cli.main import run
code = run(sys.argv[1:])
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]), file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], [], *([name, "--help"] for name in COMMANDS)])
def test_nothing_heavy_is_imported_for_help(arguments: list[str], tmp_path: Path) -> None:
    ended = command(*arguments, folder=tmp_path, program=("-c", IMPORTED))
    code, modules = json.loads(ended.err)
    assert code == 0
    assert ended.out
    assert not set(HEAVY) & set(modules)


def test_commands_stand_in_groups_in_the_order_of_a_day(tmp_path: Path) -> None:
    text = command("--help", folder=tmp_path).out
    places = [text.index(f"\n{group}:\n") for group in GROUPS]
    assert places == sorted(places)
    for group, functions in GROUPS.items():
        section = text.split(f"\n{group}:\n")[1].split("\n\n")[0]
        assert [line.split()[0] for line in section.splitlines() if line.startswith("  ") and line[2] != " "] == [
            function.__name__ for function in functions
        ]


@pytest.mark.parametrize("columns", ["50", "80", "120"])
def test_help_fits_the_terminal(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for arguments in ([], *([name] for name in COMMANDS)):
        assert run([*arguments, "--help"]) == 0
        text = capsys.readouterr().out
        # An option and its type stand on one line, whatever its length.
        assert max(len(line) for line in text.splitlines() if not line.lstrip().startswith("-")) <= int(columns)


def test_help_is_plain_text_on_a_pipe(tmp_path: Path) -> None:
    assert "\x1b" not in command("run", "--help", folder=tmp_path).out


def test_no_arguments_show_help_and_a_wrong_one_the_way_to_it(tmp_path: Path) -> None:
    assert command(folder=tmp_path).out == command("--help", folder=tmp_path).out
    ended = command("predct", folder=tmp_path)
    assert ended.code == 2
    assert ended.error == "error: No such command 'predct'. Did you mean 'predict'?\n→ See `transfermodel --help`.\n"


def test_version(tmp_path: Path) -> None:
    ended = command("--version", folder=tmp_path)
    assert ended.code == 0
    assert ended.out.startswith("transfermodel ")


def test_as_a_plugin_it_has_kubectls_name(tmp_path: Path) -> None:
    plugin = tmp_path / "kubectl-transfermodel"
    plugin.write_text("from transfermodel_cli.main import main\nmain()\n")
    assert "Usage: kubectl transfermodel [OPTIONS]" in command("--help", folder=tmp_path, program=(str(plugin),)).out
    ended = command("logs", folder=tmp_path, program=(str(plugin),))
    assert ended.code == 2
    assert "See `kubectl transfermodel logs --help`." in ended.error


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_installed(shell: str, tmp_path: Path) -> None:
    shown = command(
        "--show-completion", shell, folder=tmp_path, changes={"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    )
    assert shown.code == 0
    assert "_TRANSFERMODEL_COMPLETE=complete_" + shell in shown.out
    installed = command(
        "--install-completion", shell, folder=tmp_path, changes={"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    )
    assert installed.code == 0
    files = [path for path in tmp_path.rglob("*") if path.is_file() and "_TRANSFERMODEL_COMPLETE" in path.read_text()]
    assert len(files) == 1


def completed(line: str, folder: Path) -> list[str]:
    """Return what bash would offer for the last word of a line."""
    words = line.split(" ")
    ended = command(
        folder=folder,
        changes={
            "_TRANSFERMODEL_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        },
    )
    return ended.out.split()


def test_completion_knows_commands_options_and_models(colours: LocalModel, tmp_path: Path) -> None:
    assert completed("transfermodel pre", tmp_path) == ["predict"]
    assert completed("transfermodel run --se", tmp_path) == ["--serve"]
    assert completed("transfermodel predict ", tmp_path) == ["colours"]
    assert completed("transfermodel predict x", tmp_path) == []
    other = tmp_path / "elsewhere"
    other.mkdir()
    assert completed("transfermodel predict ", other) == []
    assert completed(f"transfermodel predict --workspace {tmp_path}/.transfermodel ", other) == ["colours"]


def test_kubectl_completes_its_plugin(colours: LocalModel, tmp_path: Path) -> None:
    def offered(*words: str) -> list[str]:
        program = ("-c", "from transfermodel_cli.completion import kubectl; kubectl()")
        ended = command(*words, folder=tmp_path, program=program)
        assert ended.code == 0, ended.err
        *lines, directive = ended.out.splitlines()
        assert directive == ":0"
        return [line.split("\t")[0] for line in lines if line]

    assert offered("pre") == ["predict"]
    assert offered("predict", "") == ["colours"]
    assert offered("predict", "c") == ["colours"]
    assert set(COMMANDS) <= set(offered(""))


def test_the_installed_programs_are_this_one(tmp_path: Path) -> None:
    for name in ("transfermodel", "kubectl-transfermodel"):
        program = Path(sys.executable).with_name(name)
        if not program.exists():
            pytest.fail(f"{program} is missing: install the package (scripts/bootstrap does)")
        text = subprocess.run(
            [program, "--help"], env=environment(tmp_path), capture_output=True, text=True, check=True
        )
        assert os.path.basename(name).replace("-", " ") in text.stdout
