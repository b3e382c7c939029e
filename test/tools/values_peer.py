"""Calls the tools of values.py without a worker: an ExecuteToolRequest in, an ExecuteToolResponse out, each behind its length."""

import pathlib
import struct
import sys

from snakepit._loading import load
from snakepit._values import encode
from snakepit.v1.value_pb2 import Buffer
from snakepit.v1.worker_pb2 import ExecuteToolRequest, ExecuteToolResponse

tools = load([str(pathlib.Path(__file__).with_name("values.py"))]).tools
while head := sys.stdin.buffer.read(4):
    request = ExecuteToolRequest.FromString(sys.stdin.buffer.read(*struct.unpack("<I", head)))
    try:
        call = tools[request.tool].bind(request.args, [(b, bytearray(b.inline)) for b in request.buffers], None, None)
        packed, buffers = encode(call())
        kinds = [Buffer(dtype=b.dtype, shape=b.shape, kind=b.kind, inline=bytes(b.data)) for b in buffers or ()]
        body = b"\0" + ExecuteToolResponse(result=packed, buffers=kinds).SerializeToString()
    except Exception as error:
        body = b"\1" + str(error).encode()
    sys.stdout.buffer.write(struct.pack("<I", len(body)) + body)
    sys.stdout.buffer.flush()
