"""The gRPC server of one service. gRPC is imported when it starts, in a thread: probes are answered meanwhile."""

import asyncio
import importlib
import importlib.util
from typing import TYPE_CHECKING, Final

from transfermodel_predictor.configuration import ConfigurationInvalid
from transfermodel_predictor.service import Service

if TYPE_CHECKING:
    import grpc

OVERHEAD_BYTES: Final = 4096
"""What a message has beside its samples, so that these may be as large as in HTTP's bodies."""
SERVICER: Final = "transfermodel_predictor.grpc.servicer"


async def start(service: Service, host: str, port: int) -> "grpc.aio.Server":
    """Listen, and answer for the service.

    Raises:
        ConfigurationInvalid: gRPC is not installed, or the port cannot be listened on.
    """
    if importlib.util.find_spec("grpc") is None:
        raise ConfigurationInvalid(
            "The environment variable TRANSFERMODEL_GRPC_PORT is set, but gRPC is not installed: "
            'pip install "transfermodel[grpc]", or leave the variable out.'
        )
    servicer = await asyncio.to_thread(importlib.import_module, SERVICER)
    import grpc

    server = grpc.aio.server(
        options=(
            ("grpc.max_receive_message_length", service.limits.body_bytes + OVERHEAD_BYTES),
            ("grpc.max_send_message_length", -1),
            # Two processes on one port would share its requests, and nobody would notice.
            ("grpc.so_reuseport", 0),
        )
    )
    server.add_generic_rpc_handlers((servicer.Servicer(service),))
    try:
        server.add_insecure_port(f"{host}:{port}")
    except RuntimeError as error:
        raise ConfigurationInvalid(
            f"gRPC cannot listen on port {port} of {host}: another program does, or it is not allowed. Choose another "
            "with the environment variable TRANSFERMODEL_GRPC_PORT."
        ) from error
    await server.start()
    return server
