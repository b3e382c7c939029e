from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Tool(_message.Message):
    __slots__ = ("name", "description", "streaming", "idempotent", "asynchronous", "batch", "parameters", "input_schema_json", "output_schema_json", "location", "takes_session")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    STREAMING_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENT_FIELD_NUMBER: _ClassVar[int]
    ASYNCHRONOUS_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    INPUT_SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    TAKES_SESSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    streaming: bool
    idempotent: bool
    asynchronous: bool
    batch: Batch
    parameters: _containers.RepeatedCompositeFieldContainer[Parameter]
    input_schema_json: str
    output_schema_json: str
    location: str
    takes_session: bool
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., streaming: _Optional[bool] = ..., idempotent: _Optional[bool] = ..., asynchronous: _Optional[bool] = ..., batch: _Optional[_Union[Batch, _Mapping]] = ..., parameters: _Optional[_Iterable[_Union[Parameter, _Mapping]]] = ..., input_schema_json: _Optional[str] = ..., output_schema_json: _Optional[str] = ..., location: _Optional[str] = ..., takes_session: _Optional[bool] = ...) -> None: ...

class Parameter(_message.Message):
    __slots__ = ("name", "type", "required", "default_json", "input_stream", "rest")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_JSON_FIELD_NUMBER: _ClassVar[int]
    INPUT_STREAM_FIELD_NUMBER: _ClassVar[int]
    REST_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    required: bool
    default_json: str
    input_stream: bool
    rest: bool
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., required: _Optional[bool] = ..., default_json: _Optional[str] = ..., input_stream: _Optional[bool] = ..., rest: _Optional[bool] = ...) -> None: ...

class Batch(_message.Message):
    __slots__ = ("max_size", "max_wait_ms")
    MAX_SIZE_FIELD_NUMBER: _ClassVar[int]
    MAX_WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    max_size: int
    max_wait_ms: int
    def __init__(self, max_size: _Optional[int] = ..., max_wait_ms: _Optional[int] = ...) -> None: ...
