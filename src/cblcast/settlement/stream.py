"""Settle a meter file larger than memory: some sites at a time, by whatever map is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cblcast.frames.events import event_table
from cblcast.frames.schema import SITE, DataError, StudyError
from cblcast.programs.asking import load_programs
from cblcast.programs.calendars import warn_about_calendars_of
from cblcast.programs.model import Program
from cblcast.settlement.called import called_of
from cblcast.settlement.conductor import settle_part
from cblcast.settlement.estimate import PROBLEM_COLUMNS
from cblcast.settlement.panel_file import read_sites
from cblcast.settlement.result import Part, Settlement, finish, with_all_called
from cblcast.settlement.settleable import refuse_none_left
from cblcast.settlement.wishes import Wishes

SITES_AT_ONCE = 1000
_AT_ONCE = (
    "give their meters as one file, without --workers (cblcast data convert --layout long --out meters.parquet); in Python, settle a "
    "panel of them (cblcast.settlement.settle)"
)
Map = Callable[
    ..., Iterable[Any]
]  # as the built-in map: a function and sequences of its arguments, results in their order


def settle_file(
    path: Path,
    sites: pd.DataFrame,
    events: pd.DataFrame,
    programs: Sequence[str | Path | Program],
    wishes: Wishes | None = None,
    *,
    sites_at_once: int = SITES_AT_ONCE,
    map: Map = map,
) -> Settlement:
    """Settle events from a Parquet file of the panel, without ever holding all of it.

    Parameters
    ----------
    path : Path
        Parquet with ``site_id``, ``time`` (with a zone) and ``observed_kw``; sorted by site, so that its row groups
        can be skipped.
    sites : DataFrame, index site_id
        As of a panel.
    events : DataFrame
    programs : sequence of name, path or Program
    wishes : Wishes, optional
        Contract, coverage and the like: see :func:`cblcast.settlement.settle`.
    sites_at_once : int
        Bounds the memory.
    map : callable
        Whose results come in the order of the arguments: the built-in one, or that of an executor of processes or of a
        cluster. Whoever works reads its own sites, so nothing but results crosses. To go on after a kill, and to be told of
        what fails without losing the rest: :func:`cblcast.scaling.settled.settle_store`.
    """
    wishes = wishes or Wishes()
    table = event_table(events).assign(**{SITE: lambda frame: frame[SITE].astype(str)})
    chosen = load_programs(programs, starts=table["start"])
    refuse_in_parts(chosen, wishes)
    known = pd.Index(sites.index.astype(str)).get_indexer(pd.Index(table[SITE])) >= 0
    warn_about_calendars_of(sites, int(table["start"].max().year), chosen)
    if not known.any():
        raise DataError(f"no site of the events is in the data, e.g. {table[SITE].iloc[0]!r}: check the site ids")
    wanted = np.sort(table.loc[known, SITE].unique())
    chunks = [wanted[first : first + sites_at_once] for first in range(0, len(wanted), sites_at_once)]
    jobs = _jobs(path, sites, table[known], chosen, wishes, chunks)
    called = None if wishes.contract is None else called_of(sites, table, wishes.contract, wishes.resources)
    parts = list(map(_one_chunk, *zip(*jobs, strict=True)))
    absent = table.loc[~known, [SITE, "start"]].assign(program="", reason="the site is not in the data")
    if len(absent):
        parts[0].problems.append(absent[PROBLEM_COLUMNS])
    if called is not None:
        with_all_called(parts, called)
    refuse_none_left([problem for part in parts for problem in part.problems], table)
    return finish(chosen, parts, wishes)


def refuse_in_parts(programs: Sequence[Program], wishes: Wishes) -> None:
    """Raise :class:`StudyError` for what needs all sites at once."""
    crowd = [program.name for program in programs if program.family == "control_group"]
    if crowd:
        raise StudyError(
            f"{crowd[0]} needs all its customers at once, and a store is settled some sites at a time: {_AT_ONCE}"
        )
    if wishes.on_sums:
        raise StudyError(
            "a contract that selects days on the sum of a resource needs all members of a resource at once, and a store is "
            f"settled some sites at a time: {_AT_ONCE}"
        )


_Job = tuple[Path, pd.DataFrame, pd.DataFrame, tuple[Program, ...], Wishes]


def _jobs(
    path: Path,
    sites: pd.DataFrame,
    events: pd.DataFrame,
    programs: tuple[Program, ...],
    wishes: Wishes,
    chunks: list[np.ndarray],
) -> Iterator[_Job]:
    by_site = events.set_index(SITE, drop=False).sort_index()
    for chunk in chunks:
        own = by_site.loc[chunk[0] : chunk[-1]].reset_index(drop=True)
        yield path, sites.loc[chunk], own, programs, wishes


def _one_chunk(
    path: Path, sites: pd.DataFrame, events: pd.DataFrame, programs: tuple[Program, ...], wishes: Wishes
) -> Part:
    return settle_part(read_sites(path, sites), events, programs, wishes)
