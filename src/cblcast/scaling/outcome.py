"""What a run over partitions gives: tables, and what could not be done, with reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from cblcast.scaling.tables import read_part
from cblcast.scaling.work import ROWS, Tables

FAILURE_COLUMNS = ["partition", "site_id", "reason"]


@dataclass(frozen=True)
class Outcome:
    """The tables of all partitions that could be done, and what could not.

    Attributes
    ----------
    failures : DataFrame
        ``partition``, ``site_id`` ("" where it is the whole partition), ``reason``.
    sites, partitions : int
        Sites and partitions that were done, in this run or before.
    skipped : int
        Partitions that were finished before.
    retried : int
        Partitions that were begun again because their worker died.
    seconds : float
        Wall clock of this run.
    folder : Path or None
        Where the parts lie, a folder for each table with one file a partition; None where they are held in memory.
    """

    failures: pd.DataFrame
    sites: int = 0
    partitions: int = 0
    skipped: int = 0
    retried: int = 0
    seconds: float = 0.0
    folder: Path | None = None
    _files: Sequence[str] = field(default=(), repr=False)
    _parts: Sequence[Tables] = field(default=(), repr=False)

    @property
    def partial(self) -> bool:
        """Whether something was not done: a command then exits with 3, not 0."""
        return len(self.failures) > 0

    def names(self) -> list[str]:
        """The tables that there are."""
        found = [file.partition("/")[0] for file in self._files] if self.folder else [n for p in self._parts for n in p]
        return list(dict.fromkeys(found))

    def parts(self) -> Iterator[Mapping[str, pd.DataFrame]]:
        """The tables of one partition after another, in the order of the partitions."""
        if self.folder is None:
            yield from self._parts
            return
        together: dict[str, list[str]] = {}
        for file in self._files:
            together.setdefault(file.partition("/")[2], []).append(file)
        for files in together.values():
            yield {file.partition("/")[0]: read_part(self.folder / file) for file in files}

    def table(self, name: str = ROWS) -> pd.DataFrame:
        """One table of all partitions, in their order; empty where no partition has it."""
        if self.folder is not None:
            found = [read_part(self.folder / file) for file in self._files if file.partition("/")[0] == name]
        else:
            found = [part[name] for part in self._parts if name in part]
        return pd.concat(found) if found else pd.DataFrame()
