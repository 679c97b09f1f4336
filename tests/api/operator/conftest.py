"""The operator as a process, a real API server behind a proxy, and the rest of the cluster played."""

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from transfermodel_operator.cluster.kinds import INFERENCE_SERVICES, REVISIONS

from devcluster.apiserver import Server
from tests.support.api_proxy import ApiProxy, api_proxy
from tests.support.kubectl import kubectl
from tests.support.operator_process import OperatorProcess
from tests.support.played import World, minimal_crd, world


@pytest.fixture(scope="session")
def serving_kinds(api_server: Server) -> None:
    """Install the kinds of KServe and Knative."""
    crds = [minimal_crd(kind) for kind in (INFERENCE_SERVICES, REVISIONS)]
    kubectl(api_server, "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": crds}))
    for crd in crds:
        kubectl(api_server, "wait", "--for=condition=Established", f"crd/{crd['metadata']['name']}", "--timeout=30s")


@pytest.fixture
async def played(api_server: Server, serving_kinds: None) -> AsyncIterator[World]:
    """A namespace with a played kubelet and KServe."""
    async with world(api_server.kubeconfig) as result:
        yield result


@pytest.fixture
async def proxy(api_server: Server, played: World, predictor: "Predictor") -> AsyncIterator[ApiProxy]:
    """The way of the operator to the API server; a Revision's Service is the played predictor."""
    async with api_proxy(api_server.kubeconfig) as result:
        result.answers[rf"^GET /api/v1/namespaces/{played.namespace}/services/"] = predictor.service
        yield result


@pytest.fixture
async def operator(tmp_path: Path, proxy: ApiProxy, played: World) -> AsyncIterator[OperatorProcess]:
    """The operator, running."""
    async with OperatorProcess(tmp_path, proxy.url, played.namespace) as process:
        yield process


@dataclass
class Predictor:
    """Answers predictions with a digest."""

    digest: Callable[[], str | None]
    port: int = 0
    asked: int = 0

    def service(self) -> web.Response:
        """Return the Service that leads to it."""
        spec = {"clusterIP": "127.0.0.1", "ports": [{"name": "http", "port": self.port}]}
        return web.json_response({"apiVersion": "v1", "kind": "Service", "spec": spec})

    async def infer(self, request: web.Request) -> web.Response:
        """Answer one prediction."""
        self.asked += 1
        body = json.loads(await request.read())
        assert body["inputs"][0]["datatype"] == "BYTES"
        return web.json_response({"model_name": "played", "outputs": [], "parameters": {"digest": self.digest()}})


@pytest.fixture
async def predictor(played: World) -> AsyncIterator[Predictor]:
    """A predictor that says what the newest training run published."""

    def newest() -> str | None:
        return f"sha256:{hashlib.sha256(played.requests[-1]['run'].encode()).hexdigest()}" if played.requests else None

    result = Predictor(newest)
    application = web.Application(client_max_size=2**24)
    application.router.add_post("/v2/models/{name}/infer", result.infer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    result.port = runner.addresses[0][1]
    yield result
    await runner.cleanup()


@pytest.fixture
def spec() -> dict[str, Any]:
    """A small TransferModel."""
    return {
        "task": "ImageClassification",
        "backbone": {"name": "torchvision/resnet18", "weights": {"name": "IMAGENET1K_V1"}},
        "data": {"train": {"uri": "s3://datasets/shapes/train"}, "credentialsSecretName": "s3"},
    }
