"""The commands. CLUSTER=existing uses the cluster of $KUBECONFIG and changes nothing of it."""

import argparse
import json
import os
import sys
from collections.abc import Callable

from devcluster.errors import DevclusterError

_HELP = {
    "up": "bring the cluster up, or repair it",
    "down": "end it; only caches stay",
    "info": "print JSON: kubeconfig, ingress, s3",
    "images": "build the project's images and load them into the cluster (CLUSTER=existing: push to $IMAGE_REGISTRY); "
    "with GPU=1 the one for predictors with a GPU, too",
    "preflight": "say what the cluster of $KUBECONFIG lacks",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit status: 0, 1 when something is wrong, 130 when interrupted.
    """
    parser = argparse.ArgumentParser(prog="devcluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in _HELP.items():
        commands.add_parser(name, help=text)
    command: str = parser.parse_args(arguments).command
    kind = os.environ.get("CLUSTER") or "devcluster"
    if kind not in _COMMANDS:
        print(f"CLUSTER={kind} is neither `devcluster` nor `existing`", file=sys.stderr)
        return 1
    try:
        return _COMMANDS[kind][command]()
    except DevclusterError as error:
        print(f"devcluster: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("devcluster: interrupted; running the command again goes on from here", file=sys.stderr)
        return 130


def _up() -> int:
    from devcluster import cluster

    cluster.up()
    return 0


def _down() -> int:
    from devcluster import cluster

    cluster.down()
    return 0


def _info() -> int:
    from devcluster.info import info

    print(json.dumps(info(), indent=2))
    return 0


def _images() -> int:
    from devcluster import prerequisites
    from devcluster.images import project

    prerequisites.check_disk_for_images(project.GPU_BYTES if project.GPU_TARGET in project.targets() else 0)
    project.build_and_import()
    return 0


def _preflight() -> int:
    from devcluster import preflight

    return preflight.main()


def _existing_info() -> int:
    from devcluster.info import existing

    print(json.dumps(existing(), indent=2))
    return 0


def _existing_down() -> int:
    print("CLUSTER=existing: that cluster is yours; nothing of it is taken down", file=sys.stderr)
    return 0


def _existing_images() -> int:
    from devcluster.images import registry

    registry.build_and_push()
    return 0


_COMMANDS: dict[str, dict[str, Callable[[], int]]] = {
    "devcluster": {"up": _up, "down": _down, "info": _info, "images": _images, "preflight": _preflight},
    "existing": {
        "up": _preflight,
        "down": _existing_down,
        "info": _existing_info,
        "images": _existing_images,
        "preflight": _preflight,
    },
}
