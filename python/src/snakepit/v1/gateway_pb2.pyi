from google.protobuf import struct_pb2 as _struct_pb2
from snakepit.v1 import tool_pb2 as _tool_pb2
from snakepit.v1 import value_pb2 as _value_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GatewayServiceListToolsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GatewayServiceListToolsResponse(_message.Message):
    __slots__ = ("tools",)
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    tools: _containers.RepeatedCompositeFieldContainer[_tool_pb2.Tool]
    def __init__(self, tools: _Optional[_Iterable[_Union[_tool_pb2.Tool, _Mapping]]] = ...) -> None: ...

class GatewayServiceExecuteToolRequest(_message.Message):
    __slots__ = ("tool", "args", "args_msgpack", "buffers", "session_id", "pool")
    TOOL_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    ARGS_MSGPACK_FIELD_NUMBER: _ClassVar[int]
    BUFFERS_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    tool: str
    args: _struct_pb2.Value
    args_msgpack: bytes
    buffers: _containers.RepeatedCompositeFieldContainer[_value_pb2.Buffer]
    session_id: str
    pool: str
    def __init__(self, tool: _Optional[str] = ..., args: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., args_msgpack: _Optional[bytes] = ..., buffers: _Optional[_Iterable[_Union[_value_pb2.Buffer, _Mapping]]] = ..., session_id: _Optional[str] = ..., pool: _Optional[str] = ...) -> None: ...

class GatewayServiceExecuteToolResponse(_message.Message):
    __slots__ = ("result", "result_msgpack", "buffers")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    RESULT_MSGPACK_FIELD_NUMBER: _ClassVar[int]
    BUFFERS_FIELD_NUMBER: _ClassVar[int]
    result: _struct_pb2.Value
    result_msgpack: bytes
    buffers: _containers.RepeatedCompositeFieldContainer[_value_pb2.Buffer]
    def __init__(self, result: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., result_msgpack: _Optional[bytes] = ..., buffers: _Optional[_Iterable[_Union[_value_pb2.Buffer, _Mapping]]] = ...) -> None: ...

class GatewayServiceExecuteToolStreamRequest(_message.Message):
    __slots__ = ("tool", "args", "args_msgpack", "buffers", "session_id", "pool")
    TOOL_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    ARGS_MSGPACK_FIELD_NUMBER: _ClassVar[int]
    BUFFERS_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    tool: str
    args: _struct_pb2.Value
    args_msgpack: bytes
    buffers: _containers.RepeatedCompositeFieldContainer[_value_pb2.Buffer]
    session_id: str
    pool: str
    def __init__(self, tool: _Optional[str] = ..., args: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., args_msgpack: _Optional[bytes] = ..., buffers: _Optional[_Iterable[_Union[_value_pb2.Buffer, _Mapping]]] = ..., session_id: _Optional[str] = ..., pool: _Optional[str] = ...) -> None: ...

class GatewayServiceExecuteToolStreamResponse(_message.Message):
    __slots__ = ("item", "item_msgpack", "buffers")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    ITEM_MSGPACK_FIELD_NUMBER: _ClassVar[int]
    BUFFERS_FIELD_NUMBER: _ClassVar[int]
    item: _struct_pb2.Value
    item_msgpack: bytes
    buffers: _containers.RepeatedCompositeFieldContainer[_value_pb2.Buffer]
    def __init__(self, item: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., item_msgpack: _Optional[bytes] = ..., buffers: _Optional[_Iterable[_Union[_value_pb2.Buffer, _Mapping]]] = ...) -> None: ...
