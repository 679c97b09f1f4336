"""Old images of the project are let go: a trainer's holds 6 GB, and each change of the code makes a new one."""

import json
import subprocess
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from devcluster.images import store
from devcluster.images.command import run
from devcluster.report import note

KEPT = 2
"""Images of each target that buildah keeps: the newest, and the one before it, which may still be installed."""
PREDICTORS = ("predictor", "predictor-gpu")


def prune(buildah: Callable[..., list[str]], repositories: Mapping[str, str], wanted: Iterable[str]) -> None:
    """Remove old images from buildah and from containerd.

    Args:
        buildah: makes the command line of buildah from its arguments.
        repositories: target -> full name of its images without a tag.
        wanted: references that stay in any case.
    """
    listed = json.loads(run(buildah("images", "--json")) or "[]")
    old = superseded(listed, repositories.values(), wanted)
    if old:
        # One that a container of another build still uses stays until the next time.
        subprocess.run(buildah("rmi", *old), capture_output=True, check=False)
        note(f"images: {len(old)} old ones removed")
    # Versions name the predictor that they were made for, and wake with it: containerd keeps every one of them.
    kept = {name for image in listed for name in image.get("names") or []} - set(old)
    let_go = [repository for target, repository in repositories.items() if target not in PREDICTORS]
    store.remove(name for name in store.images() if name.rpartition(":")[0] in let_go and name not in kept)
    store.remove(store.nameless(store.images()))


def superseded(listed: Iterable[Mapping[str, Any]], repositories: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """Return the references of these repositories that are neither wanted nor among the newest.

    Args:
        listed: as `buildah images --json` has them: names, and created in seconds.
        repositories: full names without a tag.
        wanted: references that stay in any case.
    """
    newest_first = sorted(listed, key=lambda image: image["created"], reverse=True)
    names = [name for image in newest_first for name in image.get("names") or []]
    old: list[str] = []
    for repository in repositories:
        old += [name for name in names if name.rpartition(":")[0] == repository][KEPT:]
    return [name for name in old if name not in set(wanted)]
