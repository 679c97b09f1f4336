"""Where a served model answers: the ingress is found without DNS, and asked before it is believed."""

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import httpx

from transfermodel.cluster import kinds
from transfermodel.cluster.api import Api
from transfermodel.cluster.kinds import Manifest
from transfermodel.cluster.reading import Reader
from transfermodel.errors import Unreachable
from transfermodel.predictions.types import Endpoint

INGRESS_VARIABLE: Final = "TRANSFERMODEL_INGRESS"
"""URL of the ingress as it is reached from here; nothing else is tried then."""
CONNECT_SECONDS: Final = 2.0
WAKE_SECONDS: Final = 120.0
"""A model that sleeps starts a pod first: its node may have to pull the image."""
NO_SUCH_HOST: Final = "nothing-here.invalid"
GATEWAYS: Final = (
    ("kourier-system", "kourier"),
    ("istio-system", "istio-ingressgateway"),
    ("contour-external", "envoy"),
    ("knative-serving", "kourier"),
)
"""Services through which Knative's ingresses take requests, by their usual names."""
PORT_NAMES: Final = ("http2", "http", "http80")


@dataclass(frozen=True)
class Candidate:
    """One address at which the ingress may answer."""

    url: str
    how: str
    """How it was found, for people."""


def find_endpoint(api: Api, model: str, status_url: str) -> Endpoint:
    """Return the first address that answers for the model; wakes it, when it sleeps.

    Raises:
        Unreachable: None does; says what was tried.
    """
    parts = urlsplit(status_url)
    tried = []
    for candidate in candidates(api, parts):
        host = None if urlsplit(candidate.url).hostname == parts.hostname else parts.netloc
        endpoint = Endpoint(url=candidate.url, host=host, model=model)
        said = answer(endpoint)
        if said is None:
            return endpoint
        tried.append(f"{candidate.url} ({candidate.how}): {said}")
    raise Unreachable(
        f"No ingress answers for {status_url}. Tried: {'; '.join(tried) or 'nothing, as no address of it is known'}.",
        forward(),
    )


def forward() -> str:
    """Return what to do where no address of the ingress can be reached from here."""
    namespace, name = GATEWAYS[0]
    return (
        f"Forward a port to the ingress, for Kourier: kubectl port-forward -n {namespace} service/{name} 8080:80, "
        f"and in another terminal: export {INGRESS_VARIABLE}=http://127.0.0.1:8080"
    )


def candidates(api: Api, status_url: SplitResult) -> Iterator[Candidate]:
    """Yield addresses of the ingress, the likeliest first."""
    chosen = override()
    if chosen is not None:
        yield chosen
        return
    host = status_url.hostname or ""
    port = status_url.port or (443 if status_url.scheme == "https" else 80)
    if host.endswith(".localhost") or host == "localhost":
        # Such names are this machine by definition (RFC 6761); Python leaves them to the C library, which may not know.
        yield Candidate(f"http://127.0.0.1:{port}", "status.url is of this machine")
    elif host and resolves(host):
        yield Candidate(f"{status_url.scheme}://{status_url.netloc}", "status.url")
    yield from gateway_candidates(api)


def override() -> Candidate | None:
    """Return the address that the environment names."""
    chosen = os.environ.get(INGRESS_VARIABLE)
    return Candidate(chosen.rstrip("/"), f"${INGRESS_VARIABLE}") if chosen else None


def gateway_candidates(api: Api) -> Iterator[Candidate]:
    """Yield the addresses of Knative's ingress gateways, by what their Services and pods say."""
    reader = Reader(api)
    nodes: list[Manifest] | None = None
    for namespace, name in GATEWAYS:
        service = reader.get(kinds.SERVICES, namespace, name)
        if service is None:
            continue
        if nodes is None:
            nodes = reader.list(kinds.NODES)
        selector = ",".join(f"{key}={value}" for key, value in (service["spec"].get("selector") or {}).items())
        pods = reader.list(kinds.PODS, namespace, labels=selector) if selector else []
        yield from addresses(service, pods, nodes)


