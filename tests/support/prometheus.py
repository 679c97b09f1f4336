"""A real Prometheus on loopback."""

import functools
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.support.absent import absent
from tests.support.predictor_process import free_port
from tests.support.waiting import wait_for

SCRIPT = Path(__file__).parents[2] / "scripts" / "prometheus"


def program(name: str) -> Path:
    """Return where `prometheus` or `promtool` is; without them the test is skipped, but under CI=true it fails."""
    folder, reason = _found()
    if not folder:
        absent(reason)
    return Path(folder) / name


@functools.cache
def _found() -> tuple[str, str]:
    """Return the programs' folder, or nothing and why."""
    answer = subprocess.run([SCRIPT], capture_output=True, text=True, check=True, timeout=600)
    return answer.stdout.strip(), answer.stderr.strip()


class Prometheus:
    """Its HTTP API."""

    def __init__(self, port: int) -> None:
        """Take its port."""
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False)

    def ready(self) -> bool:
        """Tell whether it answers."""
        try:
            return self._client.get("/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series of an instant query."""
        result: list[dict[str, Any]] = self._get("query", query=expression)["result"]
        return result

    def value(self, expression: str) -> float:
        """Return the only value of an instant query; 0 where there is no series."""
        found = self.query(expression)
        assert len(found) <= 1, found
        return float(found[0]["value"][1]) if found else 0.0

    def targets(self) -> list[dict[str, Any]]:
        """Return what is scraped at present."""
        result: list[dict[str, Any]] = self._get("targets", state="active")["activeTargets"]
        return result

    def _get(self, what: str, **parameters: str) -> dict[str, Any]:
        answer = self._client.get(f"/api/v1/{what}", params=parameters).json()
        assert answer["status"] == "success", answer
        result: dict[str, Any] = answer["data"]
        return result


@contextmanager
def prometheus(folder: Path, scrape: dict[str, Any]) -> Iterator[Prometheus]:
    """Run one with a scrape configuration, and end it."""
    binary = program("prometheus")
    port = free_port()
    configuration = folder / "prometheus.yml"
    configuration.write_text(
        yaml.safe_dump({"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": [scrape]})
    )
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                binary,
                f"--config.file={configuration}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        running = Prometheus(port)
        wait_for(running.ready, timeout_seconds=60, what=f"Prometheus is ready, see {folder / 'prometheus.log'}")
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
