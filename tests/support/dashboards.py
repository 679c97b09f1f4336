"""The chart's Grafana dashboard, as Prometheus is asked by it."""

import json
import re
from dataclasses import dataclass
from typing import Any

from tests.support.charts import CHART

FILE = CHART / "dashboards" / "predictors.json"


@dataclass(frozen=True)
class Query:
    """One expression of a panel."""

    panel: str
    expression: str

    def filled(self, interval: str = "1m", namespace: str = ".*") -> str:
        """Return it with Grafana's variables: a namespace or `All` of them, `All` models, an interval."""
        text = self.expression.replace("$__rate_interval", interval).replace("$namespace", namespace)
        return re.sub(r"\$transfermodel\b", ".*", text)

    @property
    def metrics(self) -> set[str]:
        """Names of the series that it reads."""
        return set(re.findall(r"\b(?:transfermodel|process)_[a-z0-9_]+\b(?=[{\[])", self.expression))


def dashboard() -> dict[str, Any]:
    """Return the dashboard."""
    document: dict[str, Any] = json.loads(FILE.read_text())
    return document


def queries() -> list[Query]:
    """Return all expressions."""
    return [Query(panel["title"], target["expr"]) for panel in dashboard()["panels"] for target in panel["targets"]]
