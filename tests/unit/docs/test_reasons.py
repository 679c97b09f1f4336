"""docs/reference/reasons.md tells of every reason, and of no other."""

import re
from pathlib import Path

import pytest
from transfermodel_operator.api import Reason

pytestmark = pytest.mark.unit

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "reasons.md"


def test_every_reason_is_explained() -> None:
    first_cells = [line.split("|")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    explained = [name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)]
    assert len(explained) == len(set(explained)), "each of them once"
    assert set(explained) == {reason.value for reason in Reason}
