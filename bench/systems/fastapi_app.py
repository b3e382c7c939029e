"""The work as a FastAPI application on uvicorn, with uvloop and httptools."""

import json
import socket
import sys
from collections.abc import AsyncIterator

import uvicorn
import work
from fastapi import FastAPI, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel

app = FastAPI()


class Echo(BaseModel):
    """A text."""

    text: str


@app.post("/echo")
async def echo(request: Echo) -> dict[str, str]:
    """Give the text back."""
    return {"value": work.echo(request.text)}


@app.get("/items")
async def items(n: int) -> StreamingResponse:
    """Stream short strings, a line of JSON each."""

    async def lines() -> AsyncIterator[str]:
        for item in work.items(n):
            yield json.dumps(item) + "\n"

    return StreamingResponse(lines(), media_type="application/x-ndjson")


@app.post("/blob")
async def blob(request: Request) -> Response:
    """Give the bytes back."""
    return Response(work.blob(await request.body()), media_type="application/octet-stream")


class Server(uvicorn.Server):
    """Says when it is ready."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve."""
        await super().startup(sockets)
        print("ready", flush=True)


listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
config = uvicorn.Config(app, loop="uvloop", http="httptools", log_level="warning", access_log=False)
Server(config).run(sockets=[listener])
