"""Tables as files of a part: whole or not at all, and the same when they are read again."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

import pandas as pd

from cblcast.errors import DataError, StudyError, why_not

DRAFT = ".draft"
_OBJECTS = "python_objects"  # columns that hold Python objects, which Parquet would tell as text


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
    told = table.copy(deep=False)
    told.attrs = {_OBJECTS: [str(name) for name in table.columns if table[name].dtype == object]}
    draft = path.with_name(f".{path.name}.{socket.gethostname()}.{os.getpid()}{DRAFT}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        told.to_parquet(draft, compression="zstd", write_page_checksum=True)
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
    try:
        table = pd.read_parquet(path, partitioning=None, page_checksum_verification=True)
    except (OSError, ValueError):  # pyarrow's errors are ValueErrors
        raise DataError(f"{path} is no part of this run any more: take it away, and run the command again") from None
    objects = table.attrs.pop(_OBJECTS, [])
    kinds = {name: object for name in table.columns if str(name) in objects}
    return table.astype(kinds) if kinds else table


def sweep_drafts(folder: Path) -> None:
    """Take away what runs that were killed left of this folder's drafts."""
    for draft in folder.glob(f"*/.*{DRAFT}"):
        with suppress(OSError):
            draft.unlink()
