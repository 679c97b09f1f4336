"""Programs built from Go modules.

There is one small module per product under go/, so that each product keeps the versions that it was tested with.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devcluster import paths, toolchain, versions
from devcluster.errors import BuildError
from devcluster.report import step


@dataclass(frozen=True)
class Product:
    """Programs that are built together.

    Attributes:
        version: of the product, for the name of the folder.
        packages: import paths of the programs; "." is the module's own.
        variables: linker variables that tell a program its version.
    """

    version: str
    packages: tuple[str, ...]
    variables: tuple[tuple[str, str], ...] = ()


def _kubernetes_variables(version: str) -> tuple[tuple[str, str], ...]:
    major, minor, _patch = version.removeprefix("v").split(".")
    package = "k8s.io/component-base/version"
    return (
        (f"{package}.gitVersion", version),
        (f"{package}.gitMajor", major),
        (f"{package}.gitMinor", minor),
        (f"{package}.gitTreeState", "clean"),
    )


# In the order in which they are needed: the node can start while the add-ons are still being built.
PRODUCTS = {
    "etcd": Product(versions.ETCD, ("go.etcd.io/etcd/server/v3",)),
    "kubernetes": Product(
        versions.KUBERNETES,
        tuple(
            f"k8s.io/kubernetes/cmd/{name}"
            for name in (
                "kube-apiserver",
                "kube-controller-manager",
                "kube-scheduler",
                "kubelet",
                "kube-proxy",
                "kubectl",
            )
        ),
        _kubernetes_variables(versions.KUBERNETES),
    ),
    "pause": Product(versions.PAUSE, (".",)),
    "versitygw": Product(versions.VERSITYGW, ("github.com/versity/versitygw/cmd/versitygw",)),
    "coredns": Product(versions.COREDNS, (".",)),
    "knative": Product(
        versions.KNATIVE,
        (
            *(
                f"knative.dev/serving/cmd/{name}"
                for name in ("activator", "autoscaler", "controller", "webhook", "queue")
            ),
            "knative.dev/net-kourier/cmd/kourier",
        ),
    ),
    "kserve": Product(versions.KSERVE, ("github.com/kserve/kserve/cmd/manager",)),
    "helm": Product(
        versions.HELM,
        ("helm.sh/helm/v3/cmd/helm",),
        (("helm.sh/helm/v3/internal/version.version", versions.HELM),),
    ),
}

# Two at a time: while one product links or downloads, the other compiles.
_PARALLEL_BUILDS = 2
_executor = ThreadPoolExecutor(_PARALLEL_BUILDS, thread_name_prefix="go-build")
_futures: dict[str, Future[Path]] = {}
_futures_lock = threading.Lock()
_running: set[subprocess.Popen[str]] = set()


def folder(product: str) -> Path:
    """Where a product's programs are, or will be."""
    return paths.PROGRAMS / f"{product}-{PRODUCTS[product].version}"


def start(products: Iterable[str]) -> None:
    """Begin to build products in the background, in this order."""
    for product in products:
        _future(product)


def build(product: str) -> Path:
    """Build a product's programs unless they are there, and wait for them.

    Returns:
        The folder that holds the programs.

    Raises:
        BuildError: the build failed.
        PrerequisiteError: there is no Go toolchain and none can be installed.
    """
    return _future(product).result()


def module_dir(product: str, module: str) -> Path:
    """The folder of one module in Go's module cache; it holds the YAML that the module ships.

    Args:
        product: the product whose go.mod chooses the module's version.
        module: the module's path, such as knative.dev/serving.

    Raises:
        BuildError: the module could not be downloaded.
    """
    output = _go(product, "mod", "download", "-json", module)
    return Path(json.loads(output)["Dir"])


def cancel() -> None:
    """Forget builds that have not begun, and end those that run: what they compiled so far is in Go's cache."""
    _executor.shutdown(wait=False, cancel_futures=True)
    for running in list(_running):
        running.terminate()


def _future(product: str) -> Future[Path]:
    with _futures_lock:
        if product not in _futures:
            _futures[product] = _executor.submit(_build, product)
        return _futures[product]


def _build(product: str) -> Path:
    destination = folder(product)
    wanted = inputs_digest(product)
    if _is_current(destination, wanted):
        return destination
    with _exclusively(product):
        if _is_current(destination, wanted):  # somebody else built it meanwhile
            return destination
        with step(f"build {product} {PRODUCTS[product].version}"):
            unfinished = destination.with_name(destination.name + ".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            variables = " ".join(f"-X {name}={value}" for name, value in PRODUCTS[product].variables)
            linker = f"-s -w {variables}".strip()
            _go(product, "build", "-ldflags", linker, "-o", f"{unfinished}/", *PRODUCTS[product].packages)
            (unfinished / ".inputs").write_text(wanted)
            shutil.rmtree(destination, ignore_errors=True)
            unfinished.rename(destination)
    return destination


def inputs_digest(product: str) -> str:
    """SHA-256 of what decides a build's result: the module's own files and how the program is linked."""
    digest = hashlib.sha256(repr(PRODUCTS[product]).encode())
    for file in sorted((paths.GO_MODULES / product).iterdir()):
        digest.update(f"{file.name}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _is_current(destination: Path, wanted: str) -> bool:
    try:
        return (destination / ".inputs").read_text() == wanted
    except FileNotFoundError:
        return False


@contextmanager
def _exclusively(product: str) -> Iterator[None]:
    """Keep two commands from building the same product at once."""
    paths.PROGRAMS.mkdir(parents=True, exist_ok=True)
    with (paths.PROGRAMS / f".{product}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _go(product: str, *arguments: str) -> str:
    environment = os.environ | {
        "CGO_ENABLED": "0",  # static programs: their images need nothing else
        "GOTOOLCHAIN": "local",  # another toolchain could not be downloaded everywhere
        "GOFLAGS": "-mod=readonly -trimpath -buildvcs=false",
        "GOWORK": "off",
    }
    command = [str(toolchain.go()), *arguments]
    with subprocess.Popen(
        command,
        cwd=paths.GO_MODULES / product,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        _running.add(running)
        output, errors = running.communicate()
        _running.discard(running)
    if running.returncode != 0:
        last_lines = "\n".join(errors.strip().splitlines()[-15:])
        raise BuildError(f"{product}: `go {' '.join(arguments[:2])}` failed:\n{last_lines}")
    return output
