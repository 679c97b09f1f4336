"""The predictor's image as a registry stores it, against the smallest one with the baseline's packages.

The baseline's is counted, not built: our own image's base below, and above it the files of kserve, torch, torchvision
and all that they require, as installed here, packed file by file as wheels are. Without CUDA is a reckoning as well:
the same less the packages and libraries of CUDA. (PyTorch's own wheels for CPUs are of another index.)
"""

import zlib
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

from devcluster import paths
from devcluster.errors import DevclusterError
from devcluster.images import sizes, store
from tests.bench.serving.bench import Bench, NotHere, Visit

PART: Final = "image-size"
SUBJECT: Final = "images as stored"
PACKAGES: Final = ("kserve", "torch", "torchvision", "pillow")
"""Of the documentation's requirements.txt."""
OF_CUDA: Final = ("nvidia-", "cuda-", "triton")
CHUNK: Final = 1 << 20
WHOLE: Final = 64 << 20
STRIDE: Final = 8
"""Of files above WHOLE, one chunk in so many is packed."""


def measure(bench: Bench) -> Iterator[Visit]:
    """Add the layers and the files up.

    Raises:
        NotHere: the predictor's image was not built on this machine.
    """
    base, ours = of_predictor()
    found = closure(PACKAGES)
    packed = {name: packed_files(entry) for name, entry in found.items()}
    whole = base + sum(sum(files.values()) for files in packed.values())
    without = base + sum(
        sum(size for file, size in files.items() if "cuda" not in Path(file).name and "nvshmem" not in file)
        for name, files in packed.items()
        if not name.startswith(OF_CUDA)
    )
    bench.say(f"{PART}: ours {ours / 1e6:.0f} MB, {len(found)} packages of B0 {whole / 1e6:.0f} MB")
    for side, size in (("ours", ours), ("b0", whole), ("b0-without-cuda", without)):
        yield Visit(PART, SUBJECT, side, 0, {"megabytes": size / 1e6})


def of_predictor() -> tuple[int, int]:
    """Return the bytes of its base, and of the whole, packed. Raises NotHere."""
    layout = paths.IMAGES / "layouts" / "predictor"
    try:
        layers = [(digest, store.blob_path(layout, digest)) for digest in store.layers(layout)]
    except (OSError, DevclusterError) as error:
        raise NotHere("the predictor's image was not built here (make images)") from error
    return sizes.compressed(layers[:1])[0], sizes.compressed(layers)[0]


def closure(names: tuple[str, ...]) -> dict[str, Distribution]:
    """Return these packages and all that they require here, by name. Raises NotHere where one is not installed."""
    found: dict[str, Distribution] = {}
    waiting = [(name, frozenset[str]()) for name in names]
    seen = set(waiting)
    while waiting:
        name, extras = waiting.pop()
        try:
            entry = found.setdefault(name, distribution(name))
        except PackageNotFoundError as error:
            raise NotHere(f"{name}, which the baseline needs, is not installed (make bootstrap)") from error
        for line in entry.requires or ():
            requirement = Requirement(line)
            environments = [{"extra": extra} for extra in ("", *extras)]
            if requirement.marker and not any(requirement.marker.evaluate(each) for each in environments):
                continue
            further = (requirement.name.lower().replace("_", "-"), frozenset(requirement.extras))
            if further not in seen:
                seen.add(further)
                waiting.append(further)
    return found


def packed_files(entry: Distribution) -> dict[str, int]:
    """Return the files of an installed package with their sizes after packing; bytecode is made, not brought."""
    found = {}
    for file in entry.files or ():
        path = Path(str(entry.locate_file(file)))
        if path.is_file() and path.suffix != ".pyc":
            found[str(file)] = packed(path)
    return found


def packed(path: Path) -> int:
    """Return a file's size after zlib's default level; a large one's is judged by an even sample."""
    size = path.stat().st_size
    stride = CHUNK if size <= WHOLE else CHUNK * STRIDE
    compressor = zlib.compressobj()
    read = done = 0
    with path.open("rb") as content:
        for offset in range(0, size, stride):
            content.seek(offset)
            chunk = content.read(CHUNK)
            read += len(chunk)
            done += len(compressor.compress(chunk))
    done += len(compressor.flush())
    return round(done * size / read) if read else done
