"""Hourly ex-post load impacts of event days and of the average event day, with uncertainty-adjusted percentiles."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from cblcast.days.placebo import placebo_events
from cblcast.errors import DataError, DataWarning
from cblcast.frames.instants import HOUR_US, local_microseconds, microseconds
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, ORIGIN, PREDICTED, SITE, TIME
from cblcast.programs.dispatch import on_grid
from cblcast.programs.meters import as_program_sees
from cblcast.programs.model import Program
from cblcast.settlement.estimate import estimate

PERCENTILES = (10, 30, 50, 70, 90)
AVERAGE = "average event day"
TEMPERATURE = "temp_air_c"
FEWEST_DAYS = 20
DRAWS = 2000
COLUMNS = [
    "program", "event_day", "n_sites", "hour_ending", "reference_load_kw", "observed_load_kw", "load_impact_kw", TEMPERATURE,
    *(f"impact_p{percentile}_kw" for percentile in PERCENTILES), "placebo_days",
]  # fmt: skip


def load_impacts(panel: Panel, events: pd.DataFrame, programs: Sequence[Program], seed: int = 0) -> pd.DataFrame:
    """Impact of each hour of each event day, summed over the sites that were called, and of the average event day.

    The p-th percentile of an impact is the impact less the (100 − p)-th percentile of the rule's error (baseline − load) in
    that hour on working days without an event, of the same sites summed. That of the average day comes from means of as many
    such days, drawn anew.

    Parameters
    ----------
    panel : Panel
        With the meter of the events, and ``temp_air_c`` where it is known.
    events : DataFrame
        ``site_id``, ``start``, ``stop``.

    Returns
    -------
    DataFrame
        ``event_day`` (local date, or "average event day"), ``n_sites`` (of the average day the mean, rounded),
        ``hour_ending`` (1 to 24 on the local clock), ``reference_load_kw``, ``observed_load_kw``, ``load_impact_kw``
        (> 0: less was drawn), ``temp_air_c`` (mean over the sites),
        ``impact_p10_kw`` …, ``placebo_days``. Hours of the event only: a settlement's rule estimates no others.

    Warns
    -----
    DataWarning
        Fewer than 20 days without an event: there are then no percentiles.

    References
    ----------
    CPUC, Decision 08-04-050, Load impact estimation for demand response, protocols 4 to 10.
    """
    rng = np.random.default_rng(seed)
    parts = [_of_program(panel, events, program, rng) for program in programs]
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def _of_program(panel: Panel, events: pd.DataFrame, program: Program, rng: np.random.Generator) -> pd.DataFrame:
    seen = as_program_sees(program, panel.with_events(events))
    hourly = _hourly(as_program_sees(program, panel), seen, program, on_grid(panel, events))
    if hourly.empty:
        return pd.DataFrame(columns=COLUMNS)
    errors = _placebo_errors(seen, program, events)
    parts, drawn = [], []
    for day, own in hourly.groupby("day", sort=True):
        sites = list(own[SITE].unique())
        days = _error_days(errors, sites, sorted(own["hour"].unique()))
        told = _summed(own, str(day), len(sites)).assign(program=program.name)
        parts.append(_with_percentiles(told, days))
        drawn.append(days)
    if all(len(days) < FEWEST_DAYS for days in drawn):
        warnings.warn(
            f"{program.name}: fewer than {FEWEST_DAYS} working days without an event could be estimated, so impacts have no percentiles",
            DataWarning,
            stacklevel=4,
        )
    parts.append(_average(parts, drawn, rng).assign(program=program.name))
    return pd.concat(parts, ignore_index=True)


def _hourly(panel: Panel, seen: Panel, program: Program, events: pd.DataFrame) -> pd.DataFrame:
    """Mean power of each site, event day and local hour: baseline, meter, temperature, for the events that have a baseline."""
    said = estimate(program, seen, events)
    rows = said.rows[said.scored][[PREDICTED]].dropna()
    code = panel.site_codes(pd.Index(rows.index.get_level_values(SITE)))
    times = microseconds(rows.index.get_level_values(TIME))
    found = _clocked(panel, rows).assign(
        observed=panel.values_at(OBSERVED, code, times), predicted=rows[PREDICTED].to_numpy()
    )
    found[TEMPERATURE] = panel.values_at(TEMPERATURE, code, times) if TEMPERATURE in panel.data.columns else np.nan
    return found.groupby([SITE, "day", "hour"], as_index=False).mean()


def _clocked(panel: Panel, rows: pd.DataFrame) -> pd.DataFrame:
    """Site, local day of the event and local hour of each row."""
    site = rows.index.get_level_values(SITE)
    zone = panel.sites["tz"].reindex(site).to_numpy(dtype=object)
    start, at = (local_microseconds(microseconds(rows.index.get_level_values(name)), zone) for name in (ORIGIN, TIME))
    day = (start // (24 * HOUR_US)).astype("M8[D]").astype(str)
    return pd.DataFrame({SITE: site.to_numpy(dtype=object), "day": day, "hour": at // HOUR_US % 24})


def _placebo_errors(seen: Panel, program: Program, events: pd.DataFrame) -> pd.DataFrame:
    """Error of the rule (baseline − load) [kW] by day and (site, hour), on working days without an event, at the events' hours."""
    zone = seen.sites["tz"].reindex(events[SITE]).to_numpy(dtype=object)
    clocks = {
        tuple(f"{at.tz_convert(str(name)):%H:%M}" for at in edges)
        for *edges, name in zip(events["start"], events["stop"], zone, strict=True)
    }
    parts = []
    for start, stop in sorted(clocks):
        try:
            days = placebo_events(seen.select(list(events[SITE].unique())), start, stop)
        except DataError:  # hours between two readings, or no such day
            continue
        said = estimate(program, seen, days)
        rows = said.rows[said.scored]
        code = seen.site_codes(pd.Index(rows.index.get_level_values(SITE)))
        load = seen.values_at(OBSERVED, code, microseconds(rows.index.get_level_values(TIME)))
        parts.append(_clocked(seen, rows).assign(error=rows[PREDICTED].to_numpy() - load))
    if not parts:
        return pd.DataFrame()
    return pd.concat(parts).pivot_table(index="day", columns=[SITE, "hour"], values="error")


