"""How large an image is when a registry keeps it, that is with its layers compressed by gzip."""

import json
import zlib
from pathlib import Path

from devcluster import paths

CHUNK = 1 << 20
# Above this only a sample is compressed: several gigabytes would take minutes, to print one number.
EXACT_LIMIT = 1 << 30
SAMPLES = 128


def compressed(layers: list[tuple[str, Path]]) -> tuple[int, bool]:
    """Bytes of all layers after gzip, and whether every one was measured whole.

    Args:
        layers: digest and file of each uncompressed layer; results are kept by digest.
    """
    memory = paths.IMAGES / "layouts" / "compressed-sizes.json"
    known: dict[str, int] = json.loads(memory.read_text()) if memory.exists() else {}
    total, exact = 0, True
    for digest, path in layers:
        if digest not in known:
            known[digest] = measure(path)
        total += known[digest]
        exact = exact and path.stat().st_size <= EXACT_LIMIT
    memory.parent.mkdir(parents=True, exist_ok=True)
    memory.write_text(json.dumps(known, indent=1))
    return total, exact


def measure(path: Path) -> int:
    """Bytes of one file after gzip's default level; very large files are judged by an even sample."""
    size = path.stat().st_size
    stride = CHUNK if size <= EXACT_LIMIT else size // SAMPLES
    packed = read = 0
    compressor = zlib.compressobj(6, zlib.DEFLATED, 31)
    with path.open("rb") as content:
        for offset in range(0, size, stride):
            content.seek(offset)
            chunk = content.read(CHUNK)
            read += len(chunk)
            packed += len(compressor.compress(chunk))
    packed += len(compressor.flush())
    return round(packed * size / read) if read else packed
