"""A tool: how its arguments are decoded, how it is called, and what is said of it.

Everything that can be known before a call is worked out once: a struct with a field for each parameter, a decoder for it, and a generated function
that calls the tool with the fields. A call that fits costs those two and nothing else. Whatever does not fit (a session, input streams, ``**kwargs``,
buffers, integers beyond 64 bits) or is wrong takes the slower way of ``bind``.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import typing
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec.msgpack import Decoder

from snakepit._buffers import Unsupported
from snakepit._declare import Declaration, tool
from snakepit._errors import InvalidArguments, WorkerStartFailed
from snakepit._extensions import EXT_OBJECT
from snakepit._hints import (
    UnknownHint,
    convert,
    element_of,
    from_foreign,
    holds_views,
    is_instance,
    is_stream,
    known,
    name_of,
    without_errors,
    without_none,
)
from snakepit._schema import ParameterInfo, input_schema, output_schema, parameter_message
from snakepit._session import AsyncSession, Session
from snakepit._tracebacks import GENERATED
from snakepit._values import InBuffers, Refer, extension_hook
from snakepit.v1 import tool_pb2

__all__ = ["DecodeItem", "OpenInput", "Tool", "tool"]

DecodeItem = Callable[["bytes | memoryview", InBuffers], Any]
"""Decodes one item of an input stream. Raises InvalidArguments."""

OpenInput = Callable[[int, str, DecodeItem], "Iterator[Any] | AsyncIterator[Any]"]
"""Opens the input stream of a number for a parameter."""

_EMPTY = inspect.Parameter.empty
_EMPTY_MAP = b"\x80"
_IMMUTABLE = (type(None), bool, int, float, str, bytes)


class Tool:
    """One tool, ready to be called.

    ``call`` starts the tool and gives its result, a coroutine, an iterator or an asynchronous iterator, by ``streaming`` and ``asynchronous``.
    When ``fast`` is true, ``call(decode(raw))`` is all that an ordinary call takes; when ``decode`` raises, there are buffers, or ``fast`` is
    false, ``bind`` gives what to call.
    """

    __slots__ = (
        "_attribute",
        "_declaration",
        "_fields",
        "_namespace",
        "_parameters",
        "_session_parameter",
        "_struct",
        "_untracked",
        "asynchronous",
        "batch",
        "call",
        "decode",
        "fast",
        "idempotent",
        "input_streams",
        "name",
        "spec",
        "streaming",
        "takes_session",
    )

    name: str
    """Unique within a worker; "Class.method" for a method."""
    spec: tool_pb2.Tool
    """What the host is told."""
    streaming: bool
    """Whether results come as a stream."""
    asynchronous: bool
    """Whether it runs on an event loop."""
    idempotent: bool
    """Whether it may be run again after a crash."""
    batch: tuple[int, int] | None
    """For a batch tool the most calls in one run, and the longest wait for others in milliseconds."""
    fast: bool
    """Whether ``call(decode(raw))`` may be used."""
    takes_session: bool
    """Whether it has a session parameter."""
    input_streams: tuple[str, ...]
    """Names of the parameters that take streams."""
    decode: Callable[[bytes | memoryview], Any]
    """Arguments of ordinary calls. Raises errors of msgspec, and others; ``bind`` then says what is wrong."""
    call: Callable[..., Any]
    """Starts the tool: ``call(args)``; a batch tool with a list of them, and the result is the list that it returns."""

    def __init__(self, declaration: Declaration, function: Callable[..., Any], name: str, attribute: str | None = None, bound: bool = False) -> None:
        """Works out how ``function`` is called. For a method, ``attribute`` is its name in the class and ``attach`` must follow; ``bound`` is true
        when its first parameter is filled in by Python.

        Raises WorkerStartFailed when the function cannot be a tool.
        """
        self.name = name
        self._declaration = declaration
        self._attribute = attribute
        self.idempotent = declaration.idempotent
        self.batch = declaration.batch
        signature = inspect.signature(function)
        parameters = list(signature.parameters.values())[1 if bound else 0 :]
        hints = self._resolve(function, parameters, signature.return_annotation)
        result = hints.get("return", _EMPTY)
        kind = self._kind_of(inspect.unwrap(function), result)
        self._inspect(parameters, hints)
        source = self._source(kind)
        self.fast = not (self._session_parameter or self.input_streams or any(p.rest for p in self._parameters) or self._untracked)
        self.decode = Decoder(self._struct, ext_hook=extension_hook(()), dec_hook=from_foreign).decode
        self._namespace: dict[str, Any] = {"items_of": _items_of}
        exec(compile(source, GENERATED, "exec"), self._namespace)
        self.call = self._namespace["call"]
        if attribute is None:
            self._namespace["fn"] = function
        self.spec = self._describe(function, signature, result)

    def attach(self, instance: object) -> None:
        """Gives the tool of a method the instance whose method it is."""
        assert self._attribute is not None
        self._namespace["fn"] = getattr(instance, self._attribute)

    def bind(
        self, raw: bytes | memoryview, buffers: InBuffers, open_input: OpenInput, session: Session | AsyncSession | None, refer: Refer | None = None
    ) -> Callable[[], Any]:
        """What to call for a call that does not fit the fast way. Raises InvalidArguments, and what ``refer`` does; no user code has run then.

        ``buffers`` are handed over: they may become the tool's own. ``open_input`` is called once for each input stream among the arguments,
        ``refer`` for each function of the host's and each stored object.
        """
        arguments, rest = self._arguments(raw, buffers, open_input, refer)
        return functools.partial(self.call, arguments, session, rest)

    def arguments(self, raw: bytes | memoryview, buffers: InBuffers, refer: Refer | None = None) -> Any:
        """The arguments of one call of a batch tool, as ``call`` takes them. Raises as ``bind`` does."""
        return self._arguments(raw, buffers, _no_stream, refer)[0]

    def _arguments(self, raw: bytes | memoryview, buffers: InBuffers, open_input: OpenInput, refer: Refer | None) -> tuple[Any, dict[str, Any]]:
        raw = bytes(raw) if raw else _EMPTY_MAP
        if not buffers and not self.input_streams and not any(p.rest for p in self._parameters):
            try:
                return self.decode(raw), {}
            except Exception:
                # Decoded again below, where the value says more than the error does.
                pass
        stored: list[Any] = []
        given = self._given(raw, buffers, refer, stored)
        arguments: dict[str, Any] = {}
        rest: dict[str, Any] = {}
        for parameter in self._parameters:
            if parameter.rest:
                rest = {name: self._convert(name, value, parameter.hint, stored) for name, value in given.items()}
                given = {}
            elif parameter.name in given:
                value = given.pop(parameter.name)
                arguments[parameter.name] = (
                    self._stream(parameter, value, open_input) if parameter.stream else self._convert(parameter.name, value, parameter.hint, stored)
                )
            elif parameter.default is _EMPTY:
                raise InvalidArguments(self.name, parameter.name, f"$.{parameter.name}", "It is required, and missing.")
        if given:
            self._refuse_extra(next(iter(given)))
        return self._struct(**arguments), rest

    def _given(self, raw: bytes, buffers: InBuffers, refer: Refer | None, stored: list[Any]) -> dict[str, Any]:
        def resolve(code: int, payload: memoryview) -> Any:
            assert refer is not None
            value = refer(code, payload)
            if code == EXT_OBJECT:
                stored.append(value)
            return value

        try:
            given = Decoder(ext_hook=extension_hook(buffers, _InputNumber, refer and resolve)).decode(raw)
        except RecursionError:
            raise InvalidArguments(self.name, "", "$", "The arguments are nested too deep.") from None
        except (Unsupported, msgspec.MsgspecError, ValueError) as error:
            raise InvalidArguments(self.name, "", "$", f"The arguments cannot be read: {error}.") from None
        if not isinstance(given, dict) or not all(isinstance(name, str) for name in typing.cast("dict[Any, Any]", given)):
            raise InvalidArguments(self.name, "", "$", "The arguments must be an object with a member for each parameter.")
        return typing.cast("dict[str, Any]", given)

    def _convert(self, name: str, value: Any, hint: Any, stored: list[Any]) -> Any:
        if any(value is one for one in stored) and type(value) not in _IMMUTABLE:
            # The object itself, of which msgspec would make another.
            if is_instance(value, hint):
                return value
            said = f"Expected `{name_of(hint)}`, got an object of the type `{type(value).__qualname__}`."
            raise InvalidArguments(self.name, name, f"$.{name}", said)
        if isinstance(value, _InputNumber):
            raise InvalidArguments(self.name, name, f"$.{name}", "It is a stream, which only a parameter hinted Iterator or AsyncIterator takes.")
        return _checked(self.name, name, f"$.{name}", value, hint)

    def _stream(self, parameter: ParameterInfo, value: Any, open_input: OpenInput) -> Any:
        name = parameter.name
        if isinstance(value, _InputNumber):
            return open_input(value.number, name, _ItemDecoder(self.name, name, parameter.hint))
        if value is None and parameter.default is None:
            return None
        # A caller that cannot stream, such as one that sends JSON, may send all items at once.
        items = _checked(self.name, name, f"$.{name}", value, list[parameter.hint])
        return _later(items) if self.asynchronous else iter(items)

    def _refuse_extra(self, name: str) -> typing.NoReturn:
        near = difflib.get_close_matches(name, [p.name for p in self._parameters], 1)
        hint = f'; did you mean "{near[0]}"?' if near else "."
        raise InvalidArguments(self.name, name, f"$.{name}", f"There is no such parameter{hint}")

    def _failed(self, reason: str) -> WorkerStartFailed:
        return WorkerStartFailed(f'tool "{self.name}" ({self._declaration.location}): {reason}')

    def _resolve(self, function: Callable[..., Any], parameters: list[inspect.Parameter], result: Any) -> dict[str, Any]:
        try:
            return typing.get_type_hints(function, include_extras=True)
        except Exception:
            pass
        # One of them cannot be resolved. Only that of a parameter matters: a value has to be checked against it.
        hints: dict[str, Any] = {}
        for name, annotation in [*((p.name, p.annotation) for p in parameters), ("return", result)]:
            if annotation is _EMPTY:
                continue
            holder = type("Holder", (), {"__annotations__": {"x": annotation}})
            try:
                hints[name] = typing.get_type_hints(holder, globalns=getattr(inspect.unwrap(function), "__globals__", {}), include_extras=True)["x"]
            except Exception as error:
                if name != "return":
                    raise self._failed(f'the type hint of the parameter "{name}" cannot be resolved: {error}') from error
        return hints

    def _kind_of(self, function: Callable[..., Any], result: Any) -> str:
        """Sets what the tool is, and says how its result becomes the stream or value that the caller of ``call`` gets."""
        declared = is_stream(result, result=True)
        coroutine = inspect.iscoroutinefunction(function)
        generator = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
        self.streaming = generator or declared is not None
        self.asynchronous = coroutine or inspect.isasyncgenfunction(function) or (declared == "async" and not generator)
        if self.batch is not None and self.streaming:
            raise self._failed("a batch tool returns a list, it cannot stream")
        if generator or not self.streaming:
            return "{}"
        if coroutine:
            return "items_of({})"
        return "{}.__aiter__()" if declared == "async" else "iter({})"

    def _inspect(self, parameters: list[inspect.Parameter], hints: Mapping[str, Any]) -> None:
        self._parameters: list[ParameterInfo] = []
        self._session_parameter: str | None = None
        self._fields: list[tuple[str, bool]] = []
        self._untracked = False
        fields: list[Any] = []
        for parameter in parameters:
            name = parameter.name
            keyword = parameter.kind is parameter.KEYWORD_ONLY
            hint: Any = hints.get(name, Any)
            self._refuse_unnamable(parameter)
            if hint in (Session, AsyncSession):
                self._take_session(name, hint)
                continue
            info = self._parameter(parameter, hint)
            self._parameters.append(info)
            if info.rest:
                continue
            self._fields.append((name, keyword))
            expected = Any if info.stream else info.hint
            self._untracked = self._untracked or holds_views(expected)
            fields.append((name, expected) if info.default is _EMPTY else (name, expected, _default(info.default)))
        if self.batch is not None and not self._fields:
            raise self._failed("a batch tool needs a parameter, whose length says how many calls there are")
        self.input_streams = tuple(p.name for p in self._parameters if p.stream)
        self.takes_session = self._session_parameter is not None
        # Under a name of underscores alone, parameters that begin with two keep theirs.
        self._struct = msgspec.defstruct("_", fields, kw_only=True, gc=False, forbid_unknown_fields=True)

    def _refuse_unnamable(self, parameter: inspect.Parameter) -> None:
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise self._failed(f'the parameter "{parameter.name}" is positional-only, so that no caller can name it; move the "/"')
        if parameter.kind is parameter.VAR_POSITIONAL:
            raise self._failed(f'no caller can name what is in "*{parameter.name}"; take a list')

    def _take_session(self, name: str, hint: Any) -> None:
        if self._session_parameter is not None:
            raise self._failed(f'it has two session parameters, "{self._session_parameter}" and "{name}"')
        wanted = AsyncSession if self.asynchronous else Session
        if hint is not wanted:
            tools = '"async def"' if self.asynchronous else '"def"'
            raise self._failed(f'the parameter "{name}" is {hint.__name__}, but tools written with {tools} take {wanted.__name__}')
        self._session_parameter = name

    def _parameter(self, parameter: inspect.Parameter, hint: Any) -> ParameterInfo:
        name = parameter.name
        rest = parameter.kind is parameter.VAR_KEYWORD
        text = "" if parameter.annotation is _EMPTY else _text_of(parameter.annotation)
        stream = None if rest else is_stream(without_none(hint))
        default = parameter.default
        if self.batch is not None:
            hint, default = self._batched(parameter, hint)
            stream = None
        if stream is not None:
            self._check_stream(name, stream)
            hint = element_of(without_none(hint))
        try:
            return ParameterInfo(name, text, known(hint), default, stream is not None, rest)
        except UnknownHint as error:
            raise self._failed(f'the type hint of the parameter "{name}" cannot be checked: {error}') from error

    def _batched(self, parameter: inspect.Parameter, hint: Any) -> tuple[Any, Any]:
        """Hint and default of a batch tool's parameter, as they are for one call."""
        default: Any = parameter.default
        if parameter.kind is parameter.VAR_KEYWORD:
            raise self._failed(f'the parameter "{parameter.name}" of a batch tool cannot be "**"')
        if hint is not Any and (typing.get_origin(hint) or hint) is not list:
            raise self._failed(f'the parameter "{parameter.name}" of a batch tool must be hinted as a list')
        if default is not _EMPTY:
            items = typing.cast("list[Any]", default) if type(default) is list else []
            if len(items) != 1:
                raise self._failed(f'the default of the parameter "{parameter.name}" of a batch tool must be a list of one, which each call takes')
            default = items[0]
        return element_of(hint), default

    def _check_stream(self, name: str, stream: str) -> None:
        if (stream == "async") is not self.asynchronous:
            kind, wanted = ('"async def"', "AsyncIterator") if self.asynchronous else ('"def"', "Iterator")
            raise self._failed(f'the parameter "{name}" is a stream, which tools written with {kind} take as {wanted}')

    def _source(self, result: str) -> str:
        """The function that calls the tool with the fields of its struct."""
        value = "a.{}" if self.batch is None else "[one.{} for one in a]"
        # The session may stand anywhere in the signature, so everything goes by name then.
        by_name = self._session_parameter is not None
        arguments = [f"{name}=" * (keyword or by_name) + value.format(name) for name, keyword in self._fields]
        if self._session_parameter is not None:
            arguments.append(f"{self._session_parameter}=session")
        if any(p.rest for p in self._parameters):
            arguments.append("**rest")
        called = result.format(f"fn({', '.join(arguments)})")
        return f"def call(a, session=None, rest={{}}): return {called}"

    def _describe(self, function: Callable[..., Any], signature: inspect.Signature, result: Any) -> tool_pb2.Tool:
        item = element_of(result) if self.streaming or self.batch is not None else result
        if self.batch is not None:
            item = without_errors(item)
        if is_stream(result, result=True) is None and self.streaming:
            item = _EMPTY
        spec = tool_pb2.Tool(
            name=self.name,
            description=inspect.getdoc(function) or "",
            streaming=self.streaming,
            idempotent=self.idempotent,
            asynchronous=self.asynchronous,
            parameters=map(parameter_message, self._parameters),
            input_schema_json=input_schema(self._parameters),
            output_schema_json=output_schema(item),
            location=self._declaration.location,
            takes_session=self.takes_session,
        )
        if self.batch is not None:
            spec.batch.max_size, spec.batch.max_wait_ms = self.batch
        return spec


