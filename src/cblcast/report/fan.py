"""How sure is a nowcast, and does it know? One that was sure of itself, a usual one and one that was not, with their bands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cblcast.frames.schema import OBSERVED, ORIGIN, PREDICTED, SITE
from cblcast.plots.tables import shown_bands
from cblcast.report.drawing import COLOURS, INK, METER, chart
from cblcast.report.judged import Judged
from cblcast.report.page import Section, table
from cblcast.report.words import Words

PLACES = {"fan_sure": 0.1, "fan_usual": 0.5, "fan_unsure": 0.9}  # of the width of the widest band among all issues
BEFORE_H = 3.0


@dataclass(frozen=True)
class _Fan:
    """One nowcast as it is drawn: hours after its issue, what was measured, the estimate and its bands."""

    site: str
    origin: pd.Timestamp
    edges: np.ndarray
    rows: pd.DataFrame
    seen: tuple[np.ndarray, np.ndarray]


def fan_section(judged: Judged, words: Words) -> Section:
    """Three nowcasts of the recommended method with their bands; without parts where it gives none."""
    rows = judged.of(judged.recommended)
    bands = shown_bands(rows)
    if not bands:
        return Section("fan", words("fan"), ())
    low, high, share = bands[0]
    issues = pd.DataFrame(
        {
            "width": rows[high] - rows[low],
            "inside": rows[OBSERVED].between(rows[low], rows[high]),
            "rows": 1,
        }
    ).groupby([SITE, ORIGIN], sort=False, observed=True)
    found = issues.agg({"width": "mean", "inside": "mean", "rows": "size"})
    found = found[found["rows"] == found["rows"].max()].sort_values("width", kind="stable")
    keys = {name: found.index[round(place * (len(found) - 1))] for name, place in PLACES.items()}
    fans = {name: _fan(judged, rows, *key) for name, key in keys.items()}
    promised = share if share is not None else (judged.nominal or np.nan) / 100
    widths = [words.number(found.loc[key, "width"], 0) for key in keys.values()]
    lines = [
        [
            f"{words(name)}, {_local(judged, key):%Y-%m-%d %H:%M}",
            str(key[0]),
            words.number(found.loc[key, "width"], 0),
            words.number(100 * found.loc[key, "inside"], 0),
        ]
        for name, key in keys.items()
    ]
    picture = chart(
        lambda figure, slim: _draw(figure, slim, fans, bands, judged, words),
        caption=words("caption_fan", method=judged.recommended, pct=words.number(100 * promised, 0)),
        says=words("says_fan", sure=widths[0], usual=widths[1], unsure=widths[2]),
        height=2.8,
        narrow_height=6.4,
        figures=table(words("fan"), words.each("fan_column", "site", "fan_width", "fan_inside"), lines),
    )
    return Section("fan", words("fan"), (picture,))


def _fan(judged: Judged, rows: pd.DataFrame, site: str, origin: pd.Timestamp) -> _Fan:
    own = rows.xs((site, origin), level=(SITE, ORIGIN)).sort_index()
    step = pd.Timedelta(hours=judged.step_h)
    edges = np.r_[own.index - origin, own.index[-1:] + step - origin] / pd.Timedelta(hours=1)
    if judged.panel is None:
        return _Fan(str(site), origin, edges, own, (edges[:-1], own[OBSERVED].to_numpy()))
    load = judged.panel.data.loc[site, OBSERVED].loc[origin - pd.Timedelta(hours=BEFORE_H) : own.index[-1]]
    return _Fan(str(site), origin, edges, own, ((load.index - origin) / pd.Timedelta(hours=1), load.to_numpy()))


def _local(judged: Judged, key: tuple[str, pd.Timestamp]) -> pd.Timestamp:
    return key[1].tz_convert(str(judged.zones[key[0]]))


def _closed(values: Any) -> np.ndarray:
    found = np.asarray(values, dtype=np.float64)
    return np.r_[found, found[-1:]]


def _draw(
    figure: Any,
    slim: bool,
    fans: dict[str, _Fan],
    bands: list[tuple[str, str, float | None]],
    judged: Judged,
    words: Words,
) -> None:
    panels = figure.subplots(len(fans) if slim else 1, 1 if slim else len(fans), squeeze=False, sharey=True).ravel()
    for axes, (name, fan) in zip(panels, fans.items(), strict=True):
        for low, high, share in bands:
            told = words("limits") if share is None else words("middle_pct", pct=words.number(100 * share, 0))
            limits = _closed(fan.rows[low]), _closed(fan.rows[high])
            alpha = 0.6 / (1 + len(bands))
            axes.fill_between(fan.edges, *limits, step="post", color=COLOURS[0], alpha=alpha, lw=0, label=told)
        hours, power = fan.seen
        width = judged.step_h
        axes.step(
            np.r_[hours, hours[-1:] + width], _closed(power), where="post", color=METER, lw=1.1, label=words("meter")
        )
        axes.step(
            fan.edges, _closed(fan.rows[PREDICTED]), where="post", color=COLOURS[0], lw=2.0, label=words("baseline")
        )
        axes.axvline(0, color=INK, lw=0.8, ls=":")
        ticks = np.arange(
            np.ceil(axes.get_xlim()[0]), axes.get_xlim()[1], (2 if slim else 3) if fan.edges[-1] <= 6 else 12
        )
        clock = (fan.origin + pd.to_timedelta(ticks, unit="h")).tz_convert(str(judged.zones[fan.site]))
        axes.set_xticks(ticks, [f"{at:%H:%M}" for at in clock])
        axes.set_title(f"{words(name)}: {_local(judged, (fan.site, fan.origin)):%Y-%m-%d}", loc="left", color=INK)
        if slim or axes is panels[0]:
            axes.set_ylabel(words("axis_power"))
    panels[0].set_ylim(bottom=min(0.0, panels[0].get_ylim()[0]))
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", ncols=2 if slim else 5)
