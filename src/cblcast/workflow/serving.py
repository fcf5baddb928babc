"""Serving: a registered model at work on somebody's files."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast import tracking
from cblcast.days.day_types import keeps_holidays_apart, warn_about_holidays
from cblcast.days.placebo import placebo_events
from cblcast.forecast.answer import answer
from cblcast.forecast.backtest import SCORED_COLUMNS, TREATED_COLUMNS, BacktestResult, judged
from cblcast.forecast.evaluation import INTERVAL_METRICS, evaluate
from cblcast.forecast.event_truth import with_event_truth
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.nowcast import NOW, Issued, horizon_of_forecaster, issue_nowcast, origin_us
from cblcast.forecast.pretrained import is_pretrained, view_name
from cblcast.forecast.scoring import BASELINE, require_weather, score_events
from cblcast.forecast.trained_on import warn_if_elsewhere
from cblcast.frames.as_known import until
from cblcast.frames.instants import MINUTE_US
from cblcast.frames.panel import Panel
from cblcast.frames.schema import LOWER, OBSERVED, SITE, TIME, UPPER, DataError, DataWarning, StudyError
from cblcast.io.formats import read_dispatch, read_meter
from cblcast.io.options import DEFAULT_OPTIONS, ReaderOptions
from cblcast.io.speed_beside_measured import looks_like_other_unit
from cblcast.io.tabular import read_panel
from cblcast.workflow.given_forecasts import given_runs
from cblcast.workflow.in_the_box import Boxed, boxed
from cblcast.workflow.outputs import frame_writer, write_all
from cblcast.workflow.taught_sites import taught_in_words, taught_themselves


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
    boxed : Boxed or None
        The pretrained baseline, where that was asked.
    """

    rows: pd.DataFrame
    excluded: pd.DataFrame
    zones: dict[str, str]
    step_h: float
    boxed: Boxed | None = None


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
    return _scored(forecaster, panel, read_dispatch(events_file, panel, tz=reader.tz))


def score_boxed_file(
    panel_file: str | Path, events_file: str | Path, reader: ReaderOptions = DEFAULT_OPTIONS, *, view: str | None = None
) -> Scored:
    """As :func:`score_file`, with the pretrained baseline; which view of it, and why, is told by `boxed`.

    Parameters
    ----------
    view : str, optional
        See :func:`cblcast.workflow.in_the_box.boxed`.
    """
    if view is not None:
        view_name(view)  # before anything is read
    panel = read_meter(str(panel_file), options=reader)
    events = read_dispatch(events_file, panel, tz=reader.tz)
    taken = boxed(panel, events, view)
    tell_calendar(taken.forecaster, panel)
    return replace(_scored(taken.forecaster, panel, events), boxed=taken)


def _scored(forecaster: Forecaster, panel: Panel, events: pd.DataFrame) -> Scored:
    scored, excluded = score_events(forecaster, panel, events)
    return Scored(
        beside_metered(scored, panel),
        excluded,
        panel.sites["tz"].astype(str).to_dict(),
        panel.step.total_seconds() / 3600,
    )


