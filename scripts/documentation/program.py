"""Command lines of `transfermodel`: commands, options, choices, number of arguments. Nothing is run."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import EnumMeta
from functools import cache
from typing import Any, Literal, get_args, get_origin

import typer
from transfermodel_cli.app import app

_LEFT_OUT = ("…", "...")


@dataclass(frozen=True)
class _Option:
    name: str
    shown: str
    switch: bool
    """It takes no value."""
    choices: tuple[str, ...]
    required: bool


def wrong(words: list[str], *, complete: bool = True) -> Iterator[str]:
    """Yield a sentence for everything that is wrong with the words after `transfermodel`."""
    group = _group()
    options, rest = _options(group), list(words)
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        if word not in options:
            yield f"transfermodel has no option {word}"
            return
        if not options[word].switch and rest:
            rest.pop(0)
    if not rest or rest[0] in (*_LEFT_OUT, "COMMAND"):
        return
    name = rest[0]
    if name not in group.commands:
        yield f"transfermodel has no command {name}; it has {', '.join(group.commands)}"
        return
    yield from _wrong_arguments(name, group.commands[name], rest[1:], complete)


def _wrong_arguments(name: str, command: Any, words: list[str], complete: bool) -> Iterator[str]:
    options = _options(command)
    given: list[str] = []
    seen: set[str] = set()
    waiting = list(words)
    only_arguments = False
    while waiting:
        word = waiting.pop(0)
        if word == "--" and not only_arguments:
            only_arguments = True
            continue
        if only_arguments or not word.startswith("-") or word == "-":
            given.append(word)
            continue
        option, equals, value = word.partition("=")
        found = options.get(option) or (options.get(option[:2]) if not option.startswith("--") else None)
        if found is None:
            yield f"transfermodel {name} has no option {option}; it has {', '.join(sorted(options))}"
            return
        seen.add(found.name)
        if found.switch:
            continue
        attached = not equals and not option.startswith("--") and len(option) > 2  # -n5
        if not equals and not attached:
            if not waiting:
                if complete:
                    yield f"transfermodel {name} {option} needs a value"
                return
            value = waiting.pop(0)
        if found.choices and not attached and value not in (*found.choices, *_LEFT_OUT):
            yield f"transfermodel {name} {option} takes {', '.join(found.choices)}, not {value}"
    yield from _wrong_count(name, command, given, complete)
    if complete and not set(words) & {"--help", "-h", *_LEFT_OUT}:
        for each in dict.fromkeys(options.values()):
            if each.required and each.name not in seen:
                yield f"transfermodel {name} needs {each.shown}"


def _wrong_count(name: str, command: Any, given: list[str], complete: bool) -> Iterator[str]:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    if set(given) & set(_LEFT_OUT):
        return
    least = sum(1 for each in arguments if each.required)
    most = None if any(each.nargs == -1 for each in arguments) else len(arguments)
    if most is not None and len(given) > most:
        yield f"transfermodel {name} takes {most} arguments, not {len(given)}: {' '.join(given)}"
    if complete and len(given) < least:
        missing = ", ".join(str(each.metavar or each.name).upper() for each in arguments[len(given) : least])
        yield f"transfermodel {name} needs {missing}"


@cache
def _group() -> Any:
    return typer.main.get_command(app)


def _options(command: Any) -> dict[str, _Option]:
    """Return what is known of each option, by each of its names."""
    found = {name: _Option("help", name, switch=True, choices=(), required=False) for name in ("--help", "-h")}
    for each in command.params:
        if each.param_type_name == "option":
            option = _Option(each.name, each.opts[0], each.is_flag, _choices(each), each.required)
            found |= dict.fromkeys([*each.opts, *each.secondary_opts], option)
    return found


def _choices(option: Any) -> tuple[str, ...]:
    annotation = option.type_descriptor.annotation
    if isinstance(annotation, EnumMeta):
        members: dict[str, Any] = dict(annotation.__members__)
        return tuple(str(member.value) for member in members.values())
    if get_origin(annotation) is Literal:
        return tuple(map(str, get_args(annotation)))
    return tuple(option.metavar.split("|")) if "|" in (option.metavar or "") else ()
