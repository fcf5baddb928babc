"""Tables as files of a part: whole or not at all, and the same when they are read again."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from pathlib import Path

import pandas as pd

from cblcast.errors import DataError, StudyError, why_not

DRAFT = ".draft"
_OBJECTS = b"cblcast.objects"


def part_file(table: str, key: str, number: int = 0) -> str:
    """Where a part of a table lies below the folder of the parts; `number` counts halves that were done by themselves."""
    return f"{table}/{key}{f'.{number}' if number else ''}.parquet"


def write_part(table: pd.DataFrame, path: Path) -> int:
    """Write a part as a draft beside its place, then rename it; its bytes.

    Raises
    ------
    StudyError
        The disk is full or may not be written; no draft is left.
    """
    import pyarrow as pa
    import pyarrow.parquet as parquet

    arrow = pa.Table.from_pandas(table)
    objects = [str(name) for name in table.columns if table[name].dtype == object]
    arrow = arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), _OBJECTS: json.dumps(objects).encode()})
    draft = path.with_name(f".{path.name}.{socket.gethostname()}.{os.getpid()}{DRAFT}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(arrow, draft, compression="zstd")
        size = draft.stat().st_size
        draft.replace(path)
    except OSError as error:
        raise StudyError(f"{path} cannot be written: {why_not(error)}") from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return size


def read_part(path: Path) -> pd.DataFrame:
    """A part as it was when it was written, index and types of columns included."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    try:
        arrow = parquet.read_table(path, partitioning=None)
    except (OSError, pa.ArrowException):
        raise DataError(f"{path} is no part of this run any more: take it away, and run the command again") from None
    table = arrow.to_pandas()
    objects = json.loads((arrow.schema.metadata or {}).get(_OBJECTS, b"[]"))
    return table.astype({name: object for name in table.columns if str(name) in objects}) if objects else table


def sweep_drafts(folder: Path) -> None:
    """Take away what runs that were killed left of this folder's drafts."""
    for draft in folder.glob(f"*/.*{DRAFT}"):
        with suppress(OSError):
            draft.unlink()
