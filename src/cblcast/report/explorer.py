"""Every judged event under a chooser: metered power, baseline and limits of each method, for the page's script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cblcast.frames.instants import local_microseconds, microseconds
from cblcast.frames.panel import Panel
from cblcast.frames.schema import LOWER, OBSERVED, ORIGIN, PREDICTED, SITE, TIME, UPPER
from cblcast.report.live import INK, axis, locale, text
from cblcast.report.words import Words

BESIDE_H = 8.0
MOST_VALUES = 160_000  # some 1 MB of a page of at most 5
MOST_EVENTS, MOST_METHODS = 500, 12
MINUTE_US, MS_US = 60_000_000, 1_000


def explorer(
    scored: pd.DataFrame,
    panel: Panel | None,
    ranked: pd.DataFrame,
    methods: Sequence[str],
    zones: pd.Series,
    step: pd.Timedelta,
    words: Words,
) -> dict[str, Any]:
    """What the script needs to show any event.

    Parameters
    ----------
    scored : DataFrame, index (site_id, origin, time)
        Rows of all methods.
    panel : Panel, optional
        The meter around the events.
    ranked : DataFrame, index (site_id, origin)
        Events of the recommended method, smallest error first, with ``metered_kwh`` and ``error_pct``.
    methods : sequence of str
        The recommended one first.
    zones : Series site_id -> IANA zone
    step : Timedelta
    words : Words

    Returns
    -------
    dict
        ``events`` in order of time; no more than a page can hold, spread evenly over the ranks, best, median and worst among them.
    """
    methods = list(methods)[:MOST_METHODS]
    rows = scored[scored["method"].isin(methods)]
    places = rows.groupby([SITE, ORIGIN], sort=False, observed=True).indices
    shown = shown_of(ranked, len(rows) / max(1, len(places)), step)
    remarks = {0: "best_event", len(ranked) // 2: "median_event", len(ranked) - 1: "worst_event"}
    code = pd.Categorical(rows["method"], categories=methods).codes
    frame = _Rows(rows, code, panel, step, zones)
    found = []
    for rank in shown:
        site, origin = ranked.index[rank]
        event = frame.event(str(site), places[(site, origin)], len(methods))
        local = origin.tz_convert(str(zones[site]))
        remark = f" ({words(remarks[rank])})" if rank in remarks else ""
        error = words.number(ranked["error_pct"].iloc[rank], 1)
        event["called"] = f"{local:%Y-%m-%d %H:%M} · {site}"
        event["name"] = f"{event['called']} · {error} %{remark}"
        event["truth_kwh"] = round(float(ranked["metered_kwh"].iloc[rank]), 3)
        found.append((origin, str(site), rank, event))
    found.sort(key=lambda each: each[:3])
    chosen = next((place for place, each in enumerate(found) if each[2] == len(ranked) // 2), 0)
    return {
        "locale": locale(words),
        "language": words.language,
        "step_ms": int(step / pd.Timedelta(milliseconds=1)),
        "methods": methods,
        "events": [each[3] for each in found],
        "chosen": chosen,
        "words": {
            "event": words("event"),
            "method": words("method"),
            "metered": words("metered_kwh"),
            "baseline": words("baseline_kwh"),
            "error": words("error_kwh"),
            "none": words("no_estimate"),
        },
        "spec": _spec(words),
    }


def shown_of(ranked: pd.DataFrame, rows_each: float, step: pd.Timedelta) -> list[int]:
    """Ranks of the events that a page can hold, spread evenly, the first, the middle and the last among them."""
    around = 2 * BESIDE_H * pd.Timedelta(hours=1) / step
    most = max(3, min(MOST_EVENTS, int(MOST_VALUES / (around + 3 * rows_each))))
    if len(ranked) <= most:
        return list(range(len(ranked)))
    even = np.linspace(0, len(ranked) - 1, most).round().astype(int)
    return sorted({*even.tolist(), len(ranked) // 2})


class _Rows:
    """Scored rows as arrays, from which events are cut."""

    def __init__(
        self, rows: pd.DataFrame, code: np.ndarray, panel: Panel | None, step: pd.Timedelta, zones: pd.Series
    ) -> None:
        self.panel, self.zones, self.code = panel, zones, code
        self.step_us = int(step / pd.Timedelta(microseconds=1))
        self.time = microseconds(pd.DatetimeIndex(rows.index.get_level_values(TIME)))
        self.truth = rows[OBSERVED].to_numpy(dtype=np.float64)
        self.given = rows[[PREDICTED, LOWER, UPPER]].to_numpy(dtype=np.float64)

    def event(self, site: str, places: np.ndarray, n_methods: int) -> dict[str, Any]:
        """One event: the meter from 8 h before it to 8 h after, the estimates of each method within it."""
        time = self.time[places]
        inside = np.unique(time)
        beside = int(BESIDE_H * 3_600e6) // self.step_us * self.step_us if self.panel is not None else 0
        grid = np.arange(inside[0] - beside, inside[-1] + beside + self.step_us, self.step_us)
        at = np.searchsorted(grid, inside)
        row = np.searchsorted(inside, time)
        if self.panel is None:
            meter = np.full(len(grid), np.nan)
            meter[at[row]] = self.truth[places]
        else:
            site_code = self.panel.site_codes(pd.Index([site]))
            meter = self.panel.values_at(OBSERVED, np.repeat(site_code, len(grid)), grid)
        given = np.full((n_methods, len(inside), 3), np.nan)
        given[self.code[places], row] = self.given[places]
        zone = np.full(len(grid), str(self.zones[site]), dtype=object)
        shift = (local_microseconds(grid, zone) - grid) // MINUTE_US
        changes = np.r_[0, 1 + np.flatnonzero(np.diff(shift))]
        return {
            "start_ms": int(grid[0] // MS_US),
            "shift": [[int(place), int(shift[place])] for place in changes],
            "at": at.tolist(),
            "meter": _plain(meter),
            "of": [[_short(each) for each in _plain(own)] if np.isfinite(own[:, 0]).any() else [] for own in given],
        }


def _plain(values: np.ndarray) -> list[Any]:
    """Numbers for JSON, to four significant digits at least, which knows no NaN."""
    top = np.nanmax(np.abs(values), initial=0.0)
    decimals = int(np.clip(4 - np.ceil(np.log10(top)), 0, 6)) if top > 0 else 0
    rounded = np.round(values, decimals).astype(object)
    rounded[~np.isfinite(values)] = None
    return list(rounded.tolist())


def _short(row: list[Any]) -> list[Any]:
    """Without limits where there are none."""
    return row if None not in row[1:] else row[:1]


def _spec(words: Words) -> dict[str, Any]:
    names = words.each("event", "meter", "baseline", "limits")
    colours = {"domain": names, "range": ["var(--shade)", "var(--meter)", "var(--c1)", "var(--limits)"]}
    square = {"symbolType": "square", "symbolStrokeWidth": 0, "symbolSize": 140}
    power = words("axis_power")
    shade = {"datum": names[0], "scale": colours, "legend": square}
    limits = {"y": axis("low", power), "y2": {"field": "high"}, "color": {"datum": names[3]}}
    return {
        "height": 320,
        "data": {"name": "rows"},
        "layer": [
            {
                "data": {"name": "windows"},
                "mark": "rect",
                "encoding": {"x": _at("from", words), "x2": {"field": "to"}, "color": shade},
            },
            _steps("limits", {"type": "area"}, limits, words),
            _steps("meter", _line(1.5), {"y": axis("meter", power), "color": {"datum": names[1]}}, words),
            _steps("baseline", _line(2.6), {"y": axis("baseline", power), "color": {"datum": names[2]}}, words),
            _under_the_pointer(words),
        ],
    }


def _at(field: str, words: Words) -> dict[str, Any]:
    """Local time, which the script writes as if it were UTC."""
    look = {"format": "%H:%M", "grid": False, "labelOverlap": "greedy"}
    return {"field": field, "type": "temporal", "scale": {"type": "utc"}, "title": words("local_time"), "axis": look}


def _line(width: float) -> dict[str, Any]:
    return {"type": "line", "strokeWidth": width}


def _steps(data: str, mark: dict[str, Any], encoding: dict[str, Any], words: Words) -> dict[str, Any]:
    return {
        "data": {"name": data},
        "mark": {**mark, "interpolate": "step-after"},
        "encoding": {"x": _at("at", words), "detail": {"field": "run"}, **encoding},
    }


def _under_the_pointer(words: Words) -> dict[str, Any]:
    """A strip over each interval that is seen, and tells its values, while the pointer is on it."""
    told = (("meter", "meter"), ("baseline", "baseline"), ("low", "limit_low"), ("high", "limit_high"))
    select = {"type": "point", "on": "pointerover", "clear": "pointerout", "fields": ["from"]}
    return {
        "params": [{"name": "hover", "select": select}],
        "mark": "rect",
        "encoding": {
            "x": _at("from", words),
            "x2": {"field": "to"},
            "color": {"value": INK},
            "opacity": {"condition": {"param": "hover", "empty": False, "value": 0.14}, "value": 0.0},
            "tooltip": [
                text("when", words("local_time")),
                *(text(f"{field}_told", f"{words(word)} [kW]") for field, word in told),
            ],
        },
    }