def addresses(service: Manifest, pods: list[Manifest], nodes: list[Manifest]) -> Iterator[Candidate]:
    """Yield where a gateway's Service can be reached from outside: load balancer, external IP, host port, node port."""
    label = f"Service {service['metadata']['namespace']}/{service['metadata']['name']}"
    port = _http_port(service)
    if port is None:
        return
    number = int(port["port"])
    for entry in ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []:
        address = entry.get("ip") or entry.get("hostname")
        if address:
            yield Candidate(_url(address, number), f"load balancer of {label}")
    for address in service["spec"].get("externalIPs") or []:
        yield Candidate(_url(address, number), f"external IP of {label}")
    for pod in pods:
        yield from _host_ports(pod, port, label)
    if port.get("nodePort"):
        for address in node_addresses(nodes):
            yield Candidate(_url(address, int(port["nodePort"])), f"node port of {label}")


def _http_port(service: Manifest) -> dict[str, Any] | None:
    ports: list[dict[str, Any]] = service["spec"].get("ports") or []
    named = [port for name in PORT_NAMES for port in ports if port.get("name") == name]
    return next(iter([*named, *(port for port in ports if port.get("port") == 80)]), None)


def _host_ports(pod: Manifest, port: dict[str, Any], label: str) -> Iterator[Candidate]:
    for container in pod["spec"]["containers"]:
        for own in container.get("ports") or []:
            meant = port.get("targetPort") in (own.get("containerPort"), own.get("name"))
            if meant and own.get("hostPort"):
                address = own.get("hostIP") or (pod.get("status") or {}).get("hostIP")
                if address and address != "0.0.0.0":  # noqa: S104 - compared, not bound
                    yield Candidate(_url(address, int(own["hostPort"])), f"host port of {label}")


def node_addresses(nodes: list[Manifest]) -> list[str]:
    """Return the nodes' addresses, those meant for the outside first; three are enough to try."""
    found = []
    for kind in ("ExternalIP", "InternalIP"):
        for node in nodes:
            for address in (node.get("status") or {}).get("addresses") or []:
                if address["type"] == kind:
                    found.append(address["address"])
    return found[:3]


def bracketed(address: str) -> str:
    """Return an address as it stands in a URL."""
    return f"[{address}]" if ":" in address else address


def _url(address: str, port: int) -> str:
    host = bracketed(address)
    return f"http://{host}" if port == 80 else f"http://{host}:{port}"


def resolves(host: str) -> bool:
    """Tell whether a name has an address here."""
    try:
        return bool(socket.getaddrinfo(host, None))
    except OSError:
        return False


def answer(endpoint: Endpoint) -> str | None:
    """Ask for the model by name: None when it answers, else what came instead."""
    url = f"{endpoint.url}/v1/models/{endpoint.model}"
    headers = {"Host": endpoint.host} if endpoint.host else {}
    timeout = httpx.Timeout(WAKE_SECONDS, connect=CONNECT_SECONDS)
    try:
        # An address that was found without DNS is near: no proxy of the Internet leads there.
        response = httpx.get(url, headers=headers, timeout=timeout, trust_env=endpoint.host is None)
    except httpx.HTTPError as error:
        return in_words(error)
    if response.status_code == 404:
        return "an ingress or another server answers, which does not know the model's host (404)"
    if response.status_code != 200:
        return f"HTTP {response.status_code}"
    return None if name_in(response) == endpoint.model else "what answers is no model of this name"


def name_in(response: httpx.Response) -> str | None:
    """Return the name that a model's metadata has (GET /v1/models/<name>)."""
    try:
        said = response.json()
    except ValueError:
        return None
    return said.get("name") if isinstance(said, dict) else None


def in_words(error: httpx.HTTPError) -> str:
    """Return why there was no answer."""
    if isinstance(error, httpx.TimeoutException):
        return "no answer"
    return "nothing listens there" if isinstance(error, httpx.ConnectError) else f"no HTTP ({error})"


def listens(url: str) -> str | None:
    """Tell whether an HTTP server answers at all, for a host that nobody serves: wakes nothing.

    Returns:
        None when one does, else what happened.
    """
    timeout = httpx.Timeout(5.0, connect=CONNECT_SECONDS)
    try:
        httpx.get(url, headers={"Host": NO_SUCH_HOST}, timeout=timeout, trust_env=False)
    except httpx.HTTPError as error:
        return in_words(error)
    return None
