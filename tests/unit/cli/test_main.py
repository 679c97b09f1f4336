"""Every way to end: a sentence and the remedy, a status that scripts may rely on, and no traceback."""

import errno
import os
import signal
import tempfile
from pathlib import Path

import pytest
from transfermodel.errors import ExitCode, NotFound, RunFailed
from transfermodel_cli import crashes, main

from tests.support.command import command, start

pytestmark = pytest.mark.unit

RAISING = """
import sys
import transfermodel_cli.app as app
from transfermodel.errors import *
def failing(*arguments, **options):
    {statement}
app.app = failing
from transfermodel_cli.main import main
main()
"""


def raising(statement: str, folder: Path, **changes: str) -> tuple[int, str]:
    """Run the program with a command that does this; return the status and what it says."""
    ended = command(folder=folder, program=("-c", RAISING.format(statement=statement)), changes=changes)
    assert ended.out == ""
    return ended.code, ended.err


@pytest.mark.parametrize(
    ("statement", "code", "said"),
    [
        ("raise NotFound('There is no x.', 'There is y.')", 4, "error: There is no x.\n→ There is y.\n"),
        ("raise RunFailed('It failed.')", 1, "error: It failed.\n"),
        ("raise KeyboardInterrupt", 130, ""),
        ("raise BrokenPipeError(32, 'Broken pipe')", 0, ""),
        ("return 6", 6, ""),
        ("return None", 0, ""),
        (
            "raise OSError(28, 'No space left on device', 'a/b')",
            1,
            "error: No space is left on the disk (a/b).\n→ Free some, or give another folder with --workspace.\n",
        ),
        (
            "raise PermissionError(13, 'Permission denied', 'a/b')",
            1,
            "error: Not allowed (a/b): Permission denied.\n→ Check who owns the file or folder.\n",
        ),
        (
            "import nothing_of_this_name",
            2,
            "error: This needs the Python package nothing_of_this_name, which is not installed.\n"
            "→ Install all with `pip install 'transfermodel[local]'`; without torch: 'transfermodel[cli]'.\n",
        ),
    ],
)
def test_errors_become_sentences(statement: str, code: int, said: str, tmp_path: Path) -> None:
    assert raising(statement, tmp_path) == (code, said)


def test_what_nobody_foresaw_is_saved_and_reported_as_a_bug(tmp_path: Path) -> None:
    (tmp_path / ".transfermodel").mkdir()
    code, said = raising("raise ZeroDivisionError('division by [zero]')", tmp_path)
    (saved,) = (tmp_path / ".transfermodel").iterdir()
    assert code == 1
    assert said == (
        "error: transfermodel failed in a way that nobody foresaw: ZeroDivisionError: division by [zero].\n"
        f"→ This is a bug of ours: please report it, with the traceback in {saved}.\n"
    )
    text = saved.read_text()
    assert "in failing" in text
    assert "python: 3." in text
    assert saved.stat().st_mode & 0o077 == 0


def test_without_a_workspace_it_is_saved_with_the_temporary_files(tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    raising("raise ZeroDivisionError", tmp_path, TMPDIR=str(folder))
    assert [path.name.startswith("crash-") for path in folder.iterdir()] == [True]
    assert not (tmp_path / ".transfermodel").exists()


def test_a_missing_module_of_our_own_is_a_bug(tmp_path: Path) -> None:
    code, said = raising("import transfermodel.nothing", tmp_path, TMPDIR=str(tmp_path))
    assert code == 1
    assert "This is a bug of ours" in said


@pytest.mark.parametrize(
    "statement", ["raise ZeroDivisionError", "raise OSError(5, 'x')", "import nothing_of_this_name"]
)
def test_whoever_debugs_sees_the_traceback(statement: str, tmp_path: Path) -> None:
    _, said = raising(statement, tmp_path, TRANSFERMODEL_DEBUG="1")
    assert said.startswith("Traceback")
    assert "in failing" in said


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_leaves_by_way_of_finally(number: signal.Signals, code: int, tmp_path: Path) -> None:
    statement = """
    import time
    try:
        print("ready", file=sys.stderr, flush=True)
        time.sleep(60)
    finally:
        print("tidied", file=sys.stderr, flush=True)
    """
    with start(folder=tmp_path, program=("-c", RAISING.format(statement=statement))) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "ready\n"
        process.send_signal(number)
        assert process.stderr.read() == "tidied\n"
    assert process.returncode == code


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_behind_stdout_is_told(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        ended = command("--help", folder=tmp_path, stdout=full)
    assert ended.code == 1
    assert ended.err.startswith("error: No space is left on the disk")
    assert "Traceback" not in ended.err
    assert "Exception ignored" not in ended.err


def test_a_reader_that_has_enough_is_told_nothing(tmp_path: Path) -> None:
    with start("--help", folder=tmp_path) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_sentences_have_colours_on_a_terminal_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.say(NotFound("No [x].", "Try `y`.")) == ExitCode.NOT_FOUND
    assert capsys.readouterr().err == "error: No [x].\n→ Try `y`.\n"
    assert main.say(RunFailed("Failed.")) == ExitCode.FAILED
    assert capsys.readouterr().err == "error: Failed.\n"


@pytest.mark.parametrize("number", [errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EMFILE, errno.EIO])
def test_every_error_of_the_system_has_a_remedy(number: int) -> None:
    error = main.system_error(OSError(number, os.strerror(number), "x"))
    assert error.message.endswith(".")
    assert error.remedy.endswith(".")


def test_a_traceback_that_cannot_be_saved_is_no_second_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRANSFERMODEL_WORKSPACE", str(tmp_path / "nothing"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nothing"))
    assert "TRANSFERMODEL_DEBUG=1" in crashes.explain(ValueError("x")).remedy
