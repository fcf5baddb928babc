"""The settlement of a store: each partition by itself, by whatever crew is asked for, joined as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from cblcast.errors import DataError
from cblcast.frames.events import event_table
from cblcast.frames.schema import SITE
from cblcast.io.store import MeterStore
from cblcast.programs.asking import load_programs
from cblcast.programs.calendars import warn_about_calendars_of
from cblcast.programs.model import Program
from cblcast.scaling.asked import Asked
from cblcast.scaling.outcome import Outcome
from cblcast.scaling.stores import NOWHERE, UNREAD, StorePiece, cut
from cblcast.settlement.by_partition import settle_partition
from cblcast.settlement.called import called_of
from cblcast.settlement.estimate import PROBLEM_COLUMNS
from cblcast.settlement.part_tables import part_of, tables_of
from cblcast.settlement.result import Settlement, finish, with_all_called
from cblcast.settlement.settleable import refuse_none_left
from cblcast.settlement.stream import refuse_in_parts
from cblcast.settlement.wishes import Wishes

EVENTS, OTHERS = "events", "other_events"


@dataclass(frozen=True)
class SettlePiece:
    """Settles the events of a piece: a call is one partition's work."""

    programs: tuple[Program, ...]
    wishes: Wishes

    def __call__(self, piece: StorePiece) -> Mapping[str, pd.DataFrame]:
        """The tables of its part."""
        others = piece.events.get(OTHERS)
        own = piece.store, piece.partition, piece.sites, piece.events[EVENTS]
        return tables_of(settle_partition(*own, self.programs, self.wishes, others))


def settle_store(
    store: MeterStore,
    sites: pd.DataFrame,
    events: pd.DataFrame,
    programs: Sequence[str | Path | Program],
    wishes: Wishes | None = None,
    asked: Asked | None = None,
) -> tuple[Settlement, Outcome]:
    """Settle events from a store, without ever holding all of it.

    Parameters
    ----------
    store : MeterStore
    sites : DataFrame, index site_id
        As of a panel.
    events : DataFrame
    programs : sequence of name, path or Program
    wishes : Wishes, optional
        Contract, coverage and the like: see :func:`cblcast.settlement.settle`.
    asked : Asked, optional
        Who does it, where finished partitions are kept, who is told.

    Returns
    -------
    settlement : Settlement
        The same whoever did it. Events of sites that could not be read or settled are among its problems.
    outcome : Outcome
        Which partitions and sites could not be done, and why.
    """
    wishes, asked = wishes or Wishes(), asked or Asked()
    table = event_table(events).assign(**{SITE: lambda frame: frame[SITE].astype(str)})
    chosen = load_programs(programs, starts=table["start"])
    refuse_in_parts(chosen, wishes)
    warn_about_calendars_of(sites, int(table["start"].max().year), chosen)
    tables = {EVENTS: table} | ({} if wishes.other_events is None else {OTHERS: wishes.other_events})
    parts = cut(store, sites, asked.size_for(store), tables, by=EVENTS)
    parts.refuse_nobody(table)
    called = None if wishes.contract is None else called_of(sites, table, wishes.contract, wishes.resources)
    work = SettlePiece(chosen, replace(wishes, other_events=None))
    outcome = asked.over(work, parts, question=("settle", work))
    made = [part_of(tables, len(chosen)) for tables in outcome.parts()]
    if not made:
        raise DataError(f"no event could be settled; the first reason: {outcome.failures['reason'].iloc[0]}")
    made[0].problems.append(_not_done(table, outcome, parts.pieces))
    if called is not None:
        with_all_called(made, called)
    refuse_none_left([problem for part in made for problem in part.problems], table)
    return finish(chosen, made, wishes), outcome


def _not_done(events: pd.DataFrame, outcome: Outcome, pieces: Sequence[StorePiece]) -> pd.DataFrame:
    """Events of sites that no partition has, that could not be done, or whose partition could not, as problems."""
    done = {site for piece in pieces for site in piece.site_ids}
    sites_of = {piece.key: piece.site_ids for piece in pieces}
    # A file whose sites nobody knows: no event can be named.
    files = outcome.failures[(outcome.failures["site_id"] == "") & ~outcome.failures["partition"].isin(list(sites_of))]
    nowhere = NOWHERE if files.empty else UNREAD
    reasons = dict.fromkeys(set(events[SITE].to_numpy(dtype=object).tolist()) - done, nowhere)
    for row in outcome.failures.itertuples(index=False):
        for site in [row.site_id] if row.site_id else sites_of.get(row.partition, ()):
            reasons[site] = row.reason
    lost = events[events[SITE].isin(list(reasons))] if reasons else events.iloc[:0]
    told = lost[[SITE, "start"]].assign(program="", reason=lost[SITE].map(reasons).to_numpy())
    nobody_knows = pd.Series([pd.NaT] * len(files), dtype=told["start"].dtype)
    unknown = pd.DataFrame({SITE: "", "start": nobody_knows, "program": "", "reason": files["reason"].to_numpy()})
    return pd.concat([told, unknown] if len(unknown) else [told], ignore_index=True)[PROBLEM_COLUMNS]
