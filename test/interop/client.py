"""A connect-python client of the gateway: one unary call, then one stream, each printed as a line."""

from __future__ import annotations

import sys

from connectrpc.client import ConnectClientSync
from connectrpc.compat import google_protobuf_binary_codec
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from google.protobuf.json_format import MessageToDict, ParseDict

from snakepit.v1 import gateway_pb2 as pb

SERVICE = "snakepit.v1.GatewayService"


def main(url: str, token: str) -> None:
    headers = {"authorization": f"Bearer {token}"}
    client = ConnectClientSync(url, codec=google_protobuf_binary_codec())
    unary = MethodInfo(
        name="ExecuteTool",
        service_name=SERVICE,
        input=pb.GatewayServiceExecuteToolRequest,
        output=pb.GatewayServiceExecuteToolResponse,
        idempotency_level=IdempotencyLevel.UNKNOWN,
        stream_type=StreamType.UNARY,
    )
    add = ParseDict({"tool": "add", "args": {"a": 1, "b": 2}}, pb.GatewayServiceExecuteToolRequest())
    print(MessageToDict(client.execute_unary(request=add, method=unary, headers=headers))["result"])
    stream = MethodInfo(
        name="ExecuteToolStream",
        service_name=SERVICE,
        input=pb.GatewayServiceExecuteToolStreamRequest,
        output=pb.GatewayServiceExecuteToolStreamResponse,
        idempotency_level=IdempotencyLevel.UNKNOWN,
        stream_type=StreamType.SERVER_STREAM,
    )
    countdown = ParseDict({"tool": "countdown", "args": {"start": 3}}, pb.GatewayServiceExecuteToolStreamRequest())
    answers = client.execute_server_stream(request=countdown, method=stream, headers=headers)
    print([MessageToDict(answer)["item"] for answer in answers])


main(*sys.argv[1:])
