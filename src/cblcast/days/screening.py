"""Screening: an XofY rule on every day of many sites, straight from the DayCube.

The answer is that of :class:`~cblcast.estimators.rules.similar_days.XofY` behind
:class:`~cblcast.estimators.wrappers.adjusted.Adjusted`, for rules that need nothing but the load: one event a day at the same
wall-clock hours. It is meant for the question "which of a million customers can be baselined at all?", where the long
frame of cases would cost more than the arithmetic.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from cblcast.frames.cube import DayCube
from cblcast.frames.events import Window, WindowSpec
from cblcast.frames.schema import DataWarning, StudyError, nearest

_SITE_DAYS_AT_ONCE = 32_768  # planes of a block stay in cache, and calls cost little beside them

# Sign of the key that is ranked upwards, and whether the choice starts at its smallest or in its middle.
_RANKS = {"high": (-1.0, False), "low": (1.0, False), "middle": (1.0, True), "recent": (0.0, False)}


@dataclass(frozen=True, eq=False)
class Screening:
    """A baseline for every site and day.

    Attributes
    ----------
    baseline_kw : ndarray of float32, shape (n_sites, n_days, n_event_slots)
        Adjusted baseline [kW] in the event hours; NaN where too few days qualified.
    factor : ndarray of float32, shape (n_sites, n_days)
        The factor applied; 1 where the window shows no usable load.
    slots : range
        Slots of the cube that the event covers.
    """

    baseline_kw: np.ndarray
    factor: np.ndarray
    slots: range


def xofy_backtest(
    cube: DayCube,
    start_hour: float,
    stop_hour: float,
    *,
    x: int = 5,
    y: int = 10,
    select: str = "high",
    window: WindowSpec | None = "PBLM",
    limits: tuple[float, float] = (0.8, 1.2),
    qualified: np.ndarray | None = None,
    look_back_days: int = 60,
) -> Screening:
    """XofY with a capped ratio adjustment, on every day as if it had been an event day.

    Parameters
    ----------
    cube : DayCube
        Load [kW], e.g. ``panel.cube("observed_kw")``.
    start_hour, stop_hour : float
        Local wall clock of the event, within one day [h].
    x, y : int
        ``1 <= x <= y``: X of the Y newest qualified days.
    select : {"high", "middle", "low", "recent"}
        By mean load in the event hours, as :data:`~cblcast.estimators.rules.similar_days.SELECTIONS`; ties go to the newer
        day.
    window : Window, str or None
        Window of the ratio adjustment (equation 2); None leaves the baseline as it is.
    limits : (float, float)
        Cap of the factor.
    qualified : ndarray of bool, shape (n_days,) or (n_sites, n_days), optional
        Days that may be reference days, e.g. working days. A day also has to be metered throughout the event hours and
        the window.
    look_back_days : int
        The Y days must lie within so many calendar days.

    Returns
    -------
    Screening

    Warns
    -----
    DataWarning
        Counting the days whose window shows no load above zero, or none at all: their factor is 1.

    References
    ----------
    Baseline paper, equations 1-3.
    """
    if not 1 <= x <= y <= 100:
        raise StudyError(f"XofY needs 1 <= x <= y <= 100, not x={x}, y={y}")
    if select not in _RANKS:
        raise StudyError(f"unknown selection {select!r} for screening: {nearest(select, _RANKS)}")
    if not limits[0] <= 1 <= limits[1]:
        raise StudyError(f"limits {limits} must enclose 1, the factor that changes nothing")
    event = _slots(cube, start_hour, stop_hour, "the event")
    beside = event[:0] if window is None else _window_slots(cube, Window.of(window), start_hour, stop_hour)
    n_sites, n_days, _ = cube.values.shape
    may_serve = np.broadcast_to(True if qualified is None else np.asarray(qualified, dtype=bool), (n_sites, n_days))
    found = Screening(
        np.empty((n_sites, n_days, len(event)), dtype=np.float32), np.ones((n_sites, n_days), dtype=np.float32), event
    )
    lost = 0
    step = max(1, _SITE_DAYS_AT_ONCE // max(n_days, 1))
    for first in range(0, n_sites, step):
        block = slice(first, first + step)
        planes = _planes(cube.values[block], event, beside)
        total, enough = _sum_of_chosen(planes, may_serve[block], x, y, select, look_back_days, len(event))
        scale = np.full(enough.shape, np.float32(1 / x))
        if window is not None:
            factor, usable = _ratio(planes[-1], total[-1], total[: len(event)].sum(axis=0), x, limits)
            usable &= enough
            if not usable.all():
                np.copyto(factor, np.float32(1), where=~usable)
                lost += int(np.count_nonzero(enough) - np.count_nonzero(usable))
            scale *= factor
            found.factor[block] = factor
        scale[~enough] = np.nan
        for slot, plane in enumerate(total[: len(event)]):
            np.multiply(plane, scale, out=found.baseline_kw[block, :, slot])
    if lost:
        warnings.warn(
            f"{lost} of {n_sites * n_days} site days are not adjusted: their window shows no load above zero, "
            "or none at all",
            DataWarning,
            stacklevel=2,
        )
    return found


def _slots(cube: DayCube, start_hour: float, stop_hour: float, what: str) -> range:
    n_slots = cube.values.shape[2]
    begin, end = start_hour * n_slots / 24, stop_hour * n_slots / 24
    if not (0 <= begin < end <= n_slots) or begin % 1 or end % 1:
        raise StudyError(
            f"{what} from {start_hour:g} h to {stop_hour:g} h does not lie on intervals of {24 / n_slots:g} h within "
            "one day: screening looks at one local day; use backtest for events across midnight"
        )
    return range(int(begin), int(end))


def _window_slots(cube: DayCube, window: Window, start_hour: float, stop_hour: float) -> range:
    if window.side == "before":
        end = start_hour - window.buffer
        return _slots(cube, end - window.hours, end, "the window")
    begin = stop_hour + window.buffer
    return _slots(cube, begin, begin + window.hours, "the window")


def _planes(values: np.ndarray, event: range, beside: range) -> np.ndarray:
    """Load by event slot, then the sum over the window if there is one; float32, (n_planes, n_sites, n_days)."""
    flat = values.reshape(-1, values.shape[2])
    planes = np.empty((len(event) + (len(beside) > 0), len(flat)), dtype=np.float32)
    planes[: len(event)] = flat[:, event.start : event.stop].T
    if len(beside):
        planes[-1] = flat[:, beside.start]
        for slot in beside[1:]:
            planes[-1] += flat[:, slot]
    return planes.reshape(-1, *values.shape[:2])


def _sum_of_chosen(
    planes: np.ndarray, may_serve: np.ndarray, x: int, y: int, select: str, look_back_days: int, n_event: int
) -> tuple[np.ndarray, np.ndarray]:
    """Sum over the chosen days for every day, same shape as `planes`, and whether enough qualify, (n_sites, n_days)."""
    days = np.arange(planes.shape[2])
    qualified = may_serve & np.isfinite(planes.sum(axis=0))
    if qualified.all():
        enough = np.broadcast_to((days >= y) & (look_back_days >= y), qualified.shape)
        return _sliding_sum(planes, x, y, select, n_event), enough
    # Push the qualified days of each site together, so that "the Y newest" are neighbours again.
    before = np.cumsum(qualified, axis=1) - qualified
    site, day = np.nonzero(qualified)
    packed = np.full_like(planes, np.nan)
    packed[:, site, before[site, day]] = planes[:, site, day]
    day_of = np.zeros(qualified.shape, dtype=np.int64)
    day_of[site, before[site, day]] = day
    total = np.take_along_axis(_sliding_sum(packed, x, y, select, n_event), before[None], axis=2)
    oldest = np.take_along_axis(day_of, np.maximum(before - y, 0), axis=1)
    return total, (before >= y) & (oldest >= days - look_back_days)


def _sliding_sum(planes: np.ndarray, x: int, y: int, select: str, n_event: int) -> np.ndarray:
    """Sum of `x` of the `y` entries before each entry of the last axis; the first `y` entries of a site are void.

    The sites lie end to end, so that each step is one pass over contiguous memory. An entry's rank among the y that a
    window holds is not sorted anew for every window: as the window moves on by one, the entry meets one newer entry and
    loses one older, whose comparisons with it are known.
    """
    flat = planes.reshape(len(planes), -1)
    if x == y or select == "recent":
        return _sum_before(flat, x).reshape(planes.shape)
    n = flat.shape[1]
    total = np.zeros_like(flat)
    product = np.empty_like(flat)
    sign, in_the_middle = _RANKS[select]
    least = (y - x) // 2 if in_the_middle else 0
    key = sign * flat[:n_event].sum(axis=0, dtype=np.float64)  # meters of low resolution make near ties
    # older[k][t]: the entry k before t comes before t; ties leave the newer one in front.
    older = np.zeros((y, n), dtype=np.int8)
    for k in range(1, min(y, n)):
        np.less(key[: n - k], key[k:], out=older[k, k:].view(bool))
    # Rank of entry t in the window that it is the newest of, counted from the first rank that is chosen; seen as
    # unsigned, what lies before that is large, so that one comparison finds both ends.
    rank = np.add.reduce(older, axis=0, dtype=np.int8) - np.int8(least)
    for age in range(1, min(y, n - 1) + 1):
        chosen = rank[: n - age].view(np.uint8) < x
        np.multiply(flat[:, : n - age], chosen.astype(np.float32), out=product[:, : n - age])
        total[:, age:] += product[:, : n - age]
        if age < y:
            rank[: n - age] += 1 - older[age, age:]
            rank -= older[y - age]
    return total.reshape(planes.shape)


def _sum_before(flat: np.ndarray, x: int) -> np.ndarray:
    """Sum of the `x` entries before each entry of the last axis; zero where there are fewer. `flat` is float32.

    Sums of 1, 2, 4, 8 … entries are each made of two of the half, and those that `x` consists of are joined: log2(x) passes over
    the memory, not x.
    """
    n = flat.shape[1]
    total = np.zeros_like(flat)
    if x >= n:
        return total
    some, length, joined = flat, 1, 0  # entry t of `some` stands for itself and the `length` - 1 before it
    parts = []
    while True:
        if x & length:
            parts.append(some[:, x - 1 - joined : n - 1 - joined])
            joined += length
        if joined == x:
            break
        more, first = np.empty_like(some), 2 * length - 1
        np.add(some[:, first:], some[:, length - 1 : n - length], out=more[:, first:])
        some, length = more, 2 * length
    summed = total[:, x:]
    if len(parts) > 1:
        np.add(parts[0], parts[1], out=summed)
    else:
        np.copyto(summed, parts[0])
    for part in parts[2:]:
        summed += part
    return total


def _ratio(
    metered: np.ndarray, baseline: np.ndarray, event: np.ndarray, x: int, limits: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Capped factor of load over the mean of `x` days, whose sums are given, and where it can be known and enlarges no export."""
    usable = (metered > 0) & (baseline > 0) & (event > 0)
    with np.errstate(all="ignore"):  # what cannot be known is not used
        factor = metered / baseline
    factor *= np.float32(x)
    return np.clip(factor, np.float32(limits[0]), np.float32(limits[1]), out=factor), usable
