"""The project's own images: built from its Dockerfile by buildah, and brought into containerd layer by layer."""

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from devcluster import paths
from devcluster.images import base, catalog, dockerfile, pruning, sizes, store
from devcluster.images.command import run
from devcluster.report import note, step

TARGETS = ("operator", "predictor", "trainer")  # the small ones first: they can be used while the large one is built
GPU_TARGET = "predictor-gpu"
"""Gigabytes that only a cluster with GPUs has a use for: built with GPU=1 alone."""
GPU_BYTES = 12 * 2**30
"""Room that it takes while it is built: as an image, as a layout, and in containerd."""
DOCKERFILE = paths.REPOSITORY / "Dockerfile"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
# Settings of package installers that the host may need to reach its registries; named as ARG in the Dockerfile.
PASSED_ON = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX", "UV_HTTP_TIMEOUT")
_TAG_LENGTH = 12
_NOT_INPUTS = ("__pycache__", ".pyc")


def targets(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the targets that are built: with $GPU=1 that for predictors with a GPU, too."""
    return (*TARGETS, GPU_TARGET) if environment.get("GPU") == "1" else TARGETS


def chart_values(images: Mapping[str, str]) -> dict[str, str]:
    """Return images by target as the chart's `images` calls them."""
    return {"predictorGpu" if target == GPU_TARGET else target: image for target, image in images.items()}


def references() -> dict[str, str]:
    """Full reference of each target's image, as the sources are now; whether it was built is another matter."""
    return {target: f"{catalog.REGISTRY}/{repository(target)}:{content_tag(target)}" for target in targets()}


def repository(target: str) -> str:
    """Name of a target's image without registry and tag."""
    return f"transfermodel-{target}"


def content_tag(target: str) -> str:
    """A tag that changes when, and only when, something changes that the image is made from."""
    stages = dockerfile.parse(DOCKERFILE.read_text())
    digest = hashlib.sha256("\n".join(dockerfile.instructions(stages, target)).encode())
    for source in dockerfile.inputs(stages, target):
        path = paths.REPOSITORY / source
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and not any(part in str(file) for part in _NOT_INPUTS):
                digest.update(f"\0{file.relative_to(paths.REPOSITORY)}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:_TAG_LENGTH]


def build_and_import() -> dict[str, str]:
    """Build what changed, import it into the cluster's containerd, and print sizes.

    Returns:
        Target -> image reference.

    Raises:
        DevclusterError: a build failed, or containerd is not there.
    """
    wanted = references()
    with alone():
        run(buildah("rm", "--all"))  # what a build that was killed, or found the disk full, has left: gigabytes
        _build_missing(wanted)
        repositories = {target: f"{catalog.REGISTRY}/{repository(target)}" for target in (*TARGETS, GPU_TARGET)}
        pruning.prune(buildah, repositories, wanted.values())
    return wanted


def _build_missing(wanted: dict[str, str]) -> None:
    present = store.images()
    for target, reference in wanted.items():
        if reference in present:
            note(f"image {target}: {reference} is up to date")
            continue
        began = time.monotonic()
        with step(f"image {target}: build"):
            build(target, reference)
        with step(f"image {target}: import into containerd"):
            layout = copy_to_layout(target, reference)
            sent = store.import_layout(layout, reference)
        _print_size(target, reference, layout, sent, time.monotonic() - began)
        store.hollow(layout)


@contextmanager
def alone() -> Iterator[None]:
    """Let one command at a time build: they share buildah's storage and the layouts."""
    paths.IMAGES.mkdir(parents=True, exist_ok=True)
    with (paths.IMAGES / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note("waiting for another build of the images to end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(target: str, reference: str) -> None:
    """Run buildah for one target; unchanged steps come from its cache."""
    ensure_bases()
    run(buildah("build", "--quiet", *build_options(target, reference)))


def build_options(target: str, reference: str) -> list[str]:
    """What buildah is told for one target, the build context at the end; works with and without root.

    The host's certificate authorities, package index and package cache are the build's as well.
    """
    options = ["--layers", "--isolation", "chroot", "--network", "host", "--target", target, "--tag", reference]
    options += ["--file", str(DOCKERFILE), "--ignorefile", str(paths.REPOSITORY / ".dockerignore")]
    return [*options, *host_options(), str(paths.REPOSITORY)]


def host_options() -> list[str]:
    """What a build gets from this machine: its certificate authorities, package index and package cache."""
    options: list[str] = []
    if authorities := os.environ.get("SSL_CERT_FILE") or os.environ.get("PIP_CERT"):
        options += ["--volume", f"{authorities}:{CERTIFICATES}:ro"]
        options += ["--build-arg", f"PIP_CERT={CERTIFICATES}", "--build-arg", f"SSL_CERT_FILE={CERTIFICATES}"]
    options += index_arguments()
    # The cache already holds most packages, unpacked: the project's virtual environment comes from the same lock.
    cache = Path(os.environ.get("UV_CACHE_DIR") or "~/.cache/uv").expanduser()
    cache.mkdir(parents=True, exist_ok=True)
    return [*options, "--volume", f"{cache}:/root/.cache/uv", "--build-arg", "UV_NO_CACHE=false"]


def index_arguments() -> list[str]:
    """Build arguments for the package index that this machine is told to use; none for the public one."""
    found = [(variable, os.environ.get(variable)) for variable in PASSED_ON]
    return [word for variable, value in found if value for word in ("--build-arg", f"{variable}={value}")]


def ensure_bases() -> None:
    """Make every image that the Dockerfile starts from out of Debian's packages, under the name that it uses."""
    for name in dockerfile.outside_bases(dockerfile.parse(DOCKERFILE.read_text())):
        listed = run(buildah("images", "--quiet", "--filter", f"reference={name}", "--filter", f"label={_LABEL}"))
        if listed.strip():
            continue
        root = base.ensure()
        with step(f"base image: {name}"):
            container = run(buildah("from", "scratch")).strip()
            run(buildah("add", "--quiet", container, str(root), "/"))
            run(buildah("config", "--cmd", "bash", "--label", _LABEL, container))
            run(buildah("commit", "--quiet", "--rm", container, name))


# Tells our base from one of the same name that somebody pulled, and from one made by an older recipe.
_LABEL = f"dev.transferlearning.base={base.SUITE}-{base.REVISION}"


def copy_to_layout(target: str, reference: str) -> Path:
    """Write an image as an OCI layout of uncompressed layers, only those that the layout lacks.

    `buildah push` compresses every layer again each time; skopeo sees that a layer is there already.
    """
    layout = paths.IMAGES / "layouts" / target
    layout.mkdir(parents=True, exist_ok=True)
    store.drop_lost(layout)
    (layout / "index.json").unlink(missing_ok=True)  # one image per layout
    source = f"containers-storage:[overlay@{paths.IMAGES / 'storage'}+{paths.RUN / 'buildah'}]{reference}"
    options = ["--insecure-policy", "copy", "--quiet", "--dest-oci-accept-uncompressed-layers"]
    run(["skopeo", *options, source, f"oci:{layout}:{target}"])
    return layout


def buildah(*arguments: str) -> list[str]:
    """Return a command line of buildah with the project's own storage."""
    return [
        "buildah",
        *("--root", str(paths.IMAGES / "storage"), "--runroot", str(paths.RUN / "buildah")),
        *("--storage-driver", "overlay"),
        *arguments,
    ]


def _print_size(target: str, reference: str, layout: Path, sent: int, seconds: float) -> None:
    layers = [(digest, store.blob_path(layout, digest)) for digest in store.layers(layout)]
    size, exact = sizes.compressed(layers)
    note(
        f"image {target}: {reference}, {'' if exact else 'about '}{size / 1e6:.0f} MB compressed, "
        f"{sent / 1e6:.0f} MB of new layers imported, {seconds:.1f} s"
    )
