"""A nowcast issued now: data that end at the origin in, power of the intervals ahead out, and what was missing in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from cblcast.abilities import FollowsIssues, LooksBack, able, days_looked_back, layers, outermost_able
from cblcast.forecast.answer import answer_cases, as_trained
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.products import late_runs
from cblcast.frames.as_known import until
from cblcast.frames.cases import FAR_FUTURE_US
from cblcast.frames.coded import index_of
from cblcast.frames.instants import HOUR_US, MINUTE_US, instants_of_wall, microseconds, stamp, stamps
from cblcast.frames.panel import Panel
from cblcast.frames.rolling import Horizon
from cblcast.frames.schema import (
    CASE_INDEX,
    LEAD,
    LOWER,
    OBSERVED,
    ORIGIN,
    PREDICTED,
    SITE,
    TIME,
    UPPER,
    DataError,
    StudyError,
    quantile_levels,
)

NOWCAST, REASON = "nowcast_kw", "reason"
NOWCAST_COLUMNS = [SITE, ORIGIN, TIME, LEAD, NOWCAST, LOWER, UPPER]
NOW = "now"
LONGEST_WAIT_H = 24.0  # a farm that has been silent for longer is not nowcast from its last word


@dataclass(frozen=True)
class Issued:
    """A nowcast.

    Attributes
    ----------
    rows : DataFrame
        ``site_id``, ``origin``, ``time`` (start of the interval, UTC), ``lead_min``, ``nowcast_kw``, ``lower_kw``, ``upper_kw``
        [kW] (the limits are NaN for a method without), of a method that gives them quantiles ``q05_kw`` …, and ``reason``: why
        the row has no estimate, None where it has one. By site and time.
    missing : list of str
        What was not there at the origin, a sentence each: measurements, forecasts, what the features could not be made of.
    zones : dict site_id -> IANA zone
        The sites' clocks.
    """

    rows: pd.DataFrame
    missing: list[str] = field(default_factory=list)
    zones: dict[str, str] = field(default_factory=dict)


def issue_nowcast(forecaster: Forecaster, panel: Panel, origin: Any = NOW, horizon: Horizon | None = None) -> Issued:
    """The power of the intervals after `origin`, from what `panel` knows before it.

    Parameters
    ----------
    forecaster : Forecaster
        Trained.
    panel : Panel
        Measurements up to the origin. What it holds after the origin is never looked at but for forecasts of weather: columns
        of rows with or without ``observed_kw``, and runs that had arrived by then (:func:`cblcast.io.forecasts.with_forecasts`).
    origin : "now", "data", Timestamp or text
        ``data`` is the end of what was measured last at any of the sites. A time without a zone is on the clock of the sites. An
        origin between two readings is the end of the last whole interval before it.
    horizon : Horizon, optional
        What the forecaster was trained for unless given.

    Raises
    ------
    StudyError
        A forecaster that issues no nowcasts, or leads that it was not trained for.
    DataError
        Another step than in training, a column that the features need and the panel lacks, a site without a measurement in
        the 24 hours (or the horizon, if longer) before the origin, an origin before the data, a clock time that does not exist or
        comes twice.
    """
    leads = horizon_of_forecaster(forecaster, panel, horizon).leads(panel.step)
    at = origin_us(origin, panel)
    missing = _silences(panel, at, float(leads.max())) + late_runs(panel, forecaster.products, at)
    known = as_trained(forecaster, until(panel, at, int(leads.max()) * MINUTE_US, _since(forecaster, panel, at)))
    cases = _cases(known, at, leads)
    looked_up: dict[Any, pd.DataFrame] = {}
    X = forecaster.matrix(known, cases, looked_up)
    said = answer_cases(forecaster, known, cases, X, reasons=False)
    lacking = _lacking(forecaster, looked_up, cases)
    zones = {str(site): str(zone) for site, zone in panel.sites["tz"].items()}
    return Issued(_told(said.rows, leads, missing + lacking), missing + lacking, zones)


def horizon_of_forecaster(forecaster: Forecaster, panel: Panel, horizon: Horizon | None = None) -> Horizon:
    """What a forecaster is issued for: as it is told, as it was trained, or by the leads that its estimator knows."""
    known = horizon or forecaster.horizon
    if known is not None:
        trained = None if forecaster.horizon is None else forecaster.horizon.step_min
        return replace(known, step_min=known.step_min or trained)
    ahead = next((each.leads_ for each in layers(forecaster.estimator) if hasattr(each, "leads_")), None)
    if ahead is None:
        raise StudyError(
            f"{forecaster.name} is no nowcast: train it in a study with events: {{every_min: …, horizon_min: …}}, or say for how "
            "long it is to be issued (horizon=Horizon(180))"
        )
    return Horizon.of_leads([minutes + panel.step_us // MINUTE_US for minutes in ahead])


def origin_us(origin: Any, panel: Panel) -> int:
    """The origin on the panel's own grid, microseconds UTC; see :func:`issue_nowcast`."""
    if origin is None or (isinstance(origin, str) and origin.strip().lower() == "data"):
        seen = np.isfinite(panel.column(OBSERVED))
        if not seen.any():
            raise DataError(
                "nothing was metered, so there is nothing to start from: give the last hours of observed_kw"
            )
        return int(panel.times_us[seen].max()) + panel.step_us
    if isinstance(origin, str) and origin.strip().lower() == NOW:
        at = int(microseconds([pd.Timestamp.now(tz="UTC")])[0])
    else:
        at = _instant(origin, panel)
    return at - (at - int(panel.first_times_us[0])) % panel.step_us


