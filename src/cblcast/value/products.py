"""From a scored frame [kW] to the energy of market products [MWh]: what is traded a gate before delivery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.frames.schema import CASE_INDEX, OBSERVED, ORIGIN, PREDICTED, SITE, TIME, DataError, require_columns

MINUTE_US = 60_000_000
Array = np.ndarray


@dataclass(frozen=True)
class _Rows:
    """A scored frame as integers: which method and site, when issued, which product and which part of it."""

    method: Array
    site: Array
    origin: Array
    product: Array
    step_us: int
    methods: pd.Index
    sites: pd.Index


def nowcast_energy(
    scored: pd.DataFrame, product_min: int, gates_min: Sequence[int], max_wait_min: int | None = None
) -> pd.DataFrame:
    """Energy that each nowcast promises for each product [MWh], by the newest issue that is old enough.

    A product that begins at `t` and is traded L minutes before takes the newest origin at or before ``t − L`` that covers
    it whole: with 10-minute steps a half-hour needs the leads L+10, L+20 and L+30.

    Parameters
    ----------
    scored : DataFrame, index (site_id, origin, time)
        ``method``, ``predicted_kw``.
    product_min : int
        Length of the product [min], a multiple of the frame's step.
    gates_min : sequence of int
        Minutes from the trade to the beginning of delivery.
    max_wait_min : int, optional
        How much older than the gate the issue may be; 0 takes only nowcasts issued exactly at the gate.

    Returns
    -------
    DataFrame, index (site_id, time), columns (method, gate_min)
        NaN where a method has no whole nowcast.

    Raises
    ------
    DataError
        A frame without the asked leads, a product that is no multiple of the step, a case given twice.
    """
    if len(gates_min) == 0 or min(gates_min) < 0:
        raise DataError(
            f"gates of {list(gates_min)} min: a nowcast is traded before delivery begins; give one or more gates of 0 min or more"
        )
    rows = _rows(scored, product_min)
    kw = scored[PREDICTED].to_numpy(dtype=np.float64)
    if np.isinf(kw).any():
        raise DataError(
            f"{int(np.isinf(kw).sum())} predictions of the scored frame are infinite: leave them empty where there is none"
        )
    wait = (rows.product - rows.origin) // MINUTE_US
    found = {}
    for gate in gates_min:
        old_enough = wait >= gate
        if max_wait_min is not None:
            old_enough &= wait <= gate + max_wait_min
        table = _newest_whole(rows, kw, np.flatnonzero(old_enough), product_min)
        if table.empty:
            step = rows.step_us // MINUTE_US
            leads = ", ".join(str(gate + k) for k in range(step, product_min + 1, step))
            have = np.unique((rows_time(scored) - rows.origin) // MINUTE_US + step)
            raise DataError(
                f"the scored frame has no nowcast issued {gate} min before a product of {product_min} min: that needs the "
                f"leads {leads} min, and it holds {', '.join(map(str, have[:12]))}{' …' if len(have) > 12 else ''}"
            )
        found[gate] = table
    wide = pd.concat(found, axis=1).swaplevel(axis=1)
    wide.columns = wide.columns.set_names(["method", "gate_min"])
    return wide[sorted(wide.columns, key=lambda key: (list(rows.methods).index(key[0]), key[1]))]


def observed_energy(scored: pd.DataFrame, product_min: int) -> pd.Series:
    """Energy that was produced in each product [MWh], index (site_id, time); NaN unless all of it was metered."""
    rows = _rows(scored, product_min)
    time, kw = rows_time(scored), scored[OBSERVED].to_numpy(dtype=np.float64)
    key = rows.site.astype(np.int64) * (1 << 53) + time // MINUTE_US
    _, first, of = np.unique(key, return_index=True, return_inverse=True)
    same = (kw == kw[first][of]) | (np.isnan(kw) & np.isnan(kw[first][of]))
    if not same.all():
        k = int(np.argmin(same))
        raise DataError(
            f"the scored frame gives site {rows.sites[rows.site[k]]!r} two outputs at {pd.Timestamp(int(time[k]), unit='us', tz='UTC')}, "
            f"{kw[first][of][k]:g} and {kw[k]:g} kW ({int((~same).sum())} such rows): what was delivered is one number, whichever method "
            "foresaw it"
        )
    return _sum_parts(rows, first, kw, product_min)


def power_energy(power_kw: pd.Series, product_min: int) -> pd.Series:
    """Energy of each product [MWh] from mean power [kW] by (site_id, time), at the product's step or shorter or longer.

    Longer intervals (an hourly day-ahead bid) are held through every product in them.
    """
    frame = power_kw.rename(OBSERVED).to_frame()
    times = pd.DatetimeIndex(frame.index.get_level_values(TIME)).as_unit("us").asi8
    step = _step_us(times)
    if step <= product_min * MINUTE_US:
        index = pd.MultiIndex.from_arrays(
            [frame.index.get_level_values(SITE), _stamps(times), _stamps(times)], names=CASE_INDEX
        )
        return observed_energy(frame.set_axis(index).assign(method=""), product_min)
    parts = step // (product_min * MINUTE_US)
    if step % (product_min * MINUTE_US):
        raise DataError(f"power every {step // MINUTE_US} min does not divide into products of {product_min} min")
    at = (times[:, None] + np.arange(parts) * product_min * MINUTE_US).ravel()
    index = pd.MultiIndex.from_arrays(
        [np.repeat(frame.index.get_level_values(SITE), parts), _stamps(at)], names=[SITE, TIME]
    )
    energy = np.repeat(frame[OBSERVED].to_numpy(dtype=np.float64), parts) * product_min / 60 / 1000
    return pd.Series(energy, index=index, name="mwh")


def rows_time(scored: pd.DataFrame) -> Array:
    """Interval starts of a scored frame, microseconds UTC, int64."""
    return _level_us(scored.index, TIME)


def _rows(scored: pd.DataFrame, product_min: int) -> _Rows:
    if list(scored.index.names) != CASE_INDEX:
        raise DataError(f"a scored frame is indexed by {CASE_INDEX}, not {list(scored.index.names)}: set the index")
    require_columns(scored, ["method"], "the scored frame")
    if scored.empty:
        raise DataError("the scored frame has no rows: check the file and its filters")
    for name in (ORIGIN, TIME):
        lacking = scored.index.codes[scored.index.names.index(name)] < 0
        if lacking.any():
            raise DataError(
                f"{int(lacking.sum())} rows of the scored frame have no {name} (row {int(np.argmax(lacking))} first): mend or drop them"
            )
    time = _level_us(scored.index, TIME)
    step = _step_us(time)
    if (product_min * MINUTE_US) % step:
        raise DataError(
            f"a product of {product_min} min is no multiple of the frame's step, {step // MINUTE_US} min: choose a longer product"
        )
    if (time % step).any():
        at = pd.Timestamp(int(time[int(np.argmax(time % step > 0))]), unit="us", tz="UTC")
        raise DataError(
            f"an interval of the scored frame begins at {at}, off the grid of its step, {step / MINUTE_US:g} min: it would reach into the "
            "next product; bring the frame onto the grid"
        )
    method = scored["method"]
    codes, names = (
        (method.cat.codes.to_numpy(), method.cat.categories)
        if isinstance(method.dtype, pd.CategoricalDtype)
        else pd.factorize(method)
    )
    place = scored.index.names.index(SITE)
    return _Rows(
        np.asarray(codes, dtype=np.int64),
        np.asarray(scored.index.codes[place], dtype=np.int64),
        _level_us(scored.index, ORIGIN),
        time // (product_min * MINUTE_US) * (product_min * MINUTE_US),
        step,
        pd.Index(names),
        scored.index.levels[place],
    )


def _newest_whole(rows: _Rows, kw: Array, some: Array, product_min: int) -> pd.DataFrame:
    """Of rows `some`: per method, site and product the energy [MWh] of the newest issue that covers it whole."""
    parts = product_min * MINUTE_US // rows.step_us
    issue, mean, count = _issues(rows, kw, some, parts)
    if (count > parts).any():
        _refuse_twice(rows, int(some[issue[int(np.argmax(count > parts))]]))
    whole = np.flatnonzero((count == parts) & np.isfinite(mean))
    one = some[issue[whole]]
    products, product = np.unique(rows.product[one], return_inverse=True)
    of_cell = (rows.method[one] * len(rows.sites) + rows.site[one]) * max(len(products), 1) + product
    order = np.lexsort((rows.origin[one], of_cell))
    cell, issued = of_cell[order], rows.origin[one][order]
    twice = np.flatnonzero((np.diff(cell) == 0) & (np.diff(issued) == 0))
    if len(twice):
        _refuse_twice(rows, int(one[order[twice[0]]]))
    newest = order[np.r_[np.diff(of_cell[order]) != 0, np.ones(min(len(order), 1), dtype=bool)]]
    whole, of_cell = whole[newest], of_cell[newest]
    table = np.full((len(rows.methods), len(rows.sites) * len(products)), np.nan)
    table.ravel()[of_cell] = mean[whole] * product_min / 60 / 1000
    index = pd.MultiIndex.from_arrays(
        [
            rows.sites.take(np.repeat(np.arange(len(rows.sites)), len(products))),
            _stamps(np.tile(products, len(rows.sites))),
        ],
        names=[SITE, TIME],
    )
    made = pd.DataFrame(table.T, index=index, columns=rows.methods)
    return made[np.isfinite(table).any(axis=0)].dropna(axis=1, how="all")


def _refuse_twice(rows: _Rows, k: int) -> None:
    at = pd.Timestamp(int(rows.product[k]), unit="us", tz="UTC")
    raise DataError(
        f"the scored frame holds more intervals than product {at} of {rows.methods[rows.method[k]]!r} has: rows are there "
        "twice, keep one"
    )


def _issues(rows: _Rows, kw: Array, some: Array, parts: int) -> tuple[Array, Array, Array]:
    """Groups of rows of one method, site, origin and product: position of a first row in `some`, mean [kW], count.

    Rows of an issue mostly stand together: runs are found first, and only runs are sorted.
    """
    if len(some) == 0:
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, np.zeros(0), nothing
    keys = [part[some] for part in (rows.method, rows.site, rows.origin, rows.product)]
    starts = np.flatnonzero(np.r_[True, np.logical_or.reduce([part[1:] != part[:-1] for part in keys])])
    total, count = np.add.reduceat(kw[some], starts), np.diff(np.r_[starts, len(some)])
    if (count < parts).any():  # some issues are in pieces: bring the runs of one together
        order = np.lexsort([part[starts] for part in keys])
        new = np.r_[True, np.logical_or.reduce([np.diff(part[starts][order]) != 0 for part in keys])]
        first = np.flatnonzero(new)
        total, count = np.add.reduceat(total[order], first), np.add.reduceat(count[order], first)
        starts = starts[order[first]]
    return starts, total / parts, count


def _sum_parts(rows: _Rows, some: Array, kw: Array, product_min: int) -> pd.Series:
    parts = product_min * MINUTE_US // rows.step_us
    key = rows.site[some] * (1 << 53) + rows.product[some] // MINUTE_US
    _, first, of, count = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    total = np.bincount(of, kw[some]) / parts * product_min / 60 / 1000
    index = pd.MultiIndex.from_arrays(
        [rows.sites.take(rows.site[some][first]), _stamps(rows.product[some][first])], names=[SITE, TIME]
    )
    return pd.Series(np.where(count == parts, total, np.nan), index=index, name="mwh")


def _step_us(times: Array) -> int:
    apart = np.diff(np.unique(times))
    if len(apart) == 0:
        raise DataError("the frame has a single interval, so its step cannot be told: give more rows")
    return int(apart.min())


def _level_us(index: pd.MultiIndex, name: str) -> Array:
    place = index.names.index(name)
    return pd.DatetimeIndex(index.levels[place]).as_unit("us").asi8[np.asarray(index.codes[place])]


def _stamps(us: Array) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(np.ascontiguousarray(us).view("M8[us]")).tz_localize("UTC")
