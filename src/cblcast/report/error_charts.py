"""Pictures of how methods err: leaderboard, bias against precision, by hour and month, events, reliability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cblcast.frames.instants import DAY_US, HOUR_US, local_microseconds, microseconds
from cblcast.frames.panel import Panel
from cblcast.frames.schema import LOWER, OBSERVED, ORIGIN, PREDICTED, SITE, TIME, UPPER
from cblcast.plots import tables
from cblcast.report.drawing import COLOURS, INK, METER, MUTED, PAPER, SHADE
from cblcast.report.words import Words

BEST, OTHER = COLOURS[0], COLOURS[1]
BESIDE_H = 8.0


def draw_leaderboard(figure: Any, slim: bool, table: pd.DataFrame, words: Words, marked: str) -> None:
    """nRMSE of each method with its interval, the best on top; the recommended one in colour."""
    axes = figure.subplots()
    names = list(table.index)[::-1]
    for place, name in enumerate(names):
        row, colour = table.loc[name], BEST if name == marked else MUTED
        axes.plot(
            [row["nrmse_low"], row["nrmse_high"]], [place, place], color=colour, lw=2.4 if name == marked else 1.6
        )
        axes.plot(row["nrmse"], place, "o" if name != marked else "D", color=colour, ms=5)
    axes.set_yticks(range(len(names)), [short(name, 22 if slim else 40) for name in names], color=INK)
    axes.set_xlim(left=0)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(words("nrmse"))


def draw_bias_precision(figure: Any, slim: bool, table: pd.DataFrame, words: Words, marked: str) -> None:
    """Bias to the right, spread upwards; each method by its rank, which the leaderboard gives."""
    axes = figure.subplots()
    bias = table["mpe"].to_numpy()
    spread = tables.spread(table).to_numpy()
    axes.axvline(0, color=MUTED, lw=1)
    for rank, (name, x, y) in enumerate(zip(table.index, bias, spread, strict=True), 1):
        colour = BEST if name == marked else MUTED
        above = 10 + 2 * (len(table) - rank) + 100 * (name == marked)
        axes.plot(x, y, "o", ms=13, color=colour, mec=PAPER, mew=1.2, zorder=above)
        axes.annotate(
            str(rank), (x, y), ha="center", va="center", color=PAPER, fontsize=8, fontweight="bold", zorder=above + 1
        )
    reach = max(1.0, float(np.abs(bias).max()) * 1.25)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(0, max(1.0, float(spread.max()) * 1.18))
    axes.set_xlabel(words("axis_bias"))
    axes.set_ylabel(words("axis_spread"))


def draw_errors(figure: Any, slim: bool, tables: Mapping[str, pd.DataFrame], words: Words) -> None:
    """Absolute error as bars and bias as dots, for each of several ways to group."""
    columns = 1 if slim else 2
    rows = -(-len(tables) // columns)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    top = max(float(table["mape"].max()) for table in tables.values())
    bottom = min(0.0, *(float(table["mpe"].min()) for table in tables.values()))
    for axes, (name, table) in zip(panels, tables.items(), strict=False):
        place = np.arange(len(table))
        axes.bar(place, table["mape"], width=0.62, color=BEST, alpha=0.45, lw=0, label=words("mape_short"))
        axes.plot(place, table["mpe"], "D", ms=4, color=OTHER, label=words("mpe_short"))
        axes.axhline(0, color=MUTED, lw=0.8)
        every = max(1, -(-len(table) // (7 if slim else 9)))
        axes.set_xticks(place[::every], [str(label) for label in table.index[::every]])
        axes.set_ylim(1.15 * bottom, 1.15 * top)
        axes.set_title(words(name), loc="left", color=INK)
        axes.set_ylabel(words("percent_of_load"))
        axes.grid(visible=False, axis="x")
    for axes in panels[len(tables) :]:
        axes.set_visible(False)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", ncols=1 if slim else 2)


def draw_events(
    figure: Any,
    slim: bool,
    panel: Panel | None,
    scored: pd.DataFrame,
    events: Mapping[str, tuple[str, pd.Timestamp]],
    zones: pd.Series,
    words: Words,
) -> None:
    """Meter around some events, baseline and limits within them, on the local clock."""
    panels = figure.subplots(len(events) if slim else 1, 1 if slim else len(events), squeeze=False, sharey=True).ravel()
    for axes, (name, (site, origin)) in zip(panels, events.items(), strict=True):
        draw_event(
            axes, panel, scored.xs((site, origin), level=(SITE, ORIGIN)).sort_index(), site, str(zones[site]), words
        )
        local = origin.tz_convert(str(zones[site]))
        axes.set_title(f"{words(name)}: {local:%Y-%m-%d}", loc="left", color=INK)
        if slim or axes is panels[0]:
            axes.set_ylabel(words("axis_power"))
    drawn = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for axes in panels for line in axes.get_lines()])
    span = np.nanmin(drawn), np.nanmax(drawn)
    panels[0].set_ylim(min(0.0, 1.05 * span[0]), max(1.05 * span[1], 1e-9))  # one scale, from zero, for all of them
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=2 if slim else 4)


def draw_event(axes: Any, panel: Panel | None, rows: pd.DataFrame, site: str, zone: str, words: Words) -> None:
    """One event: `rows` of one method and event, index time."""
    times = rows.index.get_level_values(TIME) if isinstance(rows.index, pd.MultiIndex) else rows.index
    step = panel.step if panel is not None else _step(times)
    origin = _clock(times[:1], zone)[0]
    edges = np.r_[_clock(times, zone), _clock(times[-1:] + step, zone)]
    midnight = origin // DAY_US * DAY_US

    def hours(at: np.ndarray) -> np.ndarray:
        return (at - midnight) / HOUR_US

    axes.axvspan(*hours(edges[[0, -1]]), color=SHADE, lw=0, label=words("event"))
    if panel is not None:
        beside = pd.Timedelta(hours=BESIDE_H)
        load = panel.data.loc[site, OBSERVED].loc[times[0] - beside : times[-1] + step + beside]
        at = _clock(load.index, zone)
        axes.step(hours(at), load.to_numpy(), where="post", color=METER, lw=1.1, label=words("meter"))
    else:
        axes.step(hours(edges), _closed(rows[OBSERVED]), where="post", color=METER, lw=1.1, label=words("meter"))
    if np.isfinite(rows[[LOWER, UPPER]].to_numpy(dtype=float)).all():
        low, high = _closed(rows[LOWER]), _closed(rows[UPPER])
        axes.fill_between(hours(edges), low, high, step="post", color=BEST, alpha=0.25, lw=0, label=words("limits"))
    axes.step(hours(edges), _closed(rows[PREDICTED]), where="post", color=BEST, lw=2.0, label=words("baseline"))
    low, high = axes.get_xlim()
    every = 6 if high - low < 36 else 24
    ticks = np.arange(np.ceil(low / every) * every, high + 0.01, every)
    axes.set_xticks(ticks, [f"{int(tick % 24):02d}:00" for tick in ticks])


def draw_reliability(figure: Any, slim: bool, table: pd.DataFrame, nominal: float, words: Words, marked: str) -> None:
    """Share of the load within the limits by method, with its interval, beside what was promised."""
    axes = figure.subplots()
    names = list(table.index)[::-1]
    axes.axvline(nominal, color=OTHER, lw=1.4, ls="--", label=words("promised"))
    for place, name in enumerate(names):
        row, colour = table.loc[name], BEST if name == marked else MUTED
        axes.plot([row["coverage_low"], row["coverage_high"]], [place, place], color=colour, lw=2)
        axes.plot(row["coverage"], place, "D" if name == marked else "o", color=colour, ms=5)
    axes.set_yticks(range(len(names)), [short(name, 22 if slim else 40) for name in names], color=INK)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.set_xlim(max(0.0, min(nominal, float(table["coverage_low"].min())) - 6), 100.5)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(words("axis_coverage"))
    figure.legend(loc="outside upper left")


def short(name: str, most: int) -> str:
    """A name that fits beside an axis."""
    return name if len(name) <= most else name[: most - 1] + "…"


def _clock(times: pd.DatetimeIndex, zone: str) -> np.ndarray:
    return local_microseconds(microseconds(times), np.full(len(times), zone, dtype=object))


def _closed(values: Sequence[float]) -> np.ndarray:
    found = np.asarray(values, dtype=np.float64)
    return np.r_[found, found[-1]]


def _step(times: pd.DatetimeIndex) -> pd.Timedelta:
    return times[1] - times[0] if len(times) > 1 else pd.Timedelta(hours=1)
