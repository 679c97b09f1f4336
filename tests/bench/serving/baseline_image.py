"""The baseline's image in the devcluster, on top of the trainer's: a second torch would take gigabytes of disk."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from devcluster import paths
from devcluster.images import catalog, project, store
from devcluster.images.command import run
from tests.bench.serving import baseline
from tests.bench.serving.bench import NotHere
from tests.bench.serving.image_size import closure

NAME: Final = "bench-baseline"
REPOSITORY: Final = f"{catalog.REGISTRY}/transfermodel-{NAME}"
DOCKERFILE: Final = Path(__file__).with_name("Dockerfile.baseline")
WEIGHTS: Final = "/weights"


def ensure(weights: Mapping[str, Path], context: Path) -> str:
    """Build it where it is not there yet, bring it into containerd, and return its reference.

    Args:
        weights: file of a state dict by the name of the architecture.
        context: an empty folder for what it is built from.

    Raises:
        NotHere: there is no image of the trainer to build it on.
        DevclusterError: the build failed.
    """
    trainer = newest_trainer()
    fill(context, weights)
    reference = f"{REPOSITORY}:{tag(context, trainer)}"
    if reference in store.images():
        return reference
    with project.alone():
        options = ["--layers", "--isolation", "chroot", "--network", "host", "--tag", reference]
        options += ["--file", str(context / "Dockerfile"), "--build-arg", f"TRAINER={trainer}"]
        run(project.buildah("build", "--quiet", *options, *project.host_options(), str(context)))
        borrow(paths.IMAGES / "layouts" / "trainer", paths.IMAGES / "layouts" / NAME)
        layout = project.copy_to_layout(NAME, reference)
        store.import_layout(layout, reference)
        store.hollow(layout)
        forget_others(reference)
    return reference


def newest_trainer() -> str:
    """Return the image of the trainer that was built last: its code does not matter here. Raises NotHere."""
    listed = json.loads(run(project.buildah("images", "--json")) or "[]")
    wanted = f"{catalog.REGISTRY}/{project.repository('trainer')}"
    for image in sorted(listed, key=lambda image: image["created"], reverse=True):
        for name in image.get("names") or []:
            if name.rpartition(":")[0] == wanted:
                return str(name)
    raise NotHere("the trainer's image, which the baseline's is built on, is not here (make images)")


def fill(context: Path, weights: Mapping[str, Path]) -> None:
    """Write everything that the image is built from: kserve's packages in the versions that are installed here."""
    shutil.copy(DOCKERFILE, context / "Dockerfile")
    shutil.copy(baseline.__file__, context / "baseline.py")
    (context / "weights").mkdir()
    for architecture, path in weights.items():
        shutil.copyfile(path, context / "weights" / f"{architecture}.pth")
    pinned = sorted(f"{name}=={entry.version}" for name, entry in closure(("kserve",)).items())
    (context / "requirements.txt").write_text("\n".join(pinned) + "\n")


def tag(context: Path, trainer: str) -> str:
    """Return a tag that changes with everything that the image is made from."""
    digest = hashlib.sha256(trainer.encode())
    for path in sorted(context.rglob("*")):
        if path.is_file():
            digest.update(f"\0{path.relative_to(context)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def borrow(lender: Path, layout: Path) -> None:
    """Let a layout have the large layers of another one that containerd holds, as files without content.

    skopeo sees that they are there and writes them no second time; containerd is never sent what it has.
    """
    if not (lender / "index.json").exists():
        return
    present = store.blobs()
    for digest in store.layers(lender):
        theirs, path = store.blob_path(lender, digest), store.blob_path(layout, digest)
        if digest in present and store.is_hollow(theirs) and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            os.truncate(path, theirs.stat().st_size)


def forget_others(reference: str) -> None:
    """Remove what earlier measurements have left."""
    listed = json.loads(run(project.buildah("images", "--json")) or "[]")
    names = [name for image in listed for name in image.get("names") or []]
    old = [name for name in names if name.rpartition(":")[0] == REPOSITORY and name != reference]
    if old:
        subprocess.run(project.buildah("rmi", *old), capture_output=True, check=False)
    store.remove(name for name in store.images() if name.rpartition(":")[0] == REPOSITORY and name != reference)
