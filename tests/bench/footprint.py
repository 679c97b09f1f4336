"""What the operator holds in memory, and how large the images are."""

import time

from devcluster import paths
from devcluster.images import project, sizes, store
from tests.bench.figures import Figure
from tests.support.stack import OPERATOR_NAMESPACE, Stack

SETTLED_SECONDS = 60
SAMPLES = 10
MEMORY_TARGET_MB = 120.0
SIZE_TARGETS_MB = {"operator": 150.0, "predictor": 300.0}


def operator_memory(stack: Stack) -> list[Figure]:
    """Read the operator's resident memory after a minute in which nobody changed anything."""
    time.sleep(SETTLED_SECONDS)
    values, peak = [], 0.0
    for _ in range(SAMPLES):
        status = _process_status(stack)
        values.append(status["VmRSS"])
        peak = max(peak, status["VmHWM"])
        time.sleep(2)
    return [
        Figure("operator, resident memory when idle", "MB", tuple(values), MEMORY_TARGET_MB, "VmRSS of its process"),
        Figure("operator, peak since its start", "MB", (peak,), note="VmHWM of its process"),
    ]


def _process_status(stack: Stack) -> dict[str, float]:
    """Return the memory fields of the operator's process, the only Python there, in MB (10^6 bytes)."""
    where = ("-n", OPERATOR_NAMESPACE, "deployment/transfermodel-operator")
    text = stack.kubectl("exec", *where, "--", "sh", "-c", "cat /proc/[0-9]*/status")
    (process,) = (status for status in text.split("Name:\t") if status.startswith("python"))
    fields = (line.split() for line in process.splitlines() if line.endswith("kB"))
    return {name.rstrip(":"): int(kibibytes) * 1024 / 1e6 for name, kibibytes, _ in fields}


def image_sizes() -> list[Figure]:
    """Return the sizes of the images as a registry would keep them."""
    figures = []
    for target in project.TARGETS:
        layout = paths.IMAGES / "layouts" / target
        layers = [(digest, store.blob_path(layout, digest)) for digest in store.layers(layout)]
        size, exact = sizes.compressed(layers)
        note = "layers compressed by gzip" if exact else "layers compressed by gzip, judged by a sample"
        figures.append(Figure(f"image {target}", "MB", (size / 1e6,), SIZE_TARGETS_MB.get(target), note))
    return figures
