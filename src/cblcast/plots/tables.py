"""What plots and pages draw, each computed once: errors by hour, weekday, month, temperature and lead, events, coverage of limits.

:mod:`cblcast.plots` draws these tables on matplotlib axes, the pages of ``cblcast report`` as pictures and under the pointer.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.frames.instants import DAY_US, HOUR_US, local_microseconds, microseconds
from cblcast.frames.panel import Panel
from cblcast.frames.rolling import lead_minutes
from cblcast.frames.schema import LOWER, OBSERVED, ORIGIN, PREDICTED, SITE, TIME, UPPER, quantile_levels

TEMPERATURE = "temp_air_c"
FEWEST_ROWS = 4
BINS = 5


def local_clock(scored: pd.DataFrame, zones: pd.Series) -> np.ndarray:
    """Local time of each row, int64 microseconds."""
    zone = zones.reindex(scored.index.get_level_values(SITE)).to_numpy(dtype=object)
    return local_microseconds(microseconds(scored.index.get_level_values(TIME)), zone)


def error_by_hour(scored: pd.DataFrame, zones: pd.Series, fewest: int = FEWEST_ROWS) -> pd.DataFrame:
    """Errors by local hour of the day, index 0 to 23; see :func:`errors_by`."""
    return errors_by(scored, local_clock(scored, zones) % DAY_US // HOUR_US, fewest)


def error_by_weekday(scored: pd.DataFrame, zones: pd.Series, fewest: int = FEWEST_ROWS) -> pd.DataFrame:
    """Errors by local day of the week, index 0 (Monday) to 6; see :func:`errors_by`."""
    return errors_by(scored, (local_clock(scored, zones) // DAY_US + 3) % 7, fewest)  # the epoch was a Thursday


def error_by_month(scored: pd.DataFrame, zones: pd.Series, fewest: int = FEWEST_ROWS) -> pd.DataFrame:
    """Errors by local month, index ``2019-09``; see :func:`errors_by`."""
    return errors_by(scored, (local_clock(scored, zones) // DAY_US).astype("M8[D]").astype("M8[M]").astype(str), fewest)


def error_by_lead(scored: pd.DataFrame, step: pd.Timedelta, scale: pd.Series | None = None) -> pd.DataFrame:
    """nRMSE [%] by method and lead: over the rated power where `scale` gives it, else over the mean load at that lead.

    Parameters
    ----------
    scored : DataFrame, index (site_id, origin, time)
    step : Timedelta
        Length of an interval, from which a lead is counted.
    scale : Series site_id -> kW, optional

    Returns
    -------
    DataFrame, index method, columns lead [min]
        As :func:`cblcast.forecast.evaluation.evaluate` measures it over all rows of a method and lead.
    """
    error = (scored[PREDICTED] - scored[OBSERVED]).to_numpy()
    load = scored[OBSERVED].to_numpy(dtype=float)
    if scale is not None:
        error = error / scale.loc[scored.index.get_level_values(SITE)].to_numpy(dtype=float)
    columns = {"method": scored["method"].to_numpy(), "lead": lead_minutes(scored, step).astype(int)}
    mean = pd.DataFrame({**columns, "square": error**2, "load": load}).groupby(["method", "lead"], sort=False).mean()
    over = mean["load"].abs().replace(0.0, np.nan) if scale is None else 1.0
    return (100 * np.sqrt(mean["square"]) / over).unstack("lead").sort_index(axis=1)


def error_by_temperature(scored: pd.DataFrame, panel: Panel | None, fewest: int = FEWEST_ROWS) -> pd.DataFrame:
    """Errors by fifths of the outdoor temperature, index the mean temperature of each [°C]; empty where it is not known."""
    if panel is None or TEMPERATURE not in panel.data.columns:
        return errors_by(scored.iloc[:0], np.empty(0))
    code = panel.site_codes(pd.Index(scored.index.get_level_values(SITE)))
    warm = panel.values_at(TEMPERATURE, code, microseconds(scored.index.get_level_values(TIME)))
    known = np.isfinite(warm)
    scored, warm = scored[known], warm[known]
    if not len(warm):
        return errors_by(scored, np.empty(0))
    edges = np.unique(np.quantile(warm, np.linspace(0, 1, BINS + 1)[1:-1]))
    fifth = np.searchsorted(edges, warm, side="right")
    table = errors_by(scored, fifth, fewest)
    mean = pd.Series(warm).groupby(fifth).mean()
    return table.set_axis(pd.Index(mean.reindex(table.index).to_numpy(), name=TEMPERATURE))


def errors_by(scored: pd.DataFrame, key: np.ndarray, fewest: int = FEWEST_ROWS) -> pd.DataFrame:
    """Bias, absolute error and root mean squared error of each group, over the mean load of the group.

    Returns
    -------
    DataFrame, index key
        ``mpe`` (> 0 overestimates), ``mape``, ``nrmse`` [%], ``rows``; without groups of fewer than `fewest` rows.
    """
    error = (scored[PREDICTED] - scored[OBSERVED]).to_numpy()
    columns = {"error": error, "absolute": np.abs(error), "square": error**2, "load": scored[OBSERVED].to_numpy()}
    grouped = pd.DataFrame(columns).groupby(np.asarray(key))
    mean, rows = grouped.mean(), grouped.size()
    mean = mean[rows >= fewest]
    load = mean["load"].abs().replace(0.0, np.nan)
    return pd.DataFrame(
        {
            "mpe": 100 * mean["error"] / load,
            "mape": 100 * mean["absolute"] / load,
            "nrmse": 100 * np.sqrt(mean["square"]) / load,
            "rows": rows.reindex(mean.index).astype(int),
        }
    )


def spread(board: pd.DataFrame) -> pd.Series:
    """What is left of each method's nRMSE without its bias [%]: √(nRMSE² − MPE²), how far its errors scatter."""
    return np.sqrt(np.maximum(board["nrmse"] ** 2 - board["mpe"] ** 2, 0.0)).rename("spread")


