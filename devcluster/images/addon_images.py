"""The images of the add-ons, made of the programs that were built here."""

from collections.abc import Callable
from pathlib import Path

from devcluster import golang
from devcluster.images import base, catalog, envoy, store
from devcluster.images.oci import StaticImage
from devcluster.report import step

# Envoy's own number for "nobody", which Kourier's manifest asks for.
NOBODY = 65534


def pause() -> list[StaticImage]:
    """The image of every pod's sandbox."""
    return [_static(catalog.PAUSE, "/pause", golang.build("pause") / "pause")]


def coredns() -> list[StaticImage]:
    """Cluster DNS."""
    return [_static(catalog.COREDNS, "/coredns", golang.build("coredns") / "coredns")]


def knative() -> list[StaticImage]:
    """Knative Serving's five programs."""
    programs = golang.build("knative")
    return [_static(image, f"/ko-app/{name}", programs / name) for name, image in catalog.KNATIVE.items()]


def kserve() -> list[StaticImage]:
    """KServe's controller."""
    # Its webhook server makes temporary files.
    return [_static(catalog.KSERVE_CONTROLLER, "/manager", golang.build("kserve") / "manager", ("/tmp",))]  # noqa: S108


def kourier() -> list[StaticImage]:
    """Kourier's controller, and Envoy with the C library of the base image."""
    controller = _static(catalog.KOURIER, "/ko-app/kourier", golang.build("knative") / "kourier")
    files = {"/usr/local/bin/envoy": envoy.program()} | envoy.libraries(base.ensure())
    return [controller, StaticImage(catalog.ENVOY, files, ["/usr/local/bin/envoy"], NOBODY, ("/tmp",))]  # noqa: S108


# In the order in which a starting cluster needs them.
GROUPS: dict[str, Callable[[], list[StaticImage]]] = {
    "pause": pause,
    "coredns": coredns,
    "knative": knative,
    "kourier": kourier,
    "kserve": kserve,
}


def prepare(*groups: str) -> None:
    """Import the images of these groups into containerd, those only that it does not hold as they are now."""
    for group in groups:
        wanted = GROUPS[group]()
        if missing := store.missing(wanted):
            with step(f"image {group}: import into containerd"):
                store.import_static(missing)


def _static(name: str, path: str, program: Path, folders: tuple[str, ...] = ()) -> StaticImage:
    return StaticImage(name, {path: program}, [path], folders=folders)
