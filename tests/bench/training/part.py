"""The part "training" of the bench."""

import argparse
import os
import tempfile
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from transfermodel_trainer.main import settle_environment


def run(options: argparse.Namespace) -> None:
    """Measure, and write the results and the page.

    Raises:
        RuntimeError: an option names what there is not.
    """
    # As the trainer's own process, but with the caches of the person who measures; torch reads it when it is imported.
    os.environ.setdefault("XDG_CACHE_HOME", str(Path.home() / ".cache"))
    settle_environment()

    from transfermodel_trainer.training.device import choose_device

    from tests.bench import documents
    from tests.bench.training import measuring, page, results, sources, surroundings
    from tests.bench.training.material import ALL, MaterialMissing
    from tests.bench.training.methods import METHODS, SIZES
    from tests.bench.training.turns import Effort

    known = {"tiny": sources.tiny} if options.quick else dict(sources.SOURCES)
    every_size = SIZES["horse-ship-truck"]
    data_sets = chosen(options.data_sets or list(known), known, "data set")
    methods = chosen(options.methods, METHODS, "method") if options.methods else None
    asked_sizes = chosen(options.sizes or list(every_size), every_size, "size")
    device = choose_device(0)
    effort = Effort(tutorial_epochs=2, hyperrule_steps=2, hyperrule_batch=16) if options.quick else Effort()
    name = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    runs = {name: surroundings.facts(device)}
    before = None if options.quick else results.read(options.results)
    skipped: dict[str, str] = {}
    measured: list[measuring.Measured] = []
    document = results.merged(before, {}, {}, skipped)
    with tempfile.TemporaryDirectory(prefix="transfermodel-bench-") as folder:
        places = sources.Places(options.data, Path(folder), device)
        for data_set in data_sets:
            try:
                material = known[data_set](places)
                sizes = [size for size in SIZES.get(data_set, (ALL,)) if size in asked_sizes]
                measured += measuring.measure(material, sizes, methods, options.seeds, device, effort, say)
            except MaterialMissing as error:
                skipped[data_set] = str(error)
                say(f"{data_set}: left out: {error}")
            document = results.merged(before, results.rows_of(measured, name), runs, skipped)
            if not options.quick:  # what is measured stays, whatever happens to the rest
                documents.write(document, options.results)
                page.write_page(document, options.page)
    say(page.tables(document))


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def chosen(asked: list[str], known: Collection[str], what: str) -> list[str]:
    """Return what was asked for, in the order of what there is. Raises RuntimeError for what there is not."""
    if unknown := set(asked) - set(known):
        raise RuntimeError(f"no such {what}: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return [name for name in known if name in asked]