def _instant(origin: Any, panel: Panel) -> int:
    """A time as an instant; without a zone it is on the sites' clock, where they share one."""
    try:
        when = pd.Timestamp(origin)
    except (ValueError, TypeError):
        when = pd.NaT
    if when is pd.NaT:
        raise DataError(f"the origin {origin!r} is no time: give now, data, or a time like 2019-06-01T12:00+02:00")
    if when.tzinfo is not None:
        return int(microseconds([when])[0])
    zones = panel.sites["tz"].astype(str).unique()
    if len(zones) > 1:
        raise DataError(
            f"the origin {origin} has no zone, and the sites lie in {len(zones)}: write it with its offset, like {when.isoformat()}+00:00"
        )
    wall = microseconds(pd.DatetimeIndex([when]))
    at = int(instants_of_wall(wall, zones[0], unclear="none")[0])
    if at == np.iinfo(np.int64).min:
        raise DataError(
            f"the clock of {zones[0]} shows {when} twice or never, where it is changed: write the origin with its offset, like "
            f"{when.isoformat()}+01:00"
        )
    return at


def _silences(panel: Panel, at: int, horizon_min: float) -> list[str]:
    """A sentence for each site whose last measurement before the origin is not the last interval."""
    observed, step = panel.column(OBSERVED), panel.step_us
    longest = max(LONGEST_WAIT_H * HOUR_US, horizon_min * MINUTE_US)
    first, last = panel.first_times_us, panel.last_times_us
    codes = np.arange(len(first))
    begin = panel.locate(codes, first)
    before = begin + np.clip(
        -((first - at) // step), 0, (last - first) // step + 1
    )  # where its rows from the origin on begin
    told = []
    for code, site in enumerate(panel.site_ids):
        seen = np.flatnonzero(np.isfinite(observed[begin[code] : before[code]]))
        if not len(seen):
            raise DataError(
                f"site {site!r} has no measurement before the origin {stamp(at)}: its data run from "
                f"{stamp(first[code])} to {stamp(last[code])}; give later data, or --origin TIME"
            )
        end = int(first[code] + (seen[-1] + 1) * step)
        if at - end > longest:
            raise DataError(
                f"the last measurement of site {site!r} ends at {stamp(end)}, {(at - end) / HOUR_US:.0f} h before the origin "
                f"{stamp(at)}: give newer data, or name an origin (--origin {stamp(end).isoformat()}, or --origin data)"
            )
        if end < at:
            told.append(
                f"the last measurements of site {site!r} are missing: its power is known until {stamp(end)}, "
                f"{(at - end) / MINUTE_US:.0f} min before the origin"
            )
    return told


def _since(forecaster: Forecaster, panel: Panel, at: int) -> int | None:
    """From when on the panel is looked at [us UTC]; None where nobody says how far back it is."""
    back = intervals_back(forecaster.builders.values(), panel.step_hours)
    if back is None or days_looked_back(forecaster.estimator):
        return None
    follower = outermost_able(forecaster.estimator, FollowsIssues)
    earlier = np.zeros(0) if follower is None else follower.earlier_origins(np.array([at]))
    return int(np.min([at, *earlier[:1]])) - max((back + 1) * panel.step_us, 2 * HOUR_US)


def _cases(panel: Panel, at: int, leads: np.ndarray) -> pd.DataFrame:
    """A row for each site and lead; nothing from the origin on is seen."""
    times = at + (leads - panel.step_us // MINUTE_US) * MINUTE_US
    site, lead = (
        np.repeat(np.arange(len(panel.site_ids)), len(times)),
        np.tile(np.arange(len(times)), len(panel.site_ids)),
    )
    index = index_of(
        (site, panel.site_ids), (np.zeros_like(site), stamps(np.array([at]))), (lead, stamps(times)), names=CASE_INDEX
    )
    return pd.DataFrame(
        {
            "hidden_from": stamps(np.full(len(index), at)),
            "hidden_until": stamps(np.full(len(index), FAR_FUTURE_US)),
            "event_stop": stamps(np.full(len(index), times.max() + panel.step_us)),
            "scored": True,
        },
        index=index,
    )


def _lacking(forecaster: Forecaster, looked_up: dict[Any, pd.DataFrame], cases: pd.DataFrame) -> list[str]:
    """A sentence for each builder and site whose features could not all be made."""
    told = []
    site, time = cases.index.get_level_values(SITE), cases.index.get_level_values(TIME)
    for name, builder in forecaster.builders.items():
        gone = looked_up[builder].isna()
        if not gone.to_numpy().any():
            continue
        for place in site.unique():
            mine = gone[np.asarray(site == place)]
            if mine.any(axis=None):
                columns = mine.columns[mine.any()]
                rows = mine.any(axis=1).to_numpy()
                first = time[np.asarray(site == place)][rows][0]
                told.append(
                    f"{name} of site {place!r} lacks {', '.join(map(str, columns[:3]))}{' …' if len(columns) > 3 else ''} "
                    f"({len(columns)} of {mine.shape[1]} columns) for {int(rows.sum())} of {len(rows)} intervals, the first at {first}"
                )
    return told


def _told(rows: pd.DataFrame, leads: np.ndarray, missing: list[str]) -> pd.DataFrame:
    """The answer in columns, with a reason where there is no estimate."""
    powers = [PREDICTED, LOWER, UPPER, *quantile_levels(rows.columns)]
    told = rows[powers].to_numpy(dtype=np.float64)
    site = rows.index.get_level_values(SITE)
    why: list[str | None] = [None] * len(rows)
    for place in np.flatnonzero(~np.isfinite(told[:, 0])):
        own = [sentence for sentence in missing if repr(site[place]) in sentence]
        why[place] = "; ".join(own) or "the method gave no estimate"
    keys = {name: rows.index.get_level_values(name).array for name in CASE_INDEX}
    lead = np.tile(leads, len(rows) // len(leads))
    columns = dict(zip([NOWCAST, *powers[1:]], told.T, strict=True))
    return pd.DataFrame({**keys, LEAD: lead, **columns, REASON: np.array(why, dtype=object)})


def intervals_back(builders: Iterable[Any], step_h: float) -> int | None:
    """Intervals before the blindfold that some builder looks at; None where one may look at anything."""
    furthest = 0
    for builder in builders:
        if not able(builder, LooksBack):
            return None
        furthest = max(furthest, int(builder.intervals_back(step_h)))
    return furthest