class _InputNumber:
    """An input stream among the arguments, not yet opened."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


class _ItemDecoder:
    """Decodes the items of one input stream, and counts them for the path of a wrong one."""

    __slots__ = ("_count", "_decode", "_hint", "_name", "_tool", "_untracked")

    def __init__(self, tool: str, name: str, hint: Any) -> None:
        self._tool = tool
        self._name = name
        self._hint = hint
        self._count = -1
        self._untracked = holds_views(hint)
        self._decode = Decoder(hint, ext_hook=extension_hook(()), dec_hook=from_foreign).decode

    def __call__(self, raw: bytes | memoryview, buffers: InBuffers) -> Any:
        self._count += 1
        if not buffers:
            try:
                return self._decode(bytes(raw) if self._untracked else raw)
            except Exception:
                pass
        path = f"$.{self._name}[{self._count}]"
        try:
            value = Decoder(ext_hook=extension_hook(buffers)).decode(raw)
        except (Unsupported, msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise InvalidArguments(self._tool, self._name, path, f"The item cannot be read: {error}.") from None
        return _checked(self._tool, self._name, path, value, self._hint)


def _checked(tool: str, name: str, path: str, value: Any, hint: Any) -> Any:
    try:
        return convert(value, hint)
    except RecursionError:
        raise InvalidArguments(tool, name, path, "It is nested too deep.") from None
    except (msgspec.ValidationError, ValueError, OverflowError) as error:
        said, _, inner = str(error).partition(" - at `")
        where = path + inner.rstrip("`")[1:] if inner.startswith("$") else path
        text = said if where == path else f"{said} at {where}"
        raise InvalidArguments(tool, name, where, f"{text}.") from error


def _default(value: Any) -> Any:
    # Mutable defaults are the function's own objects, as in Python; msgspec would copy some of them and refuse others.
    if type(value) in _IMMUTABLE:
        return value
    return msgspec.field(default_factory=lambda: value)


def _no_stream(_number: int, _name: str, _decode: DecodeItem) -> typing.NoReturn:
    raise AssertionError("a batch tool has no input streams")


def _text_of(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


T = TypeVar("T")


async def _items_of(coroutine: Any) -> AsyncIterator[Any]:
    """The items of what a coroutine function returns instead of yielding them itself."""
    items: Any = await coroutine
    close: Any = getattr(items, "aclose", None) or getattr(items, "close", None)
    try:
        if hasattr(items, "__aiter__"):
            async for item in items:
                yield item
        else:
            for item in items:
                yield item
    finally:
        if close is not None and inspect.isawaitable(closing := close()):
            await closing


async def _later(items: list[T]) -> AsyncIterator[T]:
    for item in items:
        yield item
