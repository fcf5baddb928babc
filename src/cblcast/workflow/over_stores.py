"""Scoring, judging and screening of a store: each partition by itself, whoever does it, joined as one."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from cblcast import tracking
from cblcast.days.placebo import placebo_events
from cblcast.forecast.evaluation import INTERVAL_METRICS
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.manifest import digest_of as model_digest
from cblcast.forecast.pretrained import is_pretrained, view_name
from cblcast.forecast.scoring import score_events
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE, DataError, DataWarning, StudyError
from cblcast.io.formats import read_dispatch
from cblcast.io.options import DEFAULT_OPTIONS, ReaderOptions
from cblcast.io.store import MeterStore
from cblcast.programs import load_program
from cblcast.programs.calendars import warn_about_calendars_of
from cblcast.scaling import Asked, Outcome, StorePiece, cut
from cblcast.scaling.stores import NOWHERE, Cut
from cblcast.scaling.work import MOST_TRIES
from cblcast.workflow.in_the_box import Boxed, boxed
from cblcast.workflow.judging_sites import MEASURES, joined_measures, measures_by_site
from cblcast.workflow.screening import screened, tables_in_order
from cblcast.workflow.serving import (
    Scored,
    backtest_trained,
    beside_metered,
    known_of_training,
    tells_days_apart,
)
from cblcast.workflow.settlement_case import open_sites
from cblcast.workflow.taught_sites import taught_in_words, taught_table
from cblcast.workflow.working import ALONE, Working

EVENTS, ROWS, EXCLUDED, TAUGHT = "events", "rows", "excluded", "taught"
_PROBLEMS = [SITE, "origin", "reason"]


@dataclass(frozen=True)
class ScorePiece:
    """Scores the events of a piece."""

    forecaster: Forecaster
    boxed: bool = False  # the pretrained baseline: which sites taught it is told, too

    def __call__(self, piece: StorePiece) -> Mapping[str, pd.DataFrame]:
        """Rows beside the meter, and the events without an estimate."""
        panel = piece.panel()
        events, absent = _present(piece.events[EVENTS], panel.site_ids)
        scored, excluded = score_events(self.forecaster, panel, events)
        told = {ROWS: beside_metered(scored, panel), EXCLUDED: pd.concat([excluded, absent], ignore_index=True)}
        return told | ({TAUGHT: taught_table(panel)} if self.boxed else {})


@dataclass(frozen=True)
class JudgePiece:
    """Judges a trained model on a piece: at its events, or at placebo events."""

    forecaster: Forecaster
    hours: tuple[str, str] | None
    days: str
    metrics: tuple[str, ...]
    boxed: bool = False

    def __call__(self, piece: StorePiece) -> Mapping[str, pd.DataFrame]:
        """Measures by site, and the events without an estimate."""
        panel = piece.panel()
        if self.hours is None:
            events, _ = _present(piece.events[EVENTS], panel.site_ids)
        else:
            events = placebo_events(panel, *self.hours, days=self.days, keep_unmetered=True)
        told = backtest_trained(panel, self.forecaster, events)
        tables = {MEASURES: measures_by_site(told.scored, self.metrics), EXCLUDED: told.excluded[_PROBLEMS]}
        return tables | ({TAUGHT: taught_table(panel)} if self.boxed else {})


@dataclass(frozen=True)
class ScreenPiece:
    """Screens the events of a piece by a rule."""

    program: str

    def __call__(self, piece: StorePiece) -> Mapping[str, pd.DataFrame]:
        """The tables of integrity."""
        return screened(piece.panel(), piece.events[EVENTS], self.program)


def score_store(
    data: Path,
    events_file: Path,
    reader: ReaderOptions = DEFAULT_OPTIONS,
    working: Working = ALONE,
    *,
    model: str | None = None,
    view: str | None = None,
    store: str | None = None,
    out: Path | None = None,
) -> tuple[Scored, Asked, Outcome]:
    """Baselines of the events of a store, by a registered model or the pretrained baseline."""
    if view is not None:
        view_name(view)  # before anything is read
    forecaster = None if model is None else tracking.load_forecaster(model, uri=store)
    opened, sites = open_sites(data, _reader_for(forecaster, reader))
    events = _events(events_file, sites, reader)
    asked = working.asked(data, out)
    parts = _pieces(opened, sites, events, asked)
    taken = None
    if forecaster is None:
        taken = _boxed(parts, view)
        forecaster = taken.forecaster
    _tell_calendar(forecaster, sites, events)
    outcome = asked.over(ScorePiece(forecaster, taken is not None), parts, ("score", _digest(forecaster)))
    if taken is not None:
        taken = replace(taken, taught=_taught(outcome))
    excluded = pd.concat([outcome.table(EXCLUDED), _not_done(events, outcome, parts)], ignore_index=True)
    zones = sites["tz"].astype(str).to_dict()
    step = (opened.step_us or 0) / 3.6e9
    told = Scored(outcome.table(ROWS).reset_index(drop=True), excluded, zones, step, taken)
    return told, asked, outcome


def evaluate_store(
    model: str,
    data: Path,
    reader: ReaderOptions = DEFAULT_OPTIONS,
    working: Working = ALONE,
    *,
    events_file: Path | None = None,
    start: str | None = None,
    stop: str | None = None,
    days: str = "working",
    metrics: Sequence[str] = ("mpe", "mape", "rmse", "nrmse"),
    store: str | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, Outcome]:
    """Judge a registered model on a store: the table of measures, the events without an estimate, what became of partitions."""
    if events_file is None and not (start and stop):
        raise StudyError("evaluate --model needs --events FILE, or --start and --stop of placebo events")
    forecaster = tracking.load_forecaster(model, uri=store)
    opened, sites = open_sites(data, _reader_for(forecaster, reader))
    events = None if events_file is None else _events(events_file, sites, reader)
    asked = working.asked(data)
    parts = _pieces(opened, sites, events, asked)
    _tell_calendar(forecaster, sites, events)
    hours = None if start is None or stop is None or events is not None else (start, stop)
    work = JudgePiece(forecaster, hours, days, (*metrics, *INTERVAL_METRICS), is_pretrained(model))
    outcome = asked.over(work, parts, ("evaluate", _digest(forecaster), hours, days, tuple(metrics)))
    excluded = outcome.table(EXCLUDED).reset_index(drop=True)
    if praised := taught_in_words(_taught(outcome)):
        warnings.warn(praised, DataWarning, stacklevel=2)
    if events is not None:
        excluded = pd.concat([excluded, _not_done(events, outcome, parts)], ignore_index=True)
    told = outcome.table(MEASURES)
    if told.empty:
        raise DataError(
            f"none of the {len(excluded)} events could be estimated; the first: {excluded['reason'].iloc[0]}"
        )
    board = joined_measures(told, forecaster.name)
    board["n_excluded"] = len(excluded)
    return board, excluded.assign(method=forecaster.name), outcome


def integrity_store(
    data: Path,
    events_file: Path,
    program: str,
    reader: ReaderOptions = DEFAULT_OPTIONS,
    working: Working = ALONE,
) -> tuple[dict[str, pd.DataFrame], dict[str, str], Outcome]:
    """What stands out in the events of a store, as :func:`cblcast.workflow.settling.integrity_files` tells it of a file."""
    rule = load_program(program)
    opened, sites = open_sites(data, reader)
    events = _events(events_file, sites, reader)
    warn_about_calendars_of(sites, int(events["start"].max().year), [rule])
    asked = working.asked(data)
    parts = _pieces(opened, sites, events, asked)
    outcome = asked.over(ScreenPiece(program), parts, ("integrity", rule))
    found = tables_in_order({name: outcome.table(name) for name in outcome.names()})
    return found, sites["tz"].astype(str).to_dict(), outcome


def _reader_for(forecaster: Forecaster | None, reader: ReaderOptions) -> ReaderOptions:
    return reader if forecaster is None else known_of_training(forecaster, reader)


def _events(path: Path, sites: pd.DataFrame, reader: ReaderOptions) -> pd.DataFrame:
    if path.suffix.lower() == ".json":
        return read_dispatch(path, None, tz=reader.tz)
    return read_dispatch(path, None, tz=reader.tz, site_ids=sites.index, unknown_sites="keep")


def _pieces(store: MeterStore, sites: pd.DataFrame, events: pd.DataFrame | None, asked: Asked) -> Cut:
    tables = None if events is None else {EVENTS: events}
    parts = cut(store, sites, asked.size_for(store), tables, by=None if events is None else EVENTS)
    parts.refuse_nobody(events)
    return parts


def _present(events: pd.DataFrame, site_ids: pd.Index) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events of sites that were read, and the others as events without an estimate."""
    there = events[SITE].isin(site_ids)
    lost = events.loc[~there, [SITE, "start"]].rename(columns={"start": "origin"}).assign(reason=NOWHERE)
    return events[there].reset_index(drop=True), lost[_PROBLEMS]


