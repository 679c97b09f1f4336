"""A proxy between the operator and a real API server: counts, cuts watch streams, and kills at a chosen request."""

import asyncio
import base64
import json
import re
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web

STREAM_ERROR = {
    "kind": "Status",
    "apiVersion": "v1",
    "status": "Failure",
    "message": "an error of the storage in the middle of the stream",
    "reason": "InternalError",
    "code": 500,
}


@dataclass(frozen=True)
class Request:
    """One request that the operator made."""

    method: str
    path: str
    query: str
    status: int = 0
    created: str = ""
    """Name of the object that a POST created."""

    @property
    def is_write(self) -> bool:
        """Whether it counts as a write: all that changes something but Events and the Lease."""
        return self.method != "GET" and "/events" not in self.path and "/leases" not in self.path

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"


@dataclass
class ApiProxy:
    """Plain HTTP on loopback before an API server's TLS, with the administrator's certificate."""

    upstream: str
    session: aiohttp.ClientSession
    impersonate: dict[str, str]
    requests: list[Request] = field(default_factory=list)
    answers: dict[str, Callable[[], web.Response]] = field(default_factory=dict)
    """Pattern of `METHOD path` -> an answer in place of the API server's, for what the tests play."""
    before: dict[str, Callable[[], None]] = field(default_factory=dict)
    """Pattern of `METHOD path` -> called once, in place of forwarding the request."""
    after: dict[str, Callable[[], None]] = field(default_factory=dict)
    """Pattern of `METHOD path` -> called once, when the API server has done it and the operator does not know."""
    ahead: dict[str, Callable[[], None]] = field(default_factory=dict)
    """Pattern of `METHOD path` -> called once, before the request is forwarded a moment later."""
    streams: dict[asyncio.Queue[Any], str] = field(default_factory=dict)
    url: str = ""

    @property
    def writes(self) -> list[Request]:
        """The operator's writes that the API server carried out."""
        return [request for request in self.requests if request.is_write and request.status < 300]

    def watched(self, plural: str) -> bool:
        """Tell whether a watch of a kind is open."""
        return any(path.endswith(f"/{plural}") for path in self.streams.values())

    def break_streams(self, plural: str) -> int:
        """Send an error inside each open watch of a kind; return how many there were."""
        queues = [queue for queue, path in self.streams.items() if path.endswith(f"/{plural}")]
        for queue in queues:
            queue.put_nowait(json.dumps({"type": "ERROR", "object": STREAM_ERROR}).encode() + b"\n")
        return len(queues)

    def silence_streams(self, plural: str) -> int:
        """Let each open watch of a kind hang without another word; return how many there were."""
        queues = [queue for queue, path in self.streams.items() if path.endswith(f"/{plural}")]
        for queue in queues:
            queue.put_nowait(None)
        return len(queues)

    @staticmethod
    def text(content: str) -> web.Response:
        """Return an answer such as a log."""
        return web.Response(text=content)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Forward one request."""
        words = f"{request.method} {request.path}"
        for pattern, answer in self.answers.items():
            if re.search(pattern, words):
                played = answer()
                self.requests.append(Request(request.method, request.path, request.query_string, played.status))
                return played
        if (hook := take(self.before, words)) is not None:
            hook()
            raise web.HTTPBadGateway
        if (hook := take(self.ahead, words)) is not None:
            hook()
            await asyncio.sleep(0.3)
        headers = {
            name: value for name, value in request.headers.items() if name in ("Accept", "Content-Type", "User-Agent")
        }
        async with self.session.request(
            request.method,
            f"{self.upstream}{request.path_qs}",
            data=await request.read() or None,
            headers=headers | self.impersonate,
        ) as response:
            if request.query.get("watch") == "true" and response.status == 200:
                return await self.stream(request, response)
            content = await response.read()
            created = json.loads(content)["metadata"]["name"] if response.status == 201 else ""
            self.requests.append(Request(request.method, request.path, request.query_string, response.status, created))
            if (hook := take(self.after, words)) is not None:
                hook()
                raise web.HTTPBadGateway
            kind = response.headers.get("Content-Type", "application/json")
            return web.Response(status=response.status, body=content, headers={"Content-Type": kind})

    async def stream(self, request: web.Request, response: aiohttp.ClientResponse) -> web.StreamResponse:
        """Forward a watch, with whatever is put into its queue in between; None in the queue silences it."""
        answer = web.StreamResponse(headers={"Content-Type": "application/json"})
        await answer.prepare(request)
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.streams[queue] = request.path
        silent = False

        async def read() -> None:
            async for line in response.content:
                queue.put_nowait(line)
            queue.put_nowait(b"")

        reader = asyncio.create_task(read())
        try:
            while (line := await queue.get()) != b"":
                silent = silent or line is None
                if not silent and line is not None:
                    await answer.write(line)
        except (ConnectionError, aiohttp.ClientError):
            pass
        finally:
            reader.cancel()
            del self.streams[queue]
        return answer


def take(hooks: dict[str, Callable[[], None]], words: str) -> Callable[[], None] | None:
    """Return and forget the hook that matches."""
    for pattern in hooks:
        if re.search(pattern, words):
            return hooks.pop(pattern)
    return None


def tls(kubeconfig: Path) -> tuple[str, ssl.SSLContext]:
    """Return a kubeconfig's server and its credentials."""
    config = yaml.safe_load(kubeconfig.read_text())
    cluster, credentials = config["clusters"][0]["cluster"], config["users"][0]["user"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    with tempfile.NamedTemporaryFile() as file:
        for entry in ("client-certificate-data", "client-key-data"):
            file.write(base64.b64decode(credentials[entry]))
        file.flush()
        context.load_cert_chain(file.name)
    return cluster["server"], context


@asynccontextmanager
async def api_proxy(kubeconfig: Path, user: str | None = None) -> AsyncIterator[ApiProxy]:
    """Run a proxy on a free port of loopback, acting as `user` when one is named."""
    server, context = tls(kubeconfig)
    connector = aiohttp.TCPConnector(ssl=context, limit=0)
    impersonate = {"Impersonate-User": user} if user else {}
    async with aiohttp.ClientSession(
        connector=connector, timeout=aiohttp.ClientTimeout(total=None), read_bufsize=2**22
    ) as session:
        proxy = ApiProxy(server, session, impersonate)
        application = web.Application(client_max_size=2**24)
        application.router.add_route("*", "/{path:.*}", proxy.handle)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield proxy
        finally:
            await runner.cleanup()
