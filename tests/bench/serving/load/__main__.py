"""`python -m tests.bench.serving.load`: a plan as JSON on stdin, what was seen as JSON on stdout."""

import json
import sys

from tests.bench.serving.load.client import run
from tests.bench.serving.load.plan import Plan

if __name__ == "__main__":
    json.dump(run(Plan.from_wire(json.load(sys.stdin))).to_wire(), sys.stdout)