def _taught(outcome: Outcome) -> dict[str, str]:
    """Sites of all partitions that taught the pretrained baseline, and the sets that they are of."""
    found = outcome.table(TAUGHT)
    return {} if found.empty else dict(zip(found[SITE].astype(str), found["set"].astype(str), strict=True))


def _boxed(parts: Cut, view: str | None) -> Boxed:
    """The view of the pretrained baseline for all partitions: that of the first whose meter says something before an event.

    What cannot be read is passed over here, and named where it is scored; nothing that can is an error.
    """
    taken, wrong = None, None
    for piece in parts.pieces:
        try:
            panel = _some_panel(piece)
        except DataError as error:
            wrong = wrong or error
            continue
        events, _ = _present(piece.events[EVENTS], panel.site_ids)
        taken = boxed(panel, events, view)
        if view is not None or taken.view != "day_ahead":
            break
    if taken is None:
        assert wrong is not None
        raise wrong
    return replace(taken)


def _some_panel(piece: StorePiece) -> Panel:
    """The panel of a piece, or of a part of it that can be read."""
    due, first = [piece], None
    for _ in range(MOST_TRIES):
        one = due.pop(0)
        try:
            return one.panel()
        except DataError as error:
            first = first or error
            due += one.halves() or ()
        if not due:
            break
    assert first is not None
    raise first


