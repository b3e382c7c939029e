import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Variable(_message.Message):
    __slots__ = ("id", "name", "type", "value", "constraints_json", "metadata", "version", "source", "at")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_JSON_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    type: str
    value: bytes
    constraints_json: str
    metadata: _containers.ScalarMap[str, str]
    version: int
    source: Source
    at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., type: _Optional[str] = ..., value: _Optional[bytes] = ..., constraints_json: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., version: _Optional[int] = ..., source: _Optional[_Union[Source, _Mapping]] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Source(_message.Message):
    __slots__ = ("side", "worker_id", "tool", "call")
    class Side(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SIDE_UNSPECIFIED: _ClassVar[Source.Side]
        SIDE_TYPESCRIPT: _ClassVar[Source.Side]
        SIDE_PYTHON: _ClassVar[Source.Side]
    SIDE_UNSPECIFIED: Source.Side
    SIDE_TYPESCRIPT: Source.Side
    SIDE_PYTHON: Source.Side
    SIDE_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    TOOL_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    side: Source.Side
    worker_id: str
    tool: str
    call: int
    def __init__(self, side: _Optional[_Union[Source.Side, str]] = ..., worker_id: _Optional[str] = ..., tool: _Optional[str] = ..., call: _Optional[int] = ...) -> None: ...

class Caller(_message.Message):
    __slots__ = ("tool", "call")
    TOOL_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    tool: str
    call: int
    def __init__(self, tool: _Optional[str] = ..., call: _Optional[int] = ...) -> None: ...

class VariableChange(_message.Message):
    __slots__ = ("kind", "variable", "coalesced")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[VariableChange.Kind]
        KIND_SET: _ClassVar[VariableChange.Kind]
        KIND_DELETED: _ClassVar[VariableChange.Kind]
        KIND_ENDED: _ClassVar[VariableChange.Kind]
    KIND_UNSPECIFIED: VariableChange.Kind
    KIND_SET: VariableChange.Kind
    KIND_DELETED: VariableChange.Kind
    KIND_ENDED: VariableChange.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    COALESCED_FIELD_NUMBER: _ClassVar[int]
    kind: VariableChange.Kind
    variable: Variable
    coalesced: int
    def __init__(self, kind: _Optional[_Union[VariableChange.Kind, str]] = ..., variable: _Optional[_Union[Variable, _Mapping]] = ..., coalesced: _Optional[int] = ...) -> None: ...