def beside_metered(scored: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """Scored rows with ``metered_kw`` and ``reduction_kw`` [kW] beside the baseline."""
    at = pd.MultiIndex.from_frame(scored[[SITE, TIME]])
    metered = panel.data[OBSERVED].reindex(at).to_numpy(dtype=float)
    scored.insert(2, "metered_kw", metered)
    scored.insert(list(scored.columns).index(UPPER) + 1, "reduction_kw", scored[BASELINE] - metered)
    return scored


def nowcast_file(
    model: str,
    panel_file: str | Path,
    origin: str = NOW,
    reader: ReaderOptions = DEFAULT_OPTIONS,
    *,
    forecasts: Sequence[str] = (),
    store: str | None = None,
) -> Issued:
    """A nowcast of a registered model from a file that ends at the origin.

    Parameters
    ----------
    origin : str
        ``now``, ``data`` (the end of what was measured) or a time; see :func:`cblcast.forecast.nowcast.issue_nowcast`. Weather
        beside the meter file (``weather`` of `reader`) may reach beyond the meter's last row.
    forecasts : sequence of str
        Forecast runs, ``PRODUCT=FILE``, with the name that the study had under ``data.forecasts:``; how they are read the
        model knows (:func:`cblcast.workflow.given_forecasts.given_runs`).
    """
    forecaster = tracking.load_forecaster(model, uri=store)
    runs = given_runs(forecaster, forecasts)
    weather = reader.weather
    panel = read_panel_for(forecaster, panel_file, reader.but(weather=None))
    if weather is not None:
        horizon = horizon_of_forecaster(forecaster, panel)
        panel = with_weather_ahead(panel, reader, int(horizon.leads(panel.step).max()), origin)
    if forecaster.sites is not None:
        lacking = [name for name in ("rated_kw", "standby_kw") if name in forecaster.sites and name not in panel.sites]
        panel = replace(panel, sites=panel.sites.join(forecaster.sites[lacking]))
    if runs:
        panel = replace(panel, runs=runs)
        for sentence in filter(None, (looks_like_other_unit(panel, one) for one in runs)):
            warnings.warn(sentence, DataWarning, stacklevel=2)
    require_weather(forecaster, panel.names, Path(panel_file).name)
    return issue_nowcast(forecaster, panel, origin)


def with_weather_ahead(panel: Panel, reader: ReaderOptions, horizon_min: int, origin: str) -> Panel:
    """The panel with the weather of the reader's file, also on the rows up to the horizon after the origin."""
    ahead = until(panel, origin_us(origin, panel), horizon_min * MINUTE_US)
    table = ahead.data.assign(**{OBSERVED: panel.data[OBSERVED].reindex(ahead.data.index)}).reset_index()
    sites = panel.sites.reset_index()
    return read_panel(
        table,
        weather=reader.weather,
        kinds=reader.kinds,
        columns=reader.columns,
        decimal=reader.decimal,
        sites=sites,
        unit="kW",
    )


def read_panel_for(forecaster: Forecaster, panel_file: str | Path, reader: ReaderOptions = DEFAULT_OPTIONS) -> Panel:
    """A meter file read with the sites the model was trained on, where neither file nor options say more."""
    panel = read_meter(str(panel_file), options=known_of_training(forecaster, reader))
    tell_calendar(forecaster, panel)
    return panel


def known_of_training(forecaster: Forecaster, reader: ReaderOptions) -> ReaderOptions:
    """The options of a reader with what all sites of the training share, where neither options nor a file of sites say more."""
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
    return reader


def tell_calendar(forecaster: Forecaster, panel: Panel) -> None:
    """Warn where a forecaster tells types of day apart and nobody says which days of the panel are holidays."""
    if tells_days_apart(forecaster):
        year = pd.Timestamp(panel.last_times_us.max(), unit="us").year
        warn_about_holidays(panel.sites, year, forecaster.name)


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

    Events of a file are those on which nothing was dispatched, or carry their truth in ``truth_kw``. Of a model with limits the
    table says what share of the readings they hold (``coverage``) and how wide they are.
    """
    forecaster = tracking.load_forecaster(model, uri=store)
    panel = read_panel_for(forecaster, panel_file, reader)
    if events_file is not None:
        events = read_dispatch(events_file, panel, tz=reader.tz)
    elif start and stop:
        events = placebo_events(panel, start, stop, days=days, keep_unmetered=True)
    else:
        raise StudyError("evaluate --model needs --events FILE, or --start and --stop of placebo events")
    if is_pretrained(model) and (praised := taught_in_words(taught_themselves(panel))):
        warnings.warn(praised, DataWarning, stacklevel=2)
    result = backtest_trained(panel, forecaster, events)
    limited = len(result.scored) > 0 and bool(np.isfinite(result.scored[[LOWER, UPPER]].to_numpy()).all())
    measures = [*metrics, *(name for name in INTERVAL_METRICS if limited and name not in metrics)]
    table = evaluate(result.scored, ["method"], measures) if len(result.scored) else pd.DataFrame()
    if table.empty:
        raise DataError(
            f"none of the {len(result.excluded)} events could be estimated; the first: {result.excluded['reason'].iloc[0]}"
        )
    table["n_excluded"] = len(result.excluded)
    return table, result


def backtest_trained(panel: Panel, forecaster: Forecaster, events: pd.DataFrame) -> BacktestResult:
    """Scored frame of a forecaster that is trained already; events that carry their truth are judged against it."""
    panel = with_event_truth(panel, events)
    said = answer(forecaster, panel, events)
    warn_if_elsewhere(forecaster, panel, events)
    rows, excluded = judged(panel, said)
    scored = rows.assign(method=forecaster.name, fold="test")[SCORED_COLUMNS]
    result = BacktestResult(scored, excluded.assign(method=forecaster.name), {forecaster.name: forecaster})
    if said.treatment is not None:
        result.treated = said.treatment.assign(method=forecaster.name)[TREATED_COLUMNS]
    return result


def write_frame(frame: pd.DataFrame, path: Path, decimals: int | None = None) -> None:
    """Write a CSV (with so many decimals) or Parquet file whole or not at all."""
    write_all({path: frame_writer(frame, path, decimals)})
