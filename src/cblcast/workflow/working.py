"""Who does the work of a command over a store, and where what is finished is kept."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from cblcast.errors import StudyError
from cblcast.io.database import is_table
from cblcast.io.opened import check_exists
from cblcast.io.options import ReaderOptions
from cblcast.io.store import MeterStore, open_store
from cblcast.io.store.footers import PARQUET
from cblcast.io.store.layouts import has_day_rows
from cblcast.scaling import Asked
from cblcast.scaling.over import Watch

_KEPT = ("sites", "tz", "country", "subdivision", "segment", "columns")  # what a store may be told
_OF_A_TABLE = ("clock",)  # and one in a database


@dataclass(frozen=True)
class Working:
    """How work over a store is asked for on the command line.

    Attributes
    ----------
    workers : int, optional
        On this machine; None where nothing was said.
    scheduler : str, optional
        ``threads``, ``processes`` or the address of a cluster.
    parts : Path, optional
        Where finished partitions are kept; beside the output unless given.
    resume : bool
    progress : Watch, optional
    pool : Executor, optional
        Worker processes that are there already.
    """

    workers: int | None = None
    scheduler: str | None = None
    parts: Path | None = None
    resume: bool = True
    progress: Watch | None = None
    pool: Executor | None = None

    @property
    def wanted(self) -> bool:
        """Whether work in parts was asked for."""
        return self.workers is not None or self.scheduler is not None or self.parts is not None

    def asked(self, data: Path, out: Path | None = None) -> Asked:
        """As the work over `data` is given out; finished partitions are kept in ``OUT.parts`` until the output is whole.

        Raises
        ------
        StudyError
            They would lie in the folder of the data, among its files.
        """
        beside = None if out is None else out.with_name(f"{out.name}.parts")
        kept = self.parts or beside
        if kept is not None and data.is_dir() and data.resolve() in (kept.resolve(), *kept.resolve().parents):
            raise StudyError(
                f"finished partitions would lie in {kept}, in the folder of the data, as files of meters: name another place "
                f"({'--parts' if self.parts else '--out, or --parts'})"
            )
        return Asked(
            self.workers or 1,
            self.scheduler,
            self.parts or beside,
            keep=self.parts is not None,
            resume=self.resume,
            progress=self.progress,
            pool=self.pool,
        )


ALONE = Working()


def open_store_as(path: Path, reader: ReaderOptions) -> MeterStore:
    """A store for a command, with what its options say; files that cannot be used are among its faults.

    ``sql:TABLE`` is a table of the database that ``CBLCAST_DATABASE_URL`` names.

    Raises
    ------
    StudyError
        Options that would change readings: a store is read as it stands.
    """
    changed = changed_options(reader, path)
    if changed:
        raise StudyError(
            f"{path.name} is read in parts, as it stands: leave out --{changed[0]}, or convert it (cblcast data convert)"
        )
    return open_store(
        path, tz=reader.tz, country=reader.country, columns=reader.columns, clock=reader.clock, faults="keep"
    )


def changed_options(reader: ReaderOptions, path: Path | None = None) -> list[str]:
    """Options that a store cannot follow; of a table of a database some fewer."""
    kept = (*_KEPT, *_OF_A_TABLE) if path is not None and is_table(path) else _KEPT
    return [name.replace("_", "-") for name in reader.given if name not in kept]


def is_store(path: Path, working: Working) -> bool:
    """Whether a meter file is to be worked through in parts: a folder, a table, day rows, or a Parquet file where that was asked for.

    Raises
    ------
    DataError
        Work in parts was asked for, and there is no such file.
    StudyError
        Work in parts was asked for, and the file is no store.
    """
    if path.is_dir() or is_table(path):
        return True
    if working.wanted:
        check_exists(path, "meter")
    parquet = path.suffix.lower() in PARQUET
    if working.wanted and not parquet:
        raise StudyError(
            "--workers works through a .parquet file, a folder of them, or a table (sql:TABLE), with site_id, time (with a zone) and "
            "observed_kw [kW] as it stands: convert the file (cblcast data convert), or leave --workers out"
        )
    return working.wanted or (parquet and has_day_rows(path))
