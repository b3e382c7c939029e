"""The work as a gRPC service on grpcio's asyncio server, which is the quicker of its two."""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import grpc
import work
from google.protobuf.wrappers_pb2 import BytesValue, Int32Value, StringValue

MOST_BYTES = 64 * 2**20


async def echo(request: StringValue, _: Any) -> StringValue:
    """Give the text back."""
    return StringValue(value=work.echo(request.value))


async def items(request: Int32Value, _: Any) -> AsyncIterator[StringValue]:
    """Yield short strings."""
    for item in work.items(request.value):
        yield StringValue(value=item)


async def blob(request: BytesValue, _: Any) -> BytesValue:
    """Give the bytes back."""
    return BytesValue(value=work.blob(request.value))


async def serve(address: str) -> None:
    """Serve until the process is killed."""
    handlers: Any = {
        "Echo": grpc.unary_unary_rpc_method_handler(echo, StringValue.FromString, StringValue.SerializeToString),
        "Items": grpc.unary_stream_rpc_method_handler(items, Int32Value.FromString, StringValue.SerializeToString),
        "Blob": grpc.unary_unary_rpc_method_handler(blob, BytesValue.FromString, BytesValue.SerializeToString),
    }
    server: Any = grpc.aio.server(options=[("grpc.max_receive_message_length", MOST_BYTES), ("grpc.max_send_message_length", MOST_BYTES)])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Bench", handlers),))
    server.add_insecure_port(address)
    await server.start()
    print("ready", flush=True)
    await server.wait_for_termination()


asyncio.run(serve(f"unix:{sys.argv[1]}"))
