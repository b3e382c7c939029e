"""Tools that take and give tables."""

from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa

from snakepit import tool


@tool
def echo(x: object) -> object:
    return x


@tool
def kind(x: object) -> str:
    return f"{type(x).__module__.partition('.')[0]}.{type(x).__name__}"


@tool
def rows_of(table: pa.Table) -> int:
    return table.num_rows


@tool
def pandas_mean(table: pd.DataFrame, column: str) -> pd.DataFrame:
    return table.groupby("name", as_index=False)[column].mean()


@tool
def polars_mean(table: pl.DataFrame, column: str) -> pl.DataFrame:
    return table.group_by("name", maintain_order=True).agg(pl.col(column).mean())


@tool
def numbers(rows: int) -> pa.Table:
    return pa.table({"n": pa.array(range(rows), pa.int64()), "half": pa.array([n / 2 for n in range(rows)])})


@tool
def batch() -> pa.RecordBatch:
    return pa.record_batch({"a": [1, 2]})


@tool
def inside() -> dict[str, Any]:
    return {"tables": [pd.DataFrame({"a": [1]}), pl.DataFrame({"b": ["x"]})], "n": 1}


@tool
def mixed() -> pd.DataFrame:
    return pd.DataFrame({"a": [1, "x", object()]})
