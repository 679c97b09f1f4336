"""What a target of the Dockerfile is made from: just enough of the format to know when it must be built again."""

import re
from dataclasses import dataclass, field

_WORD = re.compile(r"\S+")


@dataclass
class Stage:
    """One FROM and what follows it.

    Attributes:
        base: name of an earlier stage, or an image reference.
        instructions: its lines, continued ones joined, without comments.
        copies: paths of the build context that it copies.
        stages: other stages that it copies from or mounts.
    """

    base: str
    instructions: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)


def parse(text: str) -> dict[str, Stage]:
    """Read the stages of a Dockerfile by name, unnamed ones by their number.

    Raises:
        ValueError: a FROM names a build argument that has no default.
    """
    arguments: dict[str, str] = {}
    stages: dict[str, Stage] = {}
    current: Stage | None = None
    for line in re.sub(r"\\\n", " ", text).splitlines():
        words = _WORD.findall(line.partition("#")[0] if line.lstrip().startswith("#") else line)
        if not words:
            continue
        instruction, rest = words[0].upper(), words[1:]
        if current is not None and instruction != "FROM":
            current.instructions.append(" ".join(words))
        if instruction == "ARG" and current is None:
            name, _, value = rest[0].partition("=")
            arguments[name] = value
        elif instruction == "FROM":
            current = Stage(_substitute(rest[0], arguments))
            stages[rest[2] if len(rest) == 3 else str(len(stages))] = current
        elif instruction in ("COPY", "ADD") and current is not None:
            source = next((word.removeprefix("--from=") for word in rest if word.startswith("--from=")), None)
            sources = [word for word in rest if not word.startswith("--")][:-1]
            if source is None:
                current.copies.extend(sources)
            else:
                current.stages.append(source)
        elif instruction == "RUN" and current is not None:
            mounts = [word for word in rest if word.startswith("--mount=")]
            current.stages.extend(name for mount in mounts for name in re.findall(r"\bfrom=([^,]+)", mount))
    return stages


def _substitute(text: str, arguments: dict[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name = match.group(1) or match.group(2)
        if not arguments.get(name):
            raise ValueError(f"the Dockerfile's FROM uses ${name}, and no ARG before it gives it a value")
        return arguments[name]

    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", value, text)


def used(stages: dict[str, Stage], target: str) -> list[Stage]:
    """The stages that a target is made from, its own and those it is based on, copies from or mounts.

    Raises:
        KeyError: no such target.
    """
    waiting, seen = [target], {target}
    found = []
    while waiting:
        stage = stages[waiting.pop()]
        found.append(stage)
        further = [name for name in (stage.base, *stage.stages) if name in stages and name not in seen]
        seen.update(further)
        waiting += further
    return found


def inputs(stages: dict[str, Stage], target: str) -> list[str]:
    """Paths of the build context that a target depends on, through every stage that it uses.

    Raises:
        KeyError: no such target.
    """
    return sorted({path for stage in used(stages, target) for path in stage.copies})


def instructions(stages: dict[str, Stage], target: str) -> list[str]:
    """What is done to make a target; comments and the stages of other targets have no part in it.

    Raises:
        KeyError: no such target.
    """
    return [line for stage in used(stages, target) for line in (f"FROM {stage.base}", *stage.instructions)]


def outside_bases(stages: dict[str, Stage]) -> list[str]:
    """Images that the Dockerfile starts from and does not build itself."""
    return sorted({stage.base for stage in stages.values() if stage.base not in stages and stage.base != "scratch"})
