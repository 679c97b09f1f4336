"""The program: errors become sentences, Ctrl-C is clean, and the exit status is one of `ExitCode`."""

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from transfermodel.errors import ExitCode, TransferModelError, UsageError

from transfermodel_cli.names import program_name

SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


def main() -> NoReturn:
    """Run the command line and exit."""
    for number in SIGNALS:
        # `nohup` ignores SIGHUP on purpose; that stays.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal that knows no → shows ?; it is no reason to fail.
            stream.reconfigure(errors="replace")
    code = run()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # `transfermodel … | head`: who read it has enough. Without this Python complains while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        code = say(system_error(error))
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def end(number: int, _: FrameType | None) -> NoReturn:
    """Leave by way of every `finally`, so that trainers and servers that were started end, too."""
    sys.exit(128 + number)


def run(arguments: list[str] | None = None) -> int:
    """Run with these arguments (default: the process's own); return the exit status."""
    from transfermodel_cli import crashes

    try:
        return invoke(arguments)
    except TransferModelError as error:
        return say(error)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        return ExitCode.OK
    except ModuleNotFoundError as error:
        if crashes.debugging():
            raise
        return say(missing(error) or crashes.explain(error))
    except OSError as error:
        if crashes.debugging():
            raise
        return say(system_error(error))
    except Exception as error:
        if crashes.debugging():
            raise
        return say(crashes.explain(error))


def invoke(arguments: list[str] | None) -> int:
    """Run the command; what is wrong with the command line itself is raised as a UsageError."""
    import typer

    from transfermodel_cli.app import app

    try:
        # Standalone mode would print tracebacks of its own and turn Ctrl-C into exit status 1.
        result = app(args=arguments, prog_name=program_name(), standalone_mode=False)
    except typer.Exit as error:
        return error.exit_code
    except typer.Abort:
        return ExitCode.INTERRUPTED
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context else program_name()
        raise UsageError(sentence(error.format_message()), f"See `{path} --help`.") from error
    return int(result) if isinstance(result, int) else ExitCode.OK


def say(error: TransferModelError) -> int:
    """Print the sentence and the remedy; return the exit status."""
    colours = sys.stderr.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    red, dim, off = ("\x1b[1;31m", "\x1b[2m", "\x1b[0m") if colours else ("", "", "")
    lines = [f"{red}error:{off} {error.message}"] + [f"{dim}→{off} {error.remedy}"] * bool(error.remedy)
    print("\n".join(lines), file=sys.stderr)
    return error.exit_code


def sentence(text: str) -> str:
    """Return a complaint about the command line as one line that ends as a sentence does."""
    line = " ".join(text.split())
    return line if line.endswith((".", "?", "!")) else f"{line}."


def missing(error: ModuleNotFoundError) -> TransferModelError | None:
    """Return the sentence for a package that is not installed; None: a module of our own is missing, which is a bug."""
    package = (error.name or "").partition(".")[0]
    if not package or package.startswith("transfermodel"):
        return None
    return UsageError(
        f"This needs the Python package {package}, which is not installed.",
        "Install all with `pip install 'transfermodel[local]'`; without torch: 'transfermodel[cli]'.",
    )


def system_error(error: OSError) -> TransferModelError:
    """Return the sentence for an error of the operating system that nobody foresaw."""
    import errno

    where = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return TransferModelError(
            f"No space is left on the disk{where}.", "Free some, or give another folder with --workspace."
        )
    if error.errno == errno.EFBIG:
        return TransferModelError(f"A file may not become that large{where}.", "Raise the limit (`ulimit -f`).")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return TransferModelError(f"Not allowed{where}: {error.strerror}.", "Check who owns the file or folder.")
    if error.errno == errno.EMFILE:
        return TransferModelError("Too many files are open.", "Raise the limit (`ulimit -n`).")
    return TransferModelError(
        f"The operating system says: {error.strerror or error}{where}.", "TRANSFERMODEL_DEBUG=1 shows where."
    )
