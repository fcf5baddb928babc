"""The page of a settlement: plain frames in, one HTML document out."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from decimal import Decimal
from importlib.resources import files

import numpy as np
import pandas as pd

from cblcast.frames.schema import SITE

COLOURS = ("#2a6fbb", "#c4703c", "#4a8f4a", "#8a4f9e", "#b33a3a", "#6b6b6b")
_COUNTS = ("n_sites", "placebo_days")


def settlement_page(
    events: pd.DataFrame,
    portfolio: pd.DataFrame,
    problems: pd.DataFrame,
    rules: Mapping[str, str],
    *,
    currency: str | None = None,
    coverage: float | None = None,
    most_rows: int = 500,
    resources: pd.DataFrame | None = None,
    from_memory: Mapping[str, Sequence[str]] | None = None,
    zones: Sequence[str] = (),
) -> str:
    """A self-contained page of what was settled, by which rules, and what was not.

    Parameters
    ----------
    events, portfolio, problems : DataFrame
        As :class:`cblcast.settlement.Settlement` holds them.
    rules : mapping name -> text
        Each rule in words.
    currency : str, optional
        Of the payments, if there are any.
    coverage : float, optional
        Nominal coverage of the intervals, if there are any.
    most_rows : int
        Rows of the table of events; the rest is in the file.
    resources : DataFrame, optional
        What resources are paid.
    from_memory : mapping name -> parts, optional
        Rules with parts that nobody has confirmed.
    zones : sequence of str
        Of the times of the events.
    """
    from jinja2 import Environment

    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        (files("cblcast.report") / "settlement.html").read_text(encoding="utf-8")
    )
    total = events.groupby("program", sort=False).agg(
        n_events=("delivered_kwh", "size"),
        metered_kwh=("metered_kwh", "sum"),
        baseline_kwh=("baseline_kwh", "sum"),
        delivered_kwh=("delivered_kwh", "sum"),
        negative_kwh=("delivered_kwh", lambda own: own[own < 0].sum()),
        **({"payment": ("payment", "sum")} if "payment" in events.columns else {}),
        **({"certainty": ("certainty", "first")} if "certainty" in events.columns else {}),
    )
    return template.render(
        total=_table(total.reset_index()),
        portfolio=_table(portfolio),
        events=_table(events.head(most_rows)),
        left_out=max(0, len(events) - most_rows),
        problems=_table(problems),
        rules=dict(rules),
        currency=currency,
        coverage=None if coverage is None else f"{100 * coverage:g} %",
        figure=_figure(portfolio) if len(portfolio) else "",
        n_sites=events[SITE].nunique(),
        resources=_table(pd.DataFrame() if resources is None else resources),
        from_memory=dict(from_memory or {}),
        zones=", ".join(zones),
    )


def _table(frame: pd.DataFrame) -> dict[str, list[object]]:
    """Header and cells as text, numbers marked for the right margin."""
    rows = [[_cell(name, value) for name, value in row.items()] for row in frame.to_dict("records")]
    return {"columns": [_heading(str(column)) for column in frame.columns], "rows": list(rows)}


def _cell(name: object, value: object) -> tuple[str, bool]:
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d %H:%M %Z"), False
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return f"{value}", True
    if isinstance(value, Decimal):
        return f"{value:,}", True
    if isinstance(value, float):
        return ("" if np.isnan(value) else f"{value:,.2f}"), True
    return str(value), False


def _figure(portfolio: pd.DataFrame) -> str:
    """Delivered energy of the portfolio by event and rule, with intervals, as a data URI."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 3.4), layout="constrained", dpi=110)
    axes = figure.subplots()
    starts = sorted(portfolio["start"].unique())
    programs = list(dict.fromkeys(portfolio["program"]))
    place = {start: number for number, start in enumerate(starts)}
    for number, program in enumerate(programs):
        own = portfolio[portfolio["program"] == program]
        x = own["start"].map(place).to_numpy(dtype=float) + 0.3 * ((number + 0.5) / len(programs) - 0.5)
        y = own["delivered_kwh"].to_numpy()
        colour = COLOURS[number % len(COLOURS)]
        if "lower_kwh" in own.columns and own["lower_kwh"].notna().any():
            ends = np.abs(own[["lower_kwh", "upper_kwh"]].to_numpy().T - y)
            axes.errorbar(x, y, yerr=ends, fmt="o", color=colour, markersize=4, capsize=2, label=program)
        else:
            axes.plot(x, y, "o", color=colour, markersize=5, label=program)
    axes.axhline(0, color="#999999", linewidth=0.8)
    axes.set_xticks(range(len(starts)), [f"{start:%d %b\n%H:%M}" for start in starts], fontsize=8)
    if len(starts) > 24:
        axes.set_xticks(range(0, len(starts), len(starts) // 12 + 1))
    axes.set_ylabel("delivered, all sites [kWh]")
    axes.legend(frameon=False, fontsize=8, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.18))
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def _heading(column: str) -> str:
    """A column's name as a person writes it: ``delivered_kwh`` is ``delivered kWh``."""
    units = {"kwh": "kWh", "kw": "kW", "pct": "%"}
    return " ".join(units.get(word, word) for word in column.split("_"))
