"""Tables of Arrow: Parquet files, and files of Arrow's own as `datasets` saves them. Batch by batch; never unpickles.

Labels that `datasets` keeps as numbers come out as their names.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ...errors import UsageError

_ROWS = 1000
"""Of a batch."""


def rows_of(path: Path, shown: str) -> Iterator[dict[str, Any]]:
    """Column -> value of each row. Raises UsageError for a file that is torn, and where pyarrow is not installed."""
    arrow = _arrow()
    try:
        yield from _parquet(path) if path.suffix.lower() == ".parquet" else _stream(path)
    except (arrow.ArrowException, OSError, ValueError, OverflowError) as error:
        first = str(error).partition("\n")[0]
        raise UsageError(f"cannot be read: {first}", where=shown, hint="is it whole? fetch it again") from error


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    with _arrow(".parquet").ParquetFile(path) as file:
        named = _labels(file.schema_arrow)
        for batch in file.iter_batches(batch_size=_ROWS):
            yield from (named(row) for row in batch.to_pylist())


def _stream(path: Path) -> Iterator[dict[str, Any]]:
    ipc = _arrow(".ipc")
    with _arrow().memory_map(str(path)) as source:
        try:
            reader: Any = ipc.open_stream(source)
            batches: Iterator[Any] = iter(reader)
        except _arrow().ArrowInvalid:
            source.seek(0)
            file = ipc.open_file(source)
            reader, batches = file, (file.get_batch(number) for number in range(file.num_record_batches))
        named = _labels(reader.schema)
        for batch in batches:
            for start in range(0, batch.num_rows, _ROWS):
                yield from (named(row) for row in batch.slice(start, _ROWS).to_pylist())


def _labels(schema: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Puts names in the place of labels' numbers, as the table's own description of its columns says."""
    names = {column: found for column, one in _features(schema).items() if (found := _names(one))}
    if not names:
        return lambda row: row
    return lambda row: {key: _named(value, names.get(key)) for key, value in row.items()}


def _features(schema: Any) -> Mapping[str, Any]:
    try:
        said = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        found = said["info"]["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _names(feature: Any) -> list[str]:
    if (
        not isinstance(feature, dict)
        or feature.get("_type") != "ClassLabel"
        or not isinstance(feature.get("names"), list)
    ):
        return []
    return [str(name) for name in feature["names"]]


def _named(value: Any, names: list[str] | None) -> Any:
    """-1 stands for a label that is not given."""
    if names is None or isinstance(value, bool) or not isinstance(value, int):
        return value
    return None if value == -1 else names[value] if 0 <= value < len(names) else value


def _arrow(part: str = "") -> Any:
    try:
        return importlib.import_module(f"pyarrow{part}")
    except ImportError as error:
        hint = "pip install 'pytest-touchstone[parquet]'"
        raise UsageError("Parquet and Arrow files want the package pyarrow", hint=hint) from error
