"""`python -m scripts.generator [--check]`: write the generated files, or fail when one is out of date."""

import sys
from pathlib import Path

from scripts.generator import chart, command_line, manifests, protocol_buffers, python_reference, reference

REPOSITORY = Path(__file__).parents[2]


def main(arguments: list[str]) -> int:
    """Write what differs; with --check write nothing and say what differs."""
    if arguments not in ([], ["--check"]):
        print("usage: scripts/generate [--check]", file=sys.stderr)
        return 2
    check = bool(arguments)
    stale: list[str] = []
    # The manifests are rendered from the chart, so the chart's own files come first, and are right on disk by then.
    for part in (chart, reference, command_line, python_reference, protocol_buffers, manifests):
        if part is manifests and (manifests.fresh() or (check and stale)):
            break
        for name, text in part.files().items():
            path = REPOSITORY / name
            if path.exists() and path.read_text() == text:
                continue
            stale.append(name)
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
                print(f"generate: wrote {name}")
    if check and stale:
        print(f"out of date: {', '.join(stale)}; run scripts/generate and commit what it writes", file=sys.stderr)
        return 1
    return 0


sys.exit(main(sys.argv[1:]))
