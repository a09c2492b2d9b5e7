"""A table as a file: what is shown, in its order, as CSV (RFC 4180), JSON or Apache Parquet (needs pyarrow)."""

import csv
import importlib
import importlib.util
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.engine.base.errors import BadInput, Missing
from app.engine.base.platform import replace_file
from app.views.widgets.columns import Column

Cells = dict[str, list[Any]]


def formats() -> tuple[str, ...]:
    """Return the file endings that can be written here."""
    return ("csv", "json", "parquet") if importlib.util.find_spec("pyarrow") else ("csv", "json")


def cells(columns: Sequence[Column[Any]], records: Sequence[Any]) -> Cells:
    """Return the bare values by column key: numbers in base units, what has no bare value as it is said."""
    return {column.key: [_bare(column, record) for record in records] for column in columns}


def write(path: Path, found: Cells) -> None:
    """Write `found` in the format of the file's ending; raise `BadInput` for an ending that is none of them."""
    kind = path.suffix.lower().lstrip(".")
    makers = {"csv": as_csv, "json": as_json, "parquet": as_parquet}
    if kind not in makers:
        raise BadInput("{file}: a table is written as {kinds}", file=path.name, kinds=", ".join(f".{name}" for name in makers))
    replace_file(path, makers[kind](found))


def as_csv(found: Cells) -> bytes:
    """Return a header and a line per record; an unknown value is empty."""
    out = io.StringIO(newline="")
    lines = csv.writer(out)
    lines.writerow(found)
    lines.writerows(zip(*found.values(), strict=True))
    return out.getvalue().encode()


def as_json(found: Cells) -> bytes:
    """Return a list of objects."""
    rows = [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]
    return json.dumps(rows, ensure_ascii=False, indent=1).encode()


def as_parquet(found: Cells) -> bytes:
    """Return one row group; raise `Missing` without pyarrow."""
    if "parquet" not in formats():
        raise Missing("Parquet needs the package pyarrow", hint="Write .csv or .json instead, or install pyarrow.")
    arrow: Any = importlib.import_module("pyarrow")
    parquet: Any = importlib.import_module("pyarrow.parquet")
    sink = arrow.BufferOutputStream()
    parquet.write_table(arrow.table(found), sink)
    return bytes(sink.getvalue().to_pybytes())


def _bare(column: Column[Any], record: Any) -> Any:
    if column.say is not None and column.token is not None:  # a state: its word, not the number it sorts by
        return column.write(record)
    value = column.get(record)
    return value if value is None or isinstance(value, (str, int, float, bool)) else column.write(record)
