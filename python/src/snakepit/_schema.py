"""What the host is told about a tool: its parameters, their JSON Schema, what it returns and where it stands."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import msgspec

from snakepit._hints import schema_of_foreign
from snakepit.v1 import tool_pb2

__all__ = ["ParameterInfo", "input_schema", "output_schema", "parameter_message"]

_REF = "#/$defs/"


class ParameterInfo(NamedTuple):
    """One parameter, as the caller sees it."""

    name: str
    text: str
    """The hint as it reads in Python; empty when there is none."""
    hint: Any
    """What its value is decoded into; for an input stream one item, for a batch tool one element."""
    default: Any
    """``inspect.Parameter.empty`` when it has none."""
    stream: bool
    rest: bool


def parameter_message(parameter: ParameterInfo) -> tool_pb2.Parameter:
    """The parameter as it travels."""
    required = parameter.default is inspect.Parameter.empty and not parameter.rest
    message = tool_pb2.Parameter(name=parameter.name, type=parameter.text, required=required, input_stream=parameter.stream, rest=parameter.rest)
    default = None if required or parameter.rest else _json_of(parameter.default)
    if default is not None:
        message.default_json = default
    return message


def input_schema(parameters: Sequence[ParameterInfo]) -> str:
    """JSON Schema of the arguments object."""
    definitions: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    required: list[str] = []
    rest: Any = False
    for parameter in parameters:
        schema = _schema_of(parameter.hint, definitions)
        if parameter.rest:
            rest = schema or True
            continue
        if parameter.stream:
            schema = {"type": "array", "items": schema}
        if parameter.default is inspect.Parameter.empty:
            required.append(parameter.name)
        elif (default := _json_of(parameter.default)) is not None:
            schema = {**schema, "default": json.loads(default)}
        properties[parameter.name] = schema
    whole: dict[str, Any] = {"type": "object", "properties": properties, "required": required, "additionalProperties": rest}
    return _written(whole, definitions)


def output_schema(hint: Any) -> str:
    """JSON Schema of a result or item. Empty when nothing is known of it."""
    if hint is inspect.Parameter.empty or hint is Any:
        return ""
    definitions: dict[str, Any] = {}
    schema = _schema_of(hint, definitions)
    return _written(schema, definitions) if schema else ""


def _written(schema: dict[str, Any], definitions: Mapping[str, Any]) -> str:
    return json.dumps({**schema, "$defs": definitions} if definitions else schema, separators=(",", ":"), ensure_ascii=False)


def _schema_of(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    def foreign(hint: Any) -> dict[str, Any]:
        # Definitions stand at the root of the whole, where references to them look.
        schema = schema_of_foreign(hint)
        definitions.update(schema.pop("$defs", {}))
        return schema

    try:
        (schema,), components = msgspec.json.schema_components((hint,), schema_hook=foreign, ref_template=_REF + "{name}")
    except Exception:
        # A hint that has no JSON form, such as a map with keys that are no text.
        return {}
    definitions.update(components)
    return schema


def _json_of(value: object) -> str | None:
    """``value`` as JSON, when JSON can hold it as it is."""
    try:
        return msgspec.json.encode(value).decode() if _fits_json(msgspec.to_builtins(value)) else None
    except Exception:
        return None


def _fits_json(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(isinstance(key, str) and _fits_json(inner) for key, inner in cast("dict[Any, Any]", value).items())
    if isinstance(value, (list, tuple)):
        return all(map(_fits_json, cast("list[Any]", value)))
    return value is None or isinstance(value, (bool, int, str))
