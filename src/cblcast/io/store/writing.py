"""Writing a store: one file or a folder of files, row group by row group, as a draft that is renamed when it is whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cblcast.errors import StudyError, why_not
from cblcast.io.store.footers import PARQUET
from cblcast.io.store.shared_sites import SITES

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass
class StoreWriter:
    """Writes the files of a store into a draft.

    Attributes
    ----------
    name : str
        Of the store.
    draft : Path
        The file, or the folder of files.
    one_file : bool
    notes : mapping
        Metadata of each file: ``cblcast:tz`` and the like.
    files, rows : int
        Written so far.
    """

    name: str
    draft: Path
    one_file: bool
    notes: Mapping[str, str]
    files: int = 0
    rows: int = 0
    _open: Any = field(default=None, repr=False)

    def write(self, tables: Iterable[pa.Table], name: str | None = None) -> None:
        """Row groups of one file, each a table; of a store that is one file, they are put behind those before.

        Parameters
        ----------
        tables : iterable of pyarrow.Table
        name : str, optional
            Of the file in its folder; numbered unless given.
        """
        for table in tables:
            self._writer(table.schema, name).write_table(table, row_group_size=max(1, table.num_rows))
            self.rows += table.num_rows
        if not self.one_file:
            self.close()

    def write_sites(self, sites: pd.DataFrame) -> None:
        """What is known of the sites, into the folder."""
        sites.reset_index().to_parquet(self.draft / SITES, index=False)

    def close(self) -> None:
        """End the file that is open."""
        if self._open is not None:
            writer, self._open = self._open, None
            writer.close()

    def _writer(self, schema: pa.Schema, name: str | None) -> Any:
        from pyarrow.parquet import ParquetWriter

        if self._open is None:
            path = self.draft if self.one_file else self.draft / f"{name or f'part-{self.files:05d}'}.parquet"
            self._open = ParquetWriter(path, schema.remove_metadata(), store_schema=False, write_page_checksum=True)
            self._open.add_key_value_metadata(dict(self.notes))
            self.files += 1
        return self._open


@contextmanager
def written_store(path: str | Path, notes: Mapping[str, str] | None = None) -> Iterator[StoreWriter]:
    """A store that is there once the block ends well; otherwise nothing of it is left.

    Parameters
    ----------
    path : path
        ``….parquet`` for one file, which may replace one; else a folder, which must not be there or be empty.
    notes : mapping, optional
        Metadata of each file.

    Raises
    ------
    StudyError
        A folder that holds something, a place that cannot be written, a full disk.
    """
    target = Path(path)
    one_file = target.suffix.lower() in PARQUET
    check_target(target)
    draft = target.with_name(f".{target.name}.{os.getpid()}.draft")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not one_file:
            draft.mkdir()
        writer = StoreWriter(target.name, draft, one_file, dict(notes or {}))
        try:
            yield writer
        finally:
            writer.close()
        if not one_file and target.is_dir():
            target.rmdir()
        draft.replace(target)
    except OSError as error:
        raise StudyError(f"the store {target} cannot be written: {why_not(error)}; nothing is written") from None
    finally:
        if draft.is_dir():
            shutil.rmtree(draft, ignore_errors=True)
        else:
            draft.unlink(missing_ok=True)


def check_target(path: Path) -> None:
    """Refuse a place that holds something else, before anything is read."""
    if path.suffix.lower() in PARQUET:
        if path.is_dir():
            raise StudyError(f"{path} is a folder, and its name ends like a file's: choose another name")
    elif path.is_file() or (path.is_dir() and any(path.iterdir())):
        what = "is a file" if path.is_file() else "holds files"
        raise StudyError(f"{path} {what} already: choose another name for the store (… .parquet for one file)")
