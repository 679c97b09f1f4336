"""Shell lines of a page: enough of a shell to know which programs are called with which words."""

import re
import shlex
from collections.abc import Iterator

_PROMPT = re.compile(r"^(?:\$|#) ")
_HEREDOC = re.compile(r"<<-?\s*['\"]?(\w+)['\"]?")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_OPERATORS = set("|&;()<>")
# Words that only say how the next one is run.
_WRAPPERS = ("sudo", "time", "nice", "exec", "watch")


def console_lines(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield (line number from 0, command, body of its here-document) of what follows a prompt; output is skipped."""
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        start, line = number, lines[number]
        number += 1
        if not _PROMPT.match(line):
            continue
        command = line[2:]
        while command.endswith("\\") and number < len(lines):
            command = command[:-1] + " " + lines[number].strip()
            number += 1
        body: list[str] = []
        if match := _HEREDOC.search(command):
            while number < len(lines) and lines[number].strip() != match[1]:
                body.append(lines[number])
                number += 1
            number += 1
        yield start, command, "\n".join(body)


def calls(command: str) -> Iterator[list[str]]:
    """Yield the words of each program that the line calls, the program first.

    Raises:
        ValueError: A quotation is not closed.
    """
    # What $(…) runs is a call of its own; the call around it only sees a word.
    for inner in re.findall(r"\$\(([^()]*)\)", command):
        yield from calls(inner)
    outer = re.sub(r"\$\([^()]*\)", "SUBSTITUTED", command)
    lexer = shlex.shlex(outer, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    redirects = False
    for word in [*lexer, ";"]:
        if word and set(word) <= _OPERATORS:
            if set(word) <= {"<", ">", "&"} and set(word) & {"<", ">"}:
                redirects = True
                if words and words[-1].isdecimal():
                    words.pop()  # 2>file
                continue
            called = _without_prefixes(words)
            if called:
                yield called
            words = []
        elif redirects:
            redirects = False  # the file
        else:
            words.append(word)


def variables(command: str) -> list[str]:
    """Return the names of the variables that are set for the program: NAME=value program."""
    found = []
    for word in command.split():
        if not _ASSIGNMENT.match(word):
            break
        found.append(word.partition("=")[0])
    return found


def _without_prefixes(words: list[str]) -> list[str]:
    rest = list(words)
    while rest and (_ASSIGNMENT.match(rest[0]) or rest[0] in _WRAPPERS):
        rest = rest[1:]
    return rest
