"""A connect-python client of the gateway: one unary call, then one stream, each printed as a line."""

from __future__ import annotations

import sys

from connectrpc.client import ConnectClientSync
from connectrpc.compat import google_protobuf_binary_codec
from connectrpc.method import IdempotencyLevel, MethodInfo
from google.protobuf.json_format import MessageToDict, ParseDict

from snakepit.v1 import gateway_pb2 as pb

SERVICE = "snakepit.v1.GatewayService"


def main(url: str, token: str) -> None:
    headers = {"authorization": f"Bearer {token}"}
    client = ConnectClientSync(url, codec=google_protobuf_binary_codec())
    unary = MethodInfo("ExecuteTool", SERVICE, pb.GatewayServiceExecuteToolRequest, pb.GatewayServiceExecuteToolResponse, IdempotencyLevel.UNKNOWN)
    add = ParseDict({"tool": "add", "args": {"a": 1, "b": 2}}, pb.GatewayServiceExecuteToolRequest())
    print(MessageToDict(client.execute_unary(request=add, method=unary, headers=headers))["result"])
    stream = MethodInfo(
        "ExecuteToolStream",
        SERVICE,
        pb.GatewayServiceExecuteToolStreamRequest,
        pb.GatewayServiceExecuteToolStreamResponse,
        IdempotencyLevel.UNKNOWN,
    )
    countdown = ParseDict({"tool": "countdown", "args": {"start": 3}}, pb.GatewayServiceExecuteToolStreamRequest())
    answers = client.execute_server_stream(request=countdown, method=stream, headers=headers)
    print([MessageToDict(answer)["item"] for answer in answers])


main(*sys.argv[1:])
