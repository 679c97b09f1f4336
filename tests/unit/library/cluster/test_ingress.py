"""Addresses of the ingress, and whether what answers there is the model."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from transfermodel.cluster.ingress import addresses, answer, listens, override
from transfermodel.predictions.types import Endpoint

Manifest = dict[str, Any]


def service(port: Manifest, **more: Any) -> Manifest:
    """A gateway's Service."""
    ports = [{"name": "https", "port": 443}, {"name": "http2", "port": 80, "targetPort": 8080} | port]
    spec = {"ports": ports} | {key: value for key, value in more.items() if key != "status"}
    return {
        "metadata": {"name": "kourier", "namespace": "kourier-system"},
        "spec": spec,
        "status": more.get("status", {}),
    }


def node(**addresses_: str) -> Manifest:
    """A node."""
    return {"status": {"addresses": [{"type": key, "address": value} for key, value in addresses_.items()]}}


def pod(**port: Any) -> Manifest:
    """A pod of the gateway."""
    ports = [{"containerPort": 8080} | port, {"containerPort": 9000, "hostPort": 9000}]
    return {"spec": {"containers": [{"ports": ports}]}, "status": {"hostIP": "10.0.0.7"}}


@pytest.mark.parametrize(
    ("gateway", "pods", "nodes", "urls"),
    [
        (service({}), [], [node(InternalIP="10.0.0.7")], []),
        (service({}, status={"loadBalancer": {"ingress": [{"ip": "203.0.113.7"}]}}), [], [], ["http://203.0.113.7"]),
        (service({}, status={"loadBalancer": {"ingress": [{"hostname": "lb.test"}]}}), [], [], ["http://lb.test"]),
        (service({"port": 8080}, externalIPs=["2001:db8::1"]), [], [], ["http://[2001:db8::1]:8080"]),
        (service({}), [pod(hostPort=8088, hostIP="127.0.0.1")], [], ["http://127.0.0.1:8088"]),
        (service({}), [pod(hostPort=80)], [], ["http://10.0.0.7"]),
        (
            service({"nodePort": 31080}),
            [],
            [node(InternalIP="10.0.0.7", ExternalIP="203.0.113.9")],
            ["http://203.0.113.9:31080", "http://10.0.0.7:31080"],
        ),
    ],
)
def test_addresses_of_a_gateway(
    gateway: Manifest, pods: list[Manifest], nodes: list[Manifest], urls: list[str]
) -> None:
    assert [candidate.url for candidate in addresses(gateway, pods, nodes)] == urls


class Ingress(BaseHTTPRequestHandler):
    """Knows one host, as an ingress does; behind it is one model."""

    def do_GET(self) -> None:
        """Answer the model's path for its host."""
        known = self.headers["Host"] == "digits.demo.example.com"
        model = known and self.path == "/v1/models/digits"
        body = json.dumps({"name": "digits", "ready": True} if model else {"name": "other"}).encode()
        self.send_response(200 if known else 404)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Be silent."""


@pytest.fixture
def ingress() -> Iterator[str]:
    """A server on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Ingress)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_what_answers_must_be_the_model(ingress: str) -> None:
    host = "digits.demo.example.com"
    assert answer(Endpoint(ingress, host, "digits")) is None
    assert answer(Endpoint(ingress, host, "colours")) == "what answers is no model of this name"
    assert "does not know the model's host" in str(answer(Endpoint(ingress, None, "digits")))
    assert answer(Endpoint("http://127.0.0.1:9", host, "digits")) == "nothing listens there"


def test_an_ingress_answers_for_a_host_that_nobody_serves(ingress: str) -> None:
    assert listens(ingress) is None
    assert listens("http://127.0.0.1:9") == "nothing listens there"


def test_the_environment_names_the_ingress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRANSFERMODEL_INGRESS", raising=False)
    assert override() is None
    monkeypatch.setenv("TRANSFERMODEL_INGRESS", "http://127.0.0.1:8080/")
    chosen = override()
    assert chosen is not None
    assert chosen.url == "http://127.0.0.1:8080"
