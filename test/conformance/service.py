"""ConformanceService as the suite describes it in its service.proto, over the services of a worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, TypeVar

from connectrpc.conformance.v1 import service_pb2 as pb
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message

from snakepit._server import CallFailed, Context, Headers, Method, Service

_PATH = "/connectrpc.conformance.v1.ConformanceService/"

_Response = TypeVar("_Response", pb.UnaryResponse, pb.IdempotentUnaryResponse, pb.ClientStreamResponse)


async def _unary(request: pb.UnaryRequest, context: Context) -> pb.UnaryResponse:
    return await _answer(request.response_definition, [request], pb.UnaryResponse(), context)


async def _idempotent_unary(request: pb.IdempotentUnaryRequest, context: Context) -> pb.IdempotentUnaryResponse:
    return await _answer(request.response_definition, [request], pb.IdempotentUnaryResponse(), context)


async def _client_stream(requests: AsyncIterator[pb.ClientStreamRequest], context: Context) -> pb.ClientStreamResponse:
    received = [request async for request in requests]
    definition = received[0].response_definition if received else pb.UnaryResponseDefinition()
    return await _answer(definition, received, pb.ClientStreamResponse(), context)


async def _server_stream(request: pb.ServerStreamRequest, context: Context) -> AsyncIterator[pb.ServerStreamResponse]:
    definition = request.response_definition
    _set_metadata(context, definition.response_headers, definition.response_trailers)
    context.send_headers()
    info: pb.ConformancePayload.RequestInfo | None = _info(context, [request])
    for data in definition.response_data:
        await _pause(definition.response_delay_ms)
        yield pb.ServerStreamResponse(payload=pb.ConformancePayload(data=data, request_info=info))
        info = None
    _raise(definition, info)


async def _bidi_stream(requests: AsyncIterator[pb.BidiStreamRequest], context: Context) -> AsyncIterator[pb.BidiStreamResponse]:
    definition: pb.StreamResponseDefinition | None = None
    full_duplex = False
    answered = 0
    unanswered: list[pb.BidiStreamRequest] = []
    async for request in requests:
        unanswered.append(request)
        if definition is None:
            definition = request.response_definition
            full_duplex = request.full_duplex
            _set_metadata(context, definition.response_headers, definition.response_trailers)
            context.send_headers()
        if not full_duplex:
            continue
        if answered == len(definition.response_data):
            break
        await _pause(definition.response_delay_ms)
        payload = pb.ConformancePayload(data=definition.response_data[answered], request_info=_info(context, unanswered))
        yield pb.BidiStreamResponse(payload=payload)
        answered += 1
        unanswered = []
    if definition is None:
        return
    info: pb.ConformancePayload.RequestInfo | None = None if answered else _info(context, unanswered)
    for data in definition.response_data[answered:]:
        await _pause(definition.response_delay_ms)
        yield pb.BidiStreamResponse(payload=pb.ConformancePayload(data=data, request_info=info))
        info = None
    _raise(definition, info)


async def _answer(definition: pb.UnaryResponseDefinition, requests: Sequence[Message], response: _Response, context: Context) -> _Response:
    _set_metadata(context, definition.response_headers, definition.response_trailers)
    info = _info(context, requests)
    await _pause(definition.response_delay_ms)
    if definition.HasField("error"):
        raise _failure(definition.error, info)
    response.payload.CopyFrom(pb.ConformancePayload(data=definition.response_data, request_info=info))
    return response


def _raise(definition: pb.StreamResponseDefinition, info: pb.ConformancePayload.RequestInfo | None) -> None:
    """Ends a stream with the error that it was asked for; `info` goes along when no response took it."""
    if definition.HasField("error"):
        raise _failure(definition.error, info)


def _failure(error: pb.Error, info: pb.ConformancePayload.RequestInfo | None) -> CallFailed:
    details = [(detail.type_url, detail.value) for detail in error.details]
    if info is not None:
        packed = _packed(info)
        details.append((packed.type_url, packed.value))
    return CallFailed(error.code, error.message, details)


def _info(context: Context, requests: Sequence[Message]) -> pb.ConformancePayload.RequestInfo:
    headers = [pb.Header(name=name, value=values) for name, values in context.request_headers.items()]
    packed = [_packed(request) for request in requests]
    return pb.ConformancePayload.RequestInfo(request_headers=headers, timeout_ms=context.timeout_ms, requests=packed)


def _packed(message: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed


def _set_metadata(context: Context, headers: Iterable[pb.Header], trailers: Iterable[pb.Header]) -> None:
    _extend(context.response_headers, headers)
    _extend(context.response_trailers, trailers)


def _extend(target: Headers, headers: Iterable[pb.Header]) -> None:
    for header in headers:
        target.setdefault(header.name.lower(), []).extend(header.value)


async def _pause(ms: int) -> None:
    # The suite asks for delays.
    if ms:
        await asyncio.sleep(ms / 1000)


def _method(request: type[Message], client_streaming: bool, server_streaming: bool, handler: Any) -> Method:
    return Method(request.FromString, lambda response: response.SerializeToString(), client_streaming, server_streaming, handler)


SERVICE = Service(
    {
        _PATH + "Unary": _method(pb.UnaryRequest, False, False, _unary),
        _PATH + "IdempotentUnary": _method(pb.IdempotentUnaryRequest, False, False, _idempotent_unary),
        _PATH + "ClientStream": _method(pb.ClientStreamRequest, True, False, _client_stream),
        _PATH + "ServerStream": _method(pb.ServerStreamRequest, False, True, _server_stream),
        _PATH + "BidiStream": _method(pb.BidiStreamRequest, True, True, _bidi_stream),
    }
)
"""Every method but Unimplemented, which the suite wants to be missing."""
