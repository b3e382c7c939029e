"""A worker that serves methods of every shape. Run as a program by test_worker_services.py."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

from snakepit._server import CallFailed, Context, Method, Service
from snakepit.worker import run


def now(request: bytes, context: Context) -> bytes:
    return request.upper()


async def unary(request: bytes, context: Context) -> bytes:
    context.response_headers["x-head"] = context.request_headers.get("x-ask", [])
    context.response_trailers["X-Trail"] = ["t"]
    return request + str(context.timeout_ms).encode()


async def wordy(request: bytes, context: Context) -> bytes:
    context.response_headers["words"] = ["a" * 100_000]
    return request


async def client(requests: AsyncIterator[bytes], context: Context) -> bytes:
    return b"".join([r async for r in requests])


async def server(request: bytes, context: Context) -> AsyncIterator[bytes]:
    context.response_headers["h"] = ["1", "2"]
    context.response_trailers["t"] = ["3"]
    for n in range(int(request)):
        yield bytes([n % 256]) * 1024


async def bidi(requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
    async for r in requests:
        yield r[::-1]


async def fail(request: bytes, context: Context) -> bytes:
    context.response_headers["h"] = ["1"]
    context.response_trailers["t"] = ["2"]
    raise CallFailed(9, "not now", [("my.Type", b"abc")])


async def fail_late(request: bytes, context: Context) -> AsyncIterator[bytes]:
    context.response_headers["h"] = ["1"]
    yield b"one"
    raise CallFailed(10, "later")


async def breaks(request: bytes, context: Context) -> bytes:
    raise KeyError("x")


async def never(request: bytes, context: Context) -> bytes:
    try:
        os.write(2, b"waiting\n")
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        os.write(2, b"cancelled\n")
        raise
    return b""


async def early(request: bytes, context: Context) -> AsyncIterator[bytes]:
    context.response_headers["h"] = ["1"]
    context.send_headers()
    await asyncio.Event().wait()
    yield b""


def parse(body: bytes) -> bytes:
    if body == b"bad":
        raise ValueError("bad")
    return body


def method(handler: Any, client_streaming: bool = False, server_streaming: bool = False) -> Method:
    return Method(parse, bytes, client_streaming, server_streaming, handler)


SERVICE = Service(
    {
        "/t/Now": method(now),
        "/t/Unary": method(unary),
        "/t/Wordy": method(wordy),
        "/t/Client": method(client, client_streaming=True),
        "/t/Server": method(server, server_streaming=True),
        "/t/Bidi": method(bidi, client_streaming=True, server_streaming=True),
        "/t/Fail": method(fail),
        "/t/FailLate": method(fail_late, server_streaming=True),
        "/t/Breaks": method(breaks),
        "/t/Never": method(never),
        "/t/Early": method(early, server_streaming=True),
    }
)

if __name__ == "__main__":
    run(sys.argv[sys.argv.index("--socket") + 1], [SERVICE])