def _digest(forecaster: Forecaster) -> str | None:
    """What tells this trained model from any other."""
    with tempfile.TemporaryDirectory() as folder:
        forecaster.save(Path(folder))
        return model_digest(Path(folder))


def _tell_calendar(forecaster: Forecaster, sites: pd.DataFrame, events: pd.DataFrame | None) -> None:
    from cblcast.days.day_types import warn_about_holidays

    if events is not None and tells_days_apart(forecaster):
        warn_about_holidays(sites, int(events["start"].max().year), forecaster.name)


def _not_done(events: pd.DataFrame, outcome: Outcome, parts: Cut) -> pd.DataFrame:
    """Events of sites that no partition has or that could not be done, without an estimate."""
    sites_of = {piece.key: piece.site_ids for piece in parts.pieces}
    done = {site for own in sites_of.values() for site in own}
    reasons = dict.fromkeys(set(events[SITE].astype(str)) - done, NOWHERE)
    for row in outcome.failures.itertuples(index=False):
        for site in [row.site_id] if row.site_id else sites_of.get(row.partition, ()):
            reasons[site] = row.reason
    lost = events[events[SITE].isin(list(reasons))]
    told = lost[[SITE, "start"]].rename(columns={"start": "origin"})
    return told.assign(reason=lost[SITE].map(reasons).to_numpy())[_PROBLEMS]
