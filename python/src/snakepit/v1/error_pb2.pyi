from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ErrorDetail(_message.Message):
    __slots__ = ("tag", "message", "retryable", "fields", "cause")
    TAG_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RETRYABLE_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    tag: str
    message: str
    retryable: bool
    fields: _struct_pb2.Struct
    cause: ErrorDetail
    def __init__(self, tag: _Optional[str] = ..., message: _Optional[str] = ..., retryable: _Optional[bool] = ..., fields: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., cause: _Optional[_Union[ErrorDetail, _Mapping]] = ...) -> None: ...