def _error_days(errors: pd.DataFrame, sites: list[str], hours: list[int]) -> pd.DataFrame:
    """Errors summed over the sites, one row a day on which all of them were estimated, a column an hour."""
    wanted = [(site, hour) for site in sites for hour in hours]
    if errors.empty or not set(wanted) <= set(errors.columns):
        return pd.DataFrame(columns=hours, dtype=float)
    return errors[wanted].dropna().T.groupby(level="hour").sum().T


def _summed(own: pd.DataFrame, day: str, n_sites: int) -> pd.DataFrame:
    hours = own.groupby("hour").agg(
        reference_load_kw=("predicted", "sum"), observed_load_kw=("observed", "sum"), temp_air_c=(TEMPERATURE, "mean")
    )
    told = hours.assign(event_day=day, n_sites=n_sites, hour_ending=hours.index + 1)
    return told.assign(load_impact_kw=told["reference_load_kw"] - told["observed_load_kw"])


def _with_percentiles(told: pd.DataFrame, days: pd.DataFrame) -> pd.DataFrame:
    enough = len(days) >= FEWEST_DAYS
    found = {
        f"impact_p{p}_kw": told["load_impact_kw"] - days.reindex(columns=told.index).quantile(1 - p / 100)
        if enough
        else np.nan
        for p in PERCENTILES
    }
    return told.assign(placebo_days=len(days), **found)


def _average(parts: Sequence[pd.DataFrame], drawn: Sequence[pd.DataFrame], rng: np.random.Generator) -> pd.DataFrame:
    """The mean over event days of each hour; its percentiles from means of errors of drawn days."""
    stacked = pd.concat(parts)
    grouped = stacked.groupby(level=0)
    columns = ["reference_load_kw", "observed_load_kw", "load_impact_kw", TEMPERATURE, "n_sites", "hour_ending"]
    told = grouped[columns].mean().assign(event_day=AVERAGE, placebo_days=min(map(len, drawn)))
    whole = ["hour_ending", "n_sites"]
    told[whole] = told[whole].round().astype(int)
    for hour in told.index:
        errors = [days[hour].to_numpy() for days in drawn if hour in days.columns and len(days) >= FEWEST_DAYS]
        met = int((stacked.index == hour).sum())
        if errors and len(errors) == met:
            means = np.mean([rng.choice(each, DRAWS) for each in errors], axis=0)
            for p in PERCENTILES:
                told.loc[hour, f"impact_p{p}_kw"] = told.loc[hour, "load_impact_kw"] - np.quantile(means, 1 - p / 100)
        else:
            told.loc[hour, [f"impact_p{p}_kw" for p in PERCENTILES]] = np.nan
    return told
