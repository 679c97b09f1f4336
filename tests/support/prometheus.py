"""A real Prometheus on loopback, where this machine has one (`apt-get install prometheus`)."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.support.predictor_process import free_port
from tests.support.waiting import wait_for


def program(name: str) -> str | None:
    """Return where `prometheus` or `promtool` is: in the folder that PROMETHEUS_BIN names, or on the PATH."""
    return shutil.which(name, path=os.environ.get("PROMETHEUS_BIN")) or shutil.which(name)


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
        answer = self._client.get("/api/v1/query", params={"query": expression}).json()
        assert answer["status"] == "success", answer
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result


@contextmanager
def prometheus(folder: Path, scrape: dict[str, Any]) -> Iterator[Prometheus]:
    """Run one with a scrape configuration, and end it."""
    binary = program("prometheus")
    assert binary is not None
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


def relabel_configs(relabelings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a PodMonitor's relabelings as Prometheus' own configuration writes them."""
    names = {"sourceLabels": "source_labels", "targetLabel": "target_label"}
    return [{names.get(key, key): value for key, value in each.items()} for each in relabelings]
