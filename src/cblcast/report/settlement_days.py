"""Each event of a settlement with its curve, and the days that its baseline rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cblcast.frames.schema import LOWER, OBSERVED, PREDICTED, SITE, UPPER
from cblcast.report.drawing import COLOURS, INK, chart
from cblcast.report.error_charts import draw_event
from cblcast.report.page import Part, Prose, Section, Table, table
from cblcast.report.words import Words

if TYPE_CHECKING:
    from cblcast.report.settlement import Told

MOST_CURVES = 12
MOST_DAYS = 20  # of one reason
MOST_SETS = 24
UNADJUSTED = "unadjusted_kw"


def events_section(told: Told, words: Words) -> Section:
    """Meter and baseline of each event."""
    drawn = [line for line in told.lines if line.get("intervals")]
    if not drawn:
        return Section("events", words("by_event"), (Prose(words("no_curves"), "note"),))
    parts: list[Part] = [_curve(told, line, words) for line in drawn[:MOST_CURVES]]
    if len(drawn) > MOST_CURVES:
        parts.append(Prose(words("more_curves", shown=MOST_CURVES, n=words.number(len(drawn))), "note"))
    return Section("events", words("by_event"), tuple(parts))


def _curve(told: Told, line: Mapping[str, Any], words: Words) -> Part:
    site, local = str(line[SITE]), told.local(line)
    rows = _power(line)
    delivered = words.number(line["delivered_kwh"], 1)
    panel = told.panel if told.panel is not None and site in told.panel.site_ids else None
    zone = told.zones.get(site, "UTC")

    def draw(figure: Any, slim: bool) -> None:
        axes = figure.subplots()
        draw_event(axes, panel, rows, site, zone, words)
        if not np.allclose(rows[UNADJUSTED], rows[PREDICTED], equal_nan=True):
            hours = (
                rows.index.tz_convert(zone).tz_localize(None) - local.tz_localize(None).normalize()
            ) / pd.Timedelta("1h")
            values = rows[UNADJUSTED].to_numpy()
            axes.step(hours, values, where="post", color=COLOURS[1], lw=1.3, ls="--", label=words("unadjusted"))
        axes.set_ylim(min(0.0, axes.get_ylim()[0]), None)
        axes.set_ylabel(words("axis_power"), color=INK)
        figure.legend(loc="outside upper left", ncols=2 if slim else 4)

    return chart(
        draw,
        caption=words("caption_line", site=site, start=f"{local:%Y-%m-%d %H:%M}", program=line["program"], delivered=delivered),
        says=words("says_line", metered=words.number(line["metered_kwh"], 1), baseline=words.number(line["baseline_kwh"], 1)),
        height=2.2,
        narrow_height=2.6,
    )  # fmt: skip


def _power(line: Mapping[str, Any]) -> pd.DataFrame:
    """Mean power [kW] of the intervals of a line."""
    told = line["intervals"]
    hours = np.asarray(told["hours"], dtype=float)
    hours = np.where(hours > 0, hours, np.nan)
    times = pd.DatetimeIndex(pd.to_datetime(told["time"], utc=True)).as_unit("us")
    columns = {OBSERVED: "metered_kwh", PREDICTED: "baseline_kwh", UNADJUSTED: "unadjusted_kwh"}
    power = {name: np.asarray(told[energy], dtype=float) / hours for name, energy in columns.items()}
    return pd.DataFrame(power, index=times).assign(**{LOWER: np.nan, UPPER: np.nan})


def days_section(told: Told, words: Words) -> Section:
    """Days that the rules selected and left out, each set once with the events that it serves."""
    parts: list[Part] = []
    for number, days in enumerate(told.record["day_sets"][:MOST_SETS]):
        served = [line for line in told.lines if line.get("days") == number]
        if served:
            parts.append(_days_table(told, days, served, words))
    return Section("days", words("days_heading"), tuple(parts))


def _days_table(told: Told, days: Mapping[str, Any], served: list[Mapping[str, Any]], words: Words) -> Table:
    events = list(dict.fromkeys(f"{told.local(line):%Y-%m-%d %H:%M}" for line in served))
    sites = list(dict.fromkeys(str(line[SITE]) for line in served))
    who = ", ".join(events[:3]) + (f" ({', '.join(sites[:3])})" if len(told.zones) > 1 else "")
    rows = [[words("selected"), words.number(len(days["selected"])), _listed(days["selected"], words)]]
    rows += [
        [words("rejected", reason=reason), words.number(len(left)), _listed(left, words)]
        for reason, left in days["left_out"].items()
    ]
    caption = words("days_of", program=", ".join(dict.fromkeys(str(line["program"]) for line in served)), events=who)
    return table(caption, [words("choice"), "n", words("days_column")], rows, [False, True, False], marked=[0])


def _listed(days: list[str], words: Words) -> str:
    more = f" {words('and_more', n=len(days) - MOST_DAYS)}" if len(days) > MOST_DAYS else ""
    return ", ".join(days[:MOST_DAYS]) + more
