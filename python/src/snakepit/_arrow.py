"""Tables: those of pyarrow, pandas and polars, as Arrow IPC streams.

None of the three is imported unless somebody else has, or a table arrives.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from snakepit._buffers import ARROW, KIND_BYTES, OutBuffer, Unsupported
from snakepit._context import HOST, current

__all__ = ["convert", "from_stream", "is_table", "to_stream"]


def _class(module: str, name: str) -> Any:
    """A class of a module that somebody has imported, or None."""
    return getattr(sys.modules.get(module), name, None)


def is_table(value: object) -> bool:
    """Whether `value` is a table of one of the three."""
    return any(
        kind is not None and isinstance(value, kind)
        for kind in (_class("pyarrow", "Table"), _class("pyarrow", "RecordBatch"), _class("pandas", "DataFrame"), _class("polars", "DataFrame"))
    )


def to_stream(value: Any) -> OutBuffer:
    """A table as one buffer. Raises Unsupported where pyarrow is missing, or the table has what Arrow does not."""
    pa = _pyarrow()
    table = _table_of(pa, value)
    counted = pa.MockOutputStream()
    _write(pa, counted, table)
    size = counted.size()
    room = _room(size)
    _write(pa, pa.FixedSizeBufferWriter(pa.py_buffer(room)), table)
    return OutBuffer(ARROW, (), KIND_BYTES, memoryview(room).cast("B")[:size])


def _room(size: int) -> Any:
    """Memory for a stream: shared with the host, where there is some."""
    runtime = HOST.runtime
    shared = None if runtime is None or current() is None else runtime.memory.room(size)
    return bytearray(size) if shared is None else shared


def _write(pa: Any, sink: Any, table: Any) -> None:
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write(table)


def _table_of(pa: Any, value: Any) -> Any:
    if isinstance(value, (pa.Table, pa.RecordBatch)):
        return value
    try:
        return value.to_arrow() if hasattr(value, "to_arrow") else pa.Table.from_pandas(value)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise Unsupported(f"the {type(value).__name__} cannot be an Arrow table: {error}") from None


def from_stream(data: memoryview | bytearray | bytes) -> Any:
    """The table of a stream, which looks at `data`. Raises Unsupported."""
    pa = _pyarrow()
    try:
        return pa.ipc.open_stream(pa.py_buffer(data)).read_all()
    except pa.ArrowException as error:
        raise Unsupported(f"an Arrow table cannot be read: {error}") from None


def convert(kind: type[Any], value: Any) -> Any:
    """A table of pyarrow as the kind that was hinted; None where either is something else."""
    table = _class("pyarrow", "Table")
    if table is None or not isinstance(value, table):
        return None
    if kind is _class("pandas", "DataFrame"):
        return value.to_pandas()
    if kind is _class("polars", "DataFrame"):
        return sys.modules["polars"].from_arrow(value)
    return None


def _pyarrow() -> Any:
    try:
        module = import_module("pyarrow")
        import_module("pyarrow.ipc")
    except ImportError:
        raise Unsupported("a table needs pyarrow in the worker's environment") from None
    return module
