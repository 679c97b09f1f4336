"""The program: errors become sentences, Ctrl-C is clean, and the exit status is one of `ExitCode`."""

import os
import sys
from typing import NoReturn

from transfermodel.errors import ExitCode, TransferModelError


def main() -> NoReturn:
    """Run the command line and exit."""
    code = run()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # `transfermodel … | head`: who read it has enough. Without this Python complains while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def run(arguments: list[str] | None = None) -> int:
    """Run with these arguments (default: the process's own); return the exit status."""
    from transfermodel_cli.app import app

    try:
        # Standalone mode would print tracebacks of its own and turn Ctrl-C into exit status 1.
        result = app(args=arguments, prog_name=program_name(), standalone_mode=False)
    except TransferModelError as error:
        return say(error)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        return ExitCode.OK
    except OSError as error:
        return say(system_error(error))
    except Exception as error:
        if (code := usage_error(error)) is not None:
            return code
        raise
    return int(result) if isinstance(result, int) else ExitCode.OK


def program_name() -> str:
    """Return what the user typed: the program is a plugin of kubectl, too."""
    name = os.path.basename(sys.argv[0])
    return "kubectl transfermodel" if name.startswith("kubectl") else "transfermodel"


def say(error: TransferModelError) -> int:
    """Print the sentence and the remedy; return the exit status."""
    from transfermodel_cli.console import notes

    notes().print(f"[bold red]error:[/] {_plain(error.message)}", soft_wrap=True)
    if error.remedy:
        notes().print(f"[dim]→[/] {_plain(error.remedy)}", soft_wrap=True)
    return error.exit_code


def system_error(error: OSError) -> TransferModelError:
    """Return the sentence for an error of the operating system that nobody foresaw."""
    import errno

    where = f" ({error.filename})" if error.filename else ""
    if error.errno == errno.ENOSPC:
        return TransferModelError(
            f"No space is left on the disk{where}.", "Free some, or give another folder with --workspace."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return TransferModelError(f"Not allowed{where}: {error.strerror}.", "Check who owns the file or folder.")
    return TransferModelError(f"The operating system says: {error.strerror or error}{where}.")


def usage_error(error: Exception) -> int | None:
    """Print click's own complaint about the command line; None: it is none."""
    import click

    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.Abort):
        return ExitCode.INTERRUPTED
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    return None


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)
