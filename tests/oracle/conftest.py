"""An oracle of day matching: selection, adjustment and energy of one event at a time, written the slow obvious way.

It shares no code with the package: the clock is that of pandas, the calendar a set of dates, the load a series, a rule a
plain dict. Tests get it as the fixture ``oracle``.
"""

from copy import copy
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

MINUTES_A_DAY = 1440


@dataclass(frozen=True)
class Meter:
    """One site: its load [kW] by instant, the events that are hidden in it, its zone and its holidays.

    A day is the number of days since 1970-01-01, a place on the wall the number of minutes since then, at which the
    interval that begins in it is kept: an hourly reading of 17:30 stands at 17:00.
    """

    load: pd.Series
    tz: str
    step: pd.Timedelta
    events: list
    holidays: frozenset = frozenset()
    first_hidden_day: float = np.inf
    seen: pd.Series = field(init=False)
    place: dict = field(init=False)
    wall: dict = field(init=False)
    bare: dict = field(init=False)  # the same with the events in it

    def uncovered(self):
        """The same meter for someone who may look into earlier events."""
        seen = copy(self)
        object.__setattr__(seen, "wall", self.bare)
        return seen

    def __post_init__(self):
        seen = self.load.copy()
        for start, stop in self.events:
            seen[(seen.index >= start) & (seen.index < stop)] = np.nan
        around = pd.date_range(seen.index[0] - 5 * self.step, seen.index[-1] + 100 * self.step, freq=self.step)
        clock = around.tz_convert(self.tz).tz_localize(None)
        minutes = (clock - pd.Timestamp(1970, 1, 1)) // pd.Timedelta("1min")
        object.__setattr__(self, "place", dict(zip(around, minutes // self.minutes * self.minutes, strict=True)))
        object.__setattr__(self, "seen", seen)
        # Pieces of a double hour share a place on the wall: its load is the mean of those that were metered.
        object.__setattr__(self, "wall", seen.groupby(seen.index.map(self.place)).mean().to_dict())
        bare = self.load.groupby(self.load.index.map(self.place)).mean().to_dict()
        object.__setattr__(self, "bare", bare)

    @property
    def minutes(self):
        return int(self.step / pd.Timedelta("1min"))

    def day(self, instant):
        return self.place[instant] // MINUTES_A_DAY

    def until(self, instant):
        """The same meter for someone who may not see `instant` or later; a day hidden in part is no reference day."""
        seen = copy(self)
        object.__setattr__(seen, "first_hidden_day", self.day(instant))
        object.__setattr__(seen, "wall", {place: kw for place, kw in self.wall.items() if place < self.place[instant]})
        return seen

    def is_working(self, day):
        date = pd.Timestamp(day, unit="D")
        return date.day_of_week < 5 and date.date() not in self.holidays

    def places(self, day):
        return range(day * MINUTES_A_DAY, (day + 1) * MINUTES_A_DAY, self.minutes)

    def event_days(self):
        days = set()
        for start, stop in self.events:
            days |= set(range(self.day(start), self.day(stop - self.step) + 1))
        return days


def intervals(first, end, step):
    return list(pd.date_range(first, end, freq=step, inclusive="left"))


def mean(values):
    known = [value for value in values if np.isfinite(value)]
    return sum(known) / len(known) if known else np.nan


def load_on(meter, day, today, times):
    """Load of another day at the wall clock of `times` [kW]; hours after midnight are those of the day after."""
    return [meter.wall.get(meter.place[time] + (day - today) * MINUTES_A_DAY, np.nan) for time in times]


def qualified_days(meter, start, stop, rule, look_back):
    """The days that may be used, newest first."""
    today, times, taken = meter.day(start), intervals(start, stop, meter.step), meter.event_days()
    least = rule.get("min_metered_share", 0.9)
    found = []
    for back in range(1 + rule.get("gap_days", 0), look_back + 1):
        day = today - back
        other_type = meter.is_working(day) != meter.is_working(today)
        if day in taken or day >= meter.first_hidden_day or other_type:
            continue
        whole = [meter.wall.get(place, np.nan) for place in meter.places(day)]
        metered = [np.mean(np.isfinite(values)) for values in (whole, load_on(meter, day, today, times))]
        if min(metered) >= least:
            found.append(day)
    means = {day: mean(load_on(meter, day, today, times)) for day in found}
    level = mean([means[day] for day in found[: rule["y"]]])
    low, high = rule.get("low_share", 0), rule.get("high_share")
    if low > 0 and level > 0:  # a share of an export says nothing of a day
        found = [day for day in found if not means[day] < low * level]
    if high is not None and level > 0:
        found = [day for day in found if not means[day] > high * level]
    return found


def highest_event_days(meter, start, stop, rule, look_back):
    """Earlier event days of the event day's type, those with the highest load in the event hours first."""
    today, times, open_meter = meter.day(start), intervals(start, stop, meter.step), meter.uncovered()
    found = []
    for day in range(today - 1 - rule.get("gap_days", 0), today - look_back - 1, -1):
        whole = [open_meter.wall.get(place, np.nan) for place in meter.places(day)]
        load = mean(load_on(open_meter, day, today, times))
        if (
            day in meter.event_days()
            and meter.is_working(day) == meter.is_working(today)
            and np.mean(np.isfinite(whole)) >= rule.get("min_metered_share", 0.9)
            and np.isfinite(load)
        ):
            found.append((day, load))
    return [day for day, _ in sorted(found, key=lambda pair: -pair[1])]


def fallen_back(meter, start, stop, rule):
    """The days that may be used after as many steps of the fallback as are needed, and the meter that they are read from."""
    look_back, least = rule["look_back_days"], rule.get("minimum_days", rule["y"])
    days = qualified_days(meter, start, stop, rule, look_back)
    if rule.get("extended_look_back_days") and len(days) < rule["y"]:
        days = qualified_days(meter, start, stop, rule, rule["extended_look_back_days"])
    for step in rule.get("fallback", ()):
        if len(days) >= least:
            break
        least, look_back = step.get("minimum_days", least), step.get("look_back_days", look_back)
        days = qualified_days(meter, start, stop, rule, look_back)
        if "event_days" in step and len(days) < least:
            more = highest_event_days(meter, start, stop, rule, look_back)[: least - len(days)]
            return (sorted([*days, *more], reverse=True) if len(days) + len(more) >= least else []), meter.uncovered()
    return (days if len(days) >= least else []), meter


def selected_days(meter, start, stop, rule):
    """The days that make the baseline, newest first, and the meter that they are read from; none where too few qualify."""
    today, times = meter.day(start), intervals(start, stop, meter.step)
    days, meter = fallen_back(meter, start, stop, rule)
    days = days[: rule["y"]]
    own = {meter.place[time] for time in times}

    def event_hours(day):
        return mean(load_on(meter, day, today, times))

    def gap(day):
        """Mean absolute difference to the event day outside the event."""
        return mean([
            abs(meter.wall.get(place + (day - today) * MINUTES_A_DAY, np.nan) - meter.wall.get(place, np.nan))
            for place in meter.places(today) if place not in own
        ])  # fmt: skip

    rank, x = rule["rank"], rule["x"]
    if rank == "recent":
        chosen = days[:x]
    elif rank == "high":
        chosen = sorted(days, key=lambda day: -event_hours(day))[:x]
    elif rank in ("low", "nearest"):
        chosen = sorted(days, key=event_hours if rank == "low" else gap)[:x]
    else:
        drop = max(len(days) - x, 0) // 2
        chosen = sorted(days, key=event_hours)[drop : drop + x]
    return sorted(chosen, reverse=True), meter


def baseline(meter, start, stop, rule, times):
    """Weighted mean of the selected days at each of `times` [kW]; weights run from the newest day on."""
    (days, meter), today = selected_days(meter, start, stop, rule), meter.day(start)
    weights = rule.get("newest_first", [1.0] * len(days))
    told = []
    for k in range(len(times)):
        values = [load_on(meter, day, today, times[k : k + 1])[0] for day in days]
        known = [(w, v) for w, v in zip(weights, values, strict=False) if np.isfinite(v)]
        told.append(sum(w * v for w, v in known) / sum(w for w, _ in known) if known else np.nan)
    return np.array(told)


def window_times(start, stop, windows, step):
    times = []
    for side, hours, buffer in windows:
        hours, buffer = pd.Timedelta(hours=hours), pd.Timedelta(hours=buffer)
        first = start - buffer - hours if side == "before" else stop + buffer
        times += intervals(first, first + hours, step)
    return sorted(set(times))


def factor_of(metered, expected, plain, how, n_window=None):
    """Ratio of the sums, or mean difference, over the intervals in which both are known; NaN where that says nothing.

    It says nothing where less than half of the window's `n_window` intervals is known; a ratio also where a sum is not
    positive, where the event's own baseline is an export on average, and, without a cap, where the window's mean baseline
    is below a twentieth of the event's.
    """
    pairs = [(m, e) for m, e in zip(metered, expected, strict=True) if np.isfinite(m) and np.isfinite(e)]
    actual, base = sum(m for m, _ in pairs), sum(e for _, e in pairs)
    if not pairs or (n_window is not None and len(pairs) < 0.5 * n_window):
        return np.nan
    if how["kind"] != "ratio":
        return (actual - base) / len(pairs)
    near_zero = not how.get("cap") and base / len(pairs) < 0.05 * mean(plain)
    return np.nan if actual <= 0 or base <= 0 or mean(plain) <= 0 or near_zero else actual / base


def adjusted(plain, raw, how):
    """The adjusted baseline of the event's own intervals, and the factor or shift after its cap."""
    applied = raw if np.isfinite(raw) else 1.0 if how["kind"] == "ratio" else 0.0
    if how.get("upward_only"):
        applied = max(applied, 1.0 if how["kind"] == "ratio" else 0.0)
    if how.get("cap"):
        unit = 1.0 if how["kind"] == "ratio" else abs(mean(plain))
        applied = min(max(applied, how["cap"][0] * unit), how["cap"][1] * unit)
    found = plain * applied if how["kind"] == "ratio" else plain + applied
    return (found if how.get("floor") is None else np.maximum(found, how["floor"])), applied


def reaches_an_event(meter, times):
    """Whether the meter was moved by the program itself in some of `times`."""
    return any(first <= time < last for first, last in meter.events for time in times)


def window_beside_the_day(meter, start, stop, window):
    """The times of a window; of one that reaches into an event, beside the first or last event of the event's day."""
    times = window_times(start, stop, [window], meter.step)
    if not reaches_an_event(meter, times):
        return times
    own = [edges for edges in meter.events if meter.day(edges[0]) == meter.day(start)]
    return window_times(min(first for first, _ in own), max(last for _, last in own), [window], meter.step)


def settle_one(meter, start, stop, rule, how):
    """One event: energies [kWh], factors, and what a portfolio needs; None where it cannot be settled."""
    windows = how["windows"] if how else []
    beside = sorted({time for window in windows for time in window_beside_the_day(meter, start, stop, window)})
    if reaches_an_event(meter, beside):
        return None  # that event is of another day
    n_window, beside = len(beside), [time for time in beside if time in meter.load.index]
    times = intervals(start, stop, meter.step)
    plain, metered = baseline(meter, start, stop, rule, times), meter.load.reindex(times).to_numpy()
    if not (np.isfinite(plain).all() and np.isfinite(metered).all()):
        return None
    expected, visible = baseline(meter, start, stop, rule, beside), meter.seen.reindex(beside).to_numpy()
    told, raw, applied = plain, np.nan, np.nan
    if how:
        raw = factor_of(visible, expected, plain, how, n_window)
        told, applied = adjusted(plain, raw, how)
    hours = meter.step / pd.Timedelta("1h")
    return {
        "metered_kwh": metered.sum() * hours,
        "baseline_kwh": told.sum() * hours,
        "unadjusted_kwh": plain.sum() * hours,
        "delivered_kwh": (told - metered).sum() * hours,
        "factor_raw": raw,
        "factor": applied,
        "inside": pd.DataFrame({"plain": plain, "told": told, "metered": metered}, index=times),
        "beside": pd.DataFrame({"expected": expected, "visible": visible}, index=beside),
    }


def settle_sum(parts, hours, how):
    """Delivered energy [kWh] of several sites with the same event hours, adjusted once as their sum, and its factor."""
    plain = sum(part["inside"]["plain"] for part in parts).to_numpy()
    metered = sum(part["inside"]["metered"] for part in parts).to_numpy()
    told, applied = plain, np.nan
    if how:
        # Intervals in which one site is unknown would look like a response: NaN + anything is NaN.
        visible = sum(part["beside"]["visible"] for part in parts).to_numpy()
        expected = sum(part["beside"]["expected"] for part in parts).to_numpy()
        told, applied = adjusted(plain, factor_of(visible, expected, plain, how), how)
    return (told - metered).sum() * hours, applied


class Oracle:
    """The functions above under one name."""

    Meter = Meter
    baseline = staticmethod(baseline)
    factor_of = staticmethod(factor_of)
    adjusted = staticmethod(adjusted)
    intervals = staticmethod(intervals)
    selected_days = staticmethod(selected_days)
    settle_one = staticmethod(settle_one)
    settle_sum = staticmethod(settle_sum)
    window_times = staticmethod(window_times)


@pytest.fixture(scope="session")
def oracle():
    return Oracle
