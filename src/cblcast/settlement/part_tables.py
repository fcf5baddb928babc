"""A part of a settlement as plain tables and back, so that it can be written, and joined with others later."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd

from cblcast.days.like_days import History
from cblcast.frames.schema import SITE
from cblcast.settlement.placebo_errors import Trial, Tried
from cblcast.settlement.result import Part

BY_PROGRAM = ("events", "sums", "scored", "lines", "of_resources")
ALONE = ("called", "meter")
_DAYS = "days"  # of the events: which days were taken, a mapping for each
_OF_HISTORY = ("error", "warmth_c", "load_kw")


def tables_of(part: Part) -> dict[str, pd.DataFrame]:
    """Tables by name: ``events_0`` of the first program, …, ``problems``."""
    tables: dict[str, pd.DataFrame] = {}
    for name in BY_PROGRAM:
        for number, table in enumerate(getattr(part, name)):
            if table is not None:
                tables[f"{name}_{number}"] = table
    for number, trial in enumerate(part.trials):
        histories, sums = _trial_tables(trial)
        tables |= {f"trial_{number}": histories, f"trial_sums_{number}": sums}
    for number in range(len(part.events)):
        events = tables[f"events_{number}"]
        if _DAYS in events.columns:
            tables[f"events_{number}"] = events.assign(**{_DAYS: [json.dumps(told) for told in events[_DAYS]]})
    problems = [table for table in part.problems if table is not None and len(table)]
    if problems:
        tables["problems"] = pd.concat(problems, ignore_index=True)
    return tables | {name: getattr(part, name) for name in ALONE if len(getattr(part, name).columns)}


def part_of(tables: Mapping[str, pd.DataFrame], n_programs: int) -> Part:
    """The part that :func:`tables_of` made tables of."""
    part = Part()
    part.sums = [tables.get(f"sums_{number}") for number in range(n_programs)]
    for name in ("events", "scored", "lines", "of_resources"):
        own = [tables.get(f"{name}_{number}") for number in range(n_programs)]
        setattr(part, name, [table for table in own if table is not None])
    part.events = [_with_days(events) for events in part.events]
    for number in range(n_programs):
        if f"trial_{number}" in tables:
            part.trials.append(_trial(tables[f"trial_{number}"], tables[f"trial_sums_{number}"]))
    if "problems" in tables:
        part.problems = [tables["problems"]]
    for name in ALONE:
        if name in tables:
            setattr(part, name, tables[name])
    return part


def _with_days(events: pd.DataFrame) -> pd.DataFrame:
    if _DAYS not in events.columns:
        return events
    known: dict[str, object] = {}
    for text in events[_DAYS].unique():
        known[text] = json.loads(text)  # events of which the same is to be said share one
    return events.assign(
        **{_DAYS: pd.Series([known[text] for text in events[_DAYS]], index=events.index, dtype=object)}
    )


def _trial_tables(trial: Trial) -> tuple[pd.DataFrame, pd.DataFrame]:
    histories, sums = [], []
    for number, ((clock, kind), tried) in enumerate(trial.tried.items()):
        n_sites, n_days = len(tried.sites), len(tried.history.days)
        own = {name: np.asarray(getattr(tried.history, name)).reshape(-1) for name in _OF_HISTORY}
        histories.append(
            pd.DataFrame(
                {
                    "number": number,
                    "clock": clock,
                    "kind": kind,
                    SITE: np.repeat(np.asarray(tried.sites, dtype=object), n_days),
                    "day": np.tile(tried.history.days, n_sites),
                    **own,
                }
            )
        )
        sums.append(tried.sums.reset_index().assign(number=number))
    if not histories:
        return pd.DataFrame({"number": []}), pd.DataFrame({"number": []})
    return pd.concat(histories, ignore_index=True), pd.concat(sums, ignore_index=True)


def _trial(histories: pd.DataFrame, sums: pd.DataFrame) -> Trial:
    tried = {}
    for number, own in histories.groupby("number", sort=True):
        days = np.unique(own["day"].to_numpy(dtype=np.int64))
        sites = pd.Index(own[SITE].to_numpy()[:: len(days)], name=SITE, dtype="str")
        shape = (len(sites), len(days))
        history = History(days, *(own[name].to_numpy(dtype=np.float64).reshape(shape) for name in _OF_HISTORY))
        rows = sums[sums["number"] == number].drop(columns="number")
        keys = [name for name in ("resource", "start", "stop", "time_us") if name in rows.columns]
        tried[str(own["clock"].iloc[0]), str(own["kind"].iloc[0])] = Tried(sites, history, rows.set_index(keys))
    return Trial(tried)
