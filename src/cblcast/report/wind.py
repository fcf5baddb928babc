"""Sections of a nowcast: error by lead, the power curve with its bins and flags, what it is worth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, DataError
from cblcast.io.scada import FLAGS, SPEED, flag_turbines
from cblcast.physics.power_curve import PowerCurve, fit_power_curve
from cblcast.plots.tables import error_by_lead
from cblcast.report.drawing import COLOURS, INK, MARKERS, MUTED, chart
from cblcast.report.judged import Judged
from cblcast.report.page import Part, Prose, Section, table
from cblcast.report.words import Words

PERSISTENCE = "Persistence"
MOST_METHODS, MOST_POINTS = 6, 2500
SHOWN_LEADS = (10, 30, 60, 90, 120, 180)


def leads_section(judged: Judged, scale: pd.Series | None, words: Words) -> Section:
    """Error against lead, one line a method."""
    step = pd.Timedelta(hours=judged.step_h)
    found = error_by_lead(judged.scored, step, scale).reindex(list(judged.compared.table.index))
    leads = [lead for lead in SHOWN_LEADS if lead in found.columns] or list(
        found.columns[:: max(1, len(found.columns) // 6)]
    )
    rows = [[str(name), *(words.number(row[lead], 2) for lead in leads)] for name, row in found.iterrows()]
    shown = found.iloc[:MOST_METHODS]
    figures = table(
        words("caption_leads"),
        [words("method"), *(f"{lead} min" for lead in leads)],
        rows,
        marked=[list(found.index).index(judged.recommended)],
    )

    def draw(figure: Any, slim: bool) -> None:
        axes = figure.subplots()
        for number, (name, row) in enumerate(shown.iterrows()):
            style = {
                "color": COLOURS[number],
                "marker": MARKERS[number],
                "ms": 3.5,
                "lw": 2.4 if name == judged.recommended else 1.3,
            }
            axes.plot(row.index, row.to_numpy(), label=str(name), **style)
        axes.set_ylim(bottom=0)
        axes.set_xlabel(words("axis_lead"), color=INK)
        axes.set_ylabel(words("axis_nrmse_rated" if scale is not None else "nrmse"))
        figure.legend(loc="outside upper left", ncols=2 if slim else 3)

    says = _says_leads(judged.recommended, found.loc[judged.recommended], leads[0], leads[-1], words)
    return Section(
        "leads",
        words("by_lead"),
        (chart(draw, caption=words("caption_leads"), says=says, height=3.2), figures),
        in_mail=True,
    )


def curve_section(panel: Panel | None, words: Words) -> Section:
    """The power curve of each site with its bins, and the records that are flagged."""
    if panel is None or SPEED not in panel.data.columns or "rated_kw" not in panel.sites.columns:
        return Section("power-curve", words("power_curve"), ())
    parts: list[Part] = []
    for site in panel.site_ids[:2]:
        parts += _curve_of(panel.select([site]), str(site), words)
    parts.append(Prose(words("note_flags"), "note"))
    return Section("power-curve", words("power_curve"), tuple(parts))


def _curve_of(panel: Panel, site: str, words: Words) -> list[Part]:
    flags = flag_turbines(panel)
    flagged = flags.to_numpy().any(axis=1)
    speed, power = panel.column(SPEED), panel.column(OBSERVED)
    try:
        curve = fit_power_curve(speed[~flagged], power[~flagged])
    except DataError:
        return []
    drawn = np.flatnonzero(np.isfinite(speed) & np.isfinite(power))
    drawn = drawn[:: max(1, len(drawn) // MOST_POINTS)]
    rows = [
        [words(f"flag_{name}"), words.number(int(flags[name].sum())), words.number(100 * flags[name].mean(), 2)]
        for name in FLAGS
    ]
    picture = chart(
        lambda figure, slim: _draw_curve(figure, speed[drawn], power[drawn], flagged[drawn], curve, words),
        caption=words("caption_curve", site=site),
        says=words("says_curve", bins=len(curve.speed), n=words.number(int(flagged.sum()))),
        height=3.3,
        figures=_bins_table(curve, words),
    )
    return [picture, table(words("flags_of", site=site), words.each("flag", "intervals_n", "share_pct"), rows)]


def _bins_table(curve: PowerCurve, words: Words) -> Any:
    rows = [
        [words.number(speed, 1), words.number(power, 0), words.number(spread, 0), words.number(int(count))]
        for speed, power, spread, count in zip(curve.speed, curve.power, curve.spread, curve.count, strict=True)
    ]
    return table(words("power_curve"), words.each("axis_speed", "bin_power", "bin_spread", "intervals_n"), rows)


def _draw_curve(
    figure: Any, speed: np.ndarray, power: np.ndarray, flagged: np.ndarray, curve: PowerCurve, words: Words
) -> None:
    axes = figure.subplots()
    axes.plot(
        speed[~flagged], power[~flagged], ".", ms=1.6, color=MUTED, alpha=0.55, label=words("sound"), rasterized=True
    )
    axes.plot(speed[flagged], power[flagged], "x", ms=3, color=COLOURS[1], label=words("flagged"), rasterized=True)
    axes.errorbar(
        curve.speed,
        curve.power,
        yerr=curve.spread,
        fmt="o-",
        ms=3,
        lw=1.4,
        elinewidth=0.9,
        color=COLOURS[0],
        label=words("bins"),
    )
    axes.set_xlabel(words("axis_speed"))
    axes.set_ylabel(words("axis_power"))
    figure.legend(loc="outside upper left", ncols=3)


def nowcast_said(judged: Judged, scale: pd.Series | None, words: Words) -> Prose:
    """What else the verdict on nowcasts says: how the error grows with the lead, and what is won over persistence."""
    step = pd.Timedelta(hours=judged.step_h)
    own = error_by_lead(judged.of(judged.recommended), step, scale).loc[judged.recommended]
    said = [_says_leads(judged.recommended, own, int(own.index[0]), int(own.index[-1]), words)]
    board = judged.compared.table
    if PERSISTENCE in board.index and judged.recommended != PERSISTENCE and board.loc[PERSISTENCE, "nrmse"] > 0:
        less = 100 * (1 - board.loc[judged.recommended, "nrmse"] / board.loc[PERSISTENCE, "nrmse"])
        said.append(words("beats_persistence", pct=words.number(less, 0)))
    return Prose(" ".join(said))


def _says_leads(method: str, own: pd.Series, first: int, last: int, words: Words) -> str:
    low, high = (words.number(own[lead], 1) for lead in (first, last))
    return words("says_leads", method=method, first=low, last=high, minutes=last)
