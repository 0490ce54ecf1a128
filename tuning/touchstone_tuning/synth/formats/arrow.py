"""Tables of Arrow: Parquet files, and the streams of saved data sets. Never unpickles."""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from touchstone.errors import UsageError

from .columns import MARK, columns_of, keys_of, once, rows_of
from .value import Row, fault


def write_parquet(rows: Sequence[Row]) -> bytes:
    """A file's bytes."""
    return parquet(rows, rows)


def parquet(rows: Sequence[Row], among: Sequence[Row]) -> bytes:
    """The same, for one file of a data set: the columns are those of all rows `among`."""
    arrow, out = _arrow(), io.BytesIO()
    columns = columns_of(rows, keys_of(among), _arrow_kind, among)
    kinds = columns_of(among, keys_of(among), _arrow_kind)
    arrays = [arrow.array(c.cells, type=_type(k.cells)) for c, k in zip(columns, kinds, strict=True)]
    _arrow(".parquet").write_table(arrow.table(arrays, names=[column.name for column in columns]), out)
    return out.getvalue()


def _arrow_kind(key: str, values: Sequence[Any]) -> Callable[[Any], Any] | None:
    """Columns of one plain type are written as that type."""
    types = {type(value) for value in values}
    if len(types) > 1 or not types <= {str, bool, int, float}:
        return None
    fits = types != {int} or all(-(2**63) <= value < 2**63 for value in values)
    return next(iter(types), str) if fits else None


def _type(cells: Iterable[Any]) -> Any:
    arrow, first = _arrow(), next((cell for cell in cells if cell is not None), "")
    return {bool: arrow.bool_(), int: arrow.int64(), float: arrow.float64()}.get(type(first), arrow.string())


def read_parquet(data: bytes, shown: str) -> list[Row]:
    """Rows of a file. Raises UsageError."""
    return _of_table(lambda: _arrow(".parquet").ParquetFile(io.BytesIO(data)).read(), shown)


def read_stream(data: bytes, shown: str) -> list[Row]:
    """Rows of an Arrow stream. Raises UsageError."""
    return _of_table(lambda: _arrow(".ipc").open_stream(io.BytesIO(data)).read_all(), shown)


def _of_table(read: Callable[[], Any], shown: str) -> list[Row]:
    try:
        table = read()
        names, lists = table.column_names, [column.to_pylist() for column in table.columns]
    except (_arrow().ArrowException, OSError, ValueError) as error:
        first = str(error).partition("\n")[0]
        raise UsageError(
            f"cannot be read: {first}", where=shown, hint="is it whole? write or fetch it again"
        ) from error
    once(names, shown)
    json_type = [getattr(field.type, "extension_name", "") == "arrow.json" for field in table.schema]
    marked = [
        f"{name.removesuffix(MARK)}{MARK}" if is_json else name for name, is_json in zip(names, json_type, strict=True)
    ]
    lines = ((f"{shown}: row {number}", line) for number, line in enumerate(zip(*lists, strict=True), 1))
    return _plain(rows_of(marked, lines), shown)


def _plain(rows: list[Row], shown: str) -> list[Row]:
    """Rows of JSON values alone: a picture, say, or a date is none."""
    for number, row in enumerate(rows, 1):
        if problem := fault(row):
            hint = "leave the column out, or make text of it"
            raise UsageError(f"row {number}{problem}", where=shown, hint=hint)
    return rows


def _arrow(part: str = "") -> Any:
    try:
        return importlib.import_module(f"pyarrow{part}")
    except ImportError as error:
        hint = "pip install 'pytest-touchstone[synth]'"
        raise UsageError("Parquet and folders of Hugging Face want the package pyarrow", hint=hint) from error
