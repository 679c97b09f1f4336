"""Processes and those that they started."""

import subprocess


def descendants(pid: int) -> dict[int, str]:
    """Return the children of a process and theirs: id -> command line."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True
    ).stdout
    children: dict[int, list[tuple[int, str]]] = {}
    for line in listed.splitlines():
        child, parent, state, arguments = (*line.split(None, 3), "")[:4]
        if not state.startswith("Z"):
            children.setdefault(int(parent), []).append((int(child), arguments))
    found: dict[int, str] = {}
    waiting = [pid]
    while waiting:
        for number, command in children.get(waiting.pop(), []):
            found[number] = command
            waiting.append(number)
    return found


def alive(pids: set[int]) -> set[int]:
    """Return those of the processes that still run; one that waits to be buried does not."""
    if not pids:
        return set()
    listed = subprocess.run(
        ["ps", "-o", "pid=,stat=", "-p", ",".join(map(str, pids))], capture_output=True, text=True, check=False
    ).stdout
    return {int(line.split()[0]) for line in listed.splitlines() if not line.split()[1].startswith("Z")}