def event_errors(scored: pd.DataFrame, step_h: float) -> pd.DataFrame:
    """Each event of one method, the smallest mean absolute error first.

    Returns
    -------
    DataFrame, index (site_id, origin)
        ``metered_kwh``, ``baseline_kwh``, ``error_kwh`` (> 0: the baseline was too high), ``error_pct`` (mean absolute error over
        the mean load of the event).
    """
    columns = pd.DataFrame(
        {
            "metered_kwh": scored[OBSERVED] * step_h,
            "baseline_kwh": scored[PREDICTED] * step_h,
            "absolute": (scored[PREDICTED] - scored[OBSERVED]).abs() * step_h,
        }
    )
    grouped = columns.groupby([SITE, ORIGIN], sort=False)
    found = grouped.sum().assign(mean=grouped["absolute"].mean())
    load = found["metered_kwh"].abs().replace(0.0, np.nan)
    return (
        found.assign(error_kwh=found["baseline_kwh"] - found["metered_kwh"], error_pct=100 * found["absolute"] / load)
        .sort_values("mean", kind="stable")
        .drop(columns=["absolute", "mean"])
    )


def shown_events(events: pd.DataFrame) -> dict[str, tuple[str, pd.Timestamp]]:
    """The best, the median and the worst of events as :func:`event_errors` orders them."""
    place = {"best_event": 0, "median_event": len(events) // 2, "worst_event": len(events) - 1}
    return {name: events.index[row] for name, row in place.items()}


def interval_coverage(
    scored: pd.DataFrame, zones: pd.Series | None = None, draws: int = 500, seed: int = 0
) -> pd.DataFrame:
    """How often the load lay within the limits, of the rows that have limits, with an interval from days drawn anew.

    What lies close together errs together: local days are drawn where `zones` are known, else whole events.

    Returns
    -------
    DataFrame, index method
        ``coverage``, ``coverage_low``, ``coverage_high`` (90 %), ``width`` (mean width over the mean load) [%], ``below`` and
        ``above`` (load below the lower, above the upper limit) [%]; without methods that give no limits.
    """
    limited = scored[np.isfinite(scored[LOWER].to_numpy()) & np.isfinite(scored[UPPER].to_numpy())]
    rng = np.random.default_rng(seed)
    rows = {}
    for name, own in limited.groupby("method", sort=False):
        load, low, high = (own[column].to_numpy() for column in (OBSERVED, LOWER, UPPER))
        inside = (load >= low) & (load <= high)
        day = _blocks(own, zones)
        count, hits = np.bincount(day), np.bincount(day, inside)
        weight = rng.multinomial(len(count), np.full(len(count), 1 / len(count)), size=draws)
        drawn = 100 * (weight @ hits) / (weight @ count)
        scale = abs(load.mean())
        rows[name] = {
            "coverage": 100 * inside.mean(),
            "coverage_low": np.quantile(drawn, 0.05),
            "coverage_high": np.quantile(drawn, 0.95),
            "width": 100 * (high - low).mean() / scale if scale else np.nan,
            "below": 100 * (load < low).mean(),
            "above": 100 * (load > high).mean(),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("method")


def shown_bands(rows: pd.DataFrame, most: int = 3) -> list[tuple[str, str, float | None]]:
    """Lower and upper column of each band of quantiles and the share that it promises, the widest first; no more than the eye tells apart.

    Where there are no quantiles the limits, whose share the rows do not know; nothing where there is neither.
    """
    known = rows.columns[rows.notna().all()]
    levels = quantile_levels(known)
    upper = {round(1 - level, 6): column for column, level in levels.items()}
    pairs = [(column, level) for column, level in levels.items() if level < 0.5 and round(level, 6) in upper]
    if pairs:
        some = dict.fromkeys(round(place) for place in np.linspace(0, len(pairs) - 1, most))
        return [(pairs[at][0], upper[round(pairs[at][1], 6)], round(1 - 2 * pairs[at][1], 6)) for at in some]
    return [(LOWER, UPPER, None)] if {LOWER, UPPER} <= set(known) and np.isfinite(rows[LOWER]).all() else []


def _blocks(own: pd.DataFrame, zones: pd.Series | None) -> np.ndarray:
    """Number of the local day of each row, or of its event."""
    if zones is None:
        return own.groupby([SITE, ORIGIN], sort=False, observed=True).ngroup().to_numpy()
    return np.unique(local_clock(own, zones) // DAY_US, return_inverse=True)[1]
