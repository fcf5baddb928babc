"""Serving: a registered model at work on somebody's files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cblcast import tracking
from cblcast.days.day_types import keeps_holidays_apart, warn_about_holidays
from cblcast.days.placebo import placebo_events
from cblcast.forecast.answer import answer
from cblcast.forecast.backtest import SCORED_COLUMNS, BacktestResult, judged
from cblcast.forecast.evaluation import evaluate
from cblcast.forecast.event_truth import with_event_truth
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.scoring import BASELINE, score_events
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, SITE, TIME, UPPER, DataError, StudyError
from cblcast.io.formats import read_dispatch, read_meter
from cblcast.io.options import DEFAULT_OPTIONS, ReaderOptions
from cblcast.workflow.outputs import frame_writer, write_all


@dataclass(frozen=True)
class Scored:
    """Baselines of the events of a file.

    Attributes
    ----------
    rows : DataFrame
        ``site_id``, ``time``, ``metered_kw``, ``baseline_kw``, ``lower_kw``, ``upper_kw``, ``reduction_kw`` (baseline −
        metered, > 0 where less was used) [kW], ``origin`` (start of the event), ``event_stop``.
    excluded : DataFrame
        Events without an estimate and why.
    zones : dict site_id -> IANA zone
    step_h : float
        Length of an interval [h].
    """

    rows: pd.DataFrame
    excluded: pd.DataFrame
    zones: dict[str, str]
    step_h: float


def score_file(
    model: str,
    panel_file: str | Path,
    events_file: str | Path,
    reader: ReaderOptions = DEFAULT_OPTIONS,
    *,
    store: str | None = None,
) -> Scored:
    """Baselines of real events with a registered model, beside what was metered."""
    forecaster = tracking.load_forecaster(model, uri=store)
    panel = read_panel_for(forecaster, panel_file, reader)
    scored, excluded = score_events(forecaster, panel, read_dispatch(events_file, panel, tz=reader.tz))
    at = pd.MultiIndex.from_frame(scored[[SITE, TIME]])
    metered = panel.data[OBSERVED].reindex(at).to_numpy(dtype=float)
    scored.insert(2, "metered_kw", metered)
    scored.insert(list(scored.columns).index(UPPER) + 1, "reduction_kw", scored[BASELINE] - metered)
    return Scored(scored, excluded, panel.sites["tz"].astype(str).to_dict(), panel.step.total_seconds() / 3600)


def read_panel_for(forecaster: Forecaster, panel_file: str | Path, reader: ReaderOptions = DEFAULT_OPTIONS) -> Panel:
    """A meter file read with the sites the model was trained on, where neither file nor options say more."""
    known = forecaster.sites
    if reader.sites is None and known is not None:
        common = {key: known[key].dropna().unique() for key in ("tz", "country", "subdivision") if key in known.columns}
        reader = reader.but(
            **{
                key: str(values[0])
                for key, values in common.items()
                if len(values) == 1 and getattr(reader, key) is None
            }
        )
    panel = read_meter(str(panel_file), options=reader)
    if tells_days_apart(forecaster):
        year = pd.Timestamp(panel.last_times_us.max(), unit="us").year
        warn_about_holidays(panel.sites, year, forecaster.name)
    return panel


def tells_days_apart(forecaster: Forecaster) -> bool:
    """Whether some feature of a forecaster depends on what is a holiday."""
    return any(
        name == "calendar" or keeps_holidays_apart(getattr(builder, "__dict__", {}).get("day_types", "all"))
        for name, builder in forecaster.builders.items()
    )


def evaluate_model(
    model: str,
    panel_file: str | Path,
    reader: ReaderOptions = DEFAULT_OPTIONS,
    *,
    events_file: str | Path | None = None,
    start: str | None = None,
    stop: str | None = None,
    days: str = "working",
    metrics: Sequence[str] = ("mpe", "mape", "rmse", "nrmse"),
    store: str | None = None,
) -> tuple[pd.DataFrame, BacktestResult]:
    """Judge a registered model on other data: at the events of a file, or at placebo events from `start` to `stop`.

    Events of a file are those on which nothing was dispatched, or carry their truth in ``truth_kw``.
    """
    forecaster = tracking.load_forecaster(model, uri=store)
    panel = read_panel_for(forecaster, panel_file, reader)
    if events_file is not None:
        events = read_dispatch(events_file, panel, tz=reader.tz)
    elif start and stop:
        events = placebo_events(panel, start, stop, days=days, keep_unmetered=True)
    else:
        raise StudyError("evaluate --model needs --events FILE, or --start and --stop of placebo events")
    result = backtest_trained(panel, forecaster, events)
    table = evaluate(result.scored, ["method"], metrics) if len(result.scored) else pd.DataFrame()
    if table.empty:
        raise DataError(
            f"none of the {len(result.excluded)} events could be estimated; the first: {result.excluded['reason'].iloc[0]}"
        )
    table["n_excluded"] = len(result.excluded)
    return table, result


def backtest_trained(panel: Panel, forecaster: Forecaster, events: pd.DataFrame) -> BacktestResult:
    """Scored frame of a forecaster that is trained already; events that carry their truth are judged against it."""
    panel = with_event_truth(panel, events)
    rows, excluded = judged(panel, answer(forecaster, panel, events))
    scored = rows.assign(method=forecaster.name, fold="test")[SCORED_COLUMNS]
    return BacktestResult(scored, excluded.assign(method=forecaster.name), {forecaster.name: forecaster})


def write_frame(frame: pd.DataFrame, path: Path, decimals: int | None = None) -> None:
    """Write a CSV (with so many decimals) or Parquet file whole or not at all."""
    write_all({path: frame_writer(frame, path, decimals)})
