"""Charts that answer to the pointer where a page's script runs: what Vega-Lite is told; the drawn picture stays for print and readers."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from cblcast.plots import tables
from cblcast.report.words import SIGNS, Words

SCRIPTS = ("vega.min.js", "vega-lite.min.js", "vega-embed.min.js", "charts.js")
BEST, OTHER, MUTED, INK, PAPER = "var(--c1)", "var(--c2)", "var(--muted)", "var(--ink)", "var(--paper)"


@cache
def script() -> Markup:
    """Vega, Vega-Lite, Vega-Embed and what draws the charts of a page, as one text; a page embeds it once."""
    folder = files("cblcast.report") / "vega"
    texts = [(folder / name).read_text(encoding="utf-8").replace("\r\n", "\n") for name in SCRIPTS]
    # Addresses of source maps would be looked for beside the page.
    lines = [line for text in texts for line in text.split("\n") if not line.startswith("//# sourceMappingURL=")]
    return Markup("\n".join(lines))


@cache
def script_hash() -> str:
    """What a content security policy calls :func:`script`: no other script runs in the page."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script().encode()).digest()).decode()


def as_json(told: Mapping[str, Any]) -> Markup:
    """Figures as JSON for a script element: nothing in a name ends the element or opens another."""
    text = json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def locale(words: Words) -> dict[str, Any]:
    """How numbers are written, as d3-format is told."""
    thousands, point = SIGNS[words.language]
    return {"decimal": point, "thousands": thousands, "grouping": [3], "currency": ["", ""]}


def charts(words: Words, *specs: Mapping[str, Any]) -> dict[str, Any]:
    """What the page's script draws in the place of one picture."""
    return {"locale": locale(words), "charts": list(specs)}


def quantity(field: str, title: str, decimals: int = 1) -> dict[str, Any]:
    """A number of the tooltip."""
    return {"field": field, "type": "quantitative", "title": title, "format": f",.{decimals}f"}


def text(field: str, title: str) -> dict[str, Any]:
    """A text of the tooltip."""
    return {"field": field, "type": "nominal", "title": title}


def axis(field: str, title: str, **more: Any) -> dict[str, Any]:
    """A numeric axis."""
    return {"field": field, "type": "quantitative", "title": title, **more}


def number(value: Any, decimals: int = 3) -> float | None:
    """A number for JSON, which knows no NaN."""
    return round(float(value), decimals) if np.isfinite(value) else None


def rows_of(table: pd.DataFrame, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of numbers with ``name``, the index."""
    return [
        {"name": str(name), **{column: number(row[column]) for column in columns}} for name, row in table.iterrows()
    ]


def live_leaderboard(table: pd.DataFrame, words: Words, marked: str) -> dict[str, Any]:
    """nRMSE of each method with its interval, as :func:`cblcast.report.error_charts.draw_leaderboard` draws it."""
    values = rows_of(table, ("nrmse", "nrmse_low", "nrmse_high", "mpe"))
    for row, (_, own) in zip(values, table.iterrows(), strict=True):
        row |= {"chosen": row["name"] == marked, "interval": words.between(own["nrmse_low"], own["nrmse_high"])}
    tip = [
        text("name", words("method")),
        quantity("nrmse", words("nrmse")),
        text("interval", words("interval")),
        quantity("mpe", words("mpe")),
    ]
    y = {"field": "name", "type": "nominal", "sort": None, "title": None, "axis": {"grid": False, "ticks": False}}
    low = axis("nrmse_low", words("nrmse"), scale={"zero": True})
    return {
        "data": {"values": values},
        "height": 30 + 22 * len(values),
        "encoding": {"y": y, "color": _chosen(), "tooltip": tip},
        "layer": [
            {"mark": {"type": "rule", "strokeWidth": 3}, "encoding": {"x": low, "x2": {"field": "nrmse_high"}}},
            {"mark": _point(110), "encoding": {"x": axis("nrmse", words("nrmse"))}},
        ],
    }


def live_bias_precision(table: pd.DataFrame, words: Words, marked: str) -> dict[str, Any]:
    """Bias against spread, as :func:`cblcast.report.error_charts.draw_bias_precision` draws it."""
    values: list[dict[str, Any]] = rows_of(table.assign(spread=tables.spread(table)), ("nrmse", "mpe", "spread"))
    for rank, row in enumerate(values, 1):
        row |= {"rank": rank, "chosen": row["name"] == marked}
    reach = max(1.0, float(np.nanmax(np.abs(table["mpe"]), initial=0.0)) * 1.25)
    x = axis("mpe", words("axis_bias"), scale={"domain": [-reach, reach]})
    y = axis("spread", words("axis_spread"), scale={"zero": True})
    tip = [
        text("name", words("method")),
        *(
            quantity(each, words(word))
            for each, word in (("mpe", "mpe"), ("spread", "axis_spread"), ("nrmse", "nrmse"))
        ),
    ]
    numbers = {"type": "text", "fontSize": 11, "fontWeight": "bold", "fill": PAPER}
    zero = {"mark": {"type": "rule", "color": MUTED}, "encoding": {"x": axis("zero", words("axis_bias"))}}
    return {
        "height": 320,
        "layer": [
            {"data": {"values": [{"zero": 0}]}, **zero},
            {
                "data": {"values": values[::-1]},
                "encoding": {"x": x, "y": y, "tooltip": tip},
                "layer": [
                    {"mark": {**_point(300), "stroke": PAPER}, "encoding": {"color": _chosen()}},
                    {"mark": numbers, "encoding": {"text": {"field": "rank"}}},
                ],
            },
        ],
    }


def live_errors(tables: Mapping[str, pd.DataFrame], words: Words) -> list[dict[str, Any]]:
    """Absolute error and bias of each group, a chart for each way to group, as :func:`cblcast.report.error_charts.draw_errors` draws."""
    drawn = np.concatenate([table[["mpe", "mape"]].to_numpy().ravel() for table in tables.values()])
    span = [1.1 * float(np.nanmin(drawn, initial=0.0)), 1.1 * float(np.nanmax(drawn, initial=1.0))]
    return [_errors(words(name), table, span, words) for name, table in tables.items()]


def _errors(title: str, table: pd.DataFrame, span: list[float], words: Words) -> dict[str, Any]:
    names = words.each("mape_short", "mpe_short")
    colour = {"scale": {"domain": names, "range": [BEST, OTHER]}, "legend": {"columns": 1, "symbolOpacity": 1}}
    tip = [
        text("name", title),
        *(quantity(each, words(each)) for each in ("mape", "mpe", "nrmse")),
        quantity("rows", words("intervals_n"), 0),
    ]
    values = [{"place": place, **row} for place, row in enumerate(rows_of(table, ("mape", "mpe", "nrmse", "rows")))]
    groups: dict[str, Any] = {"field": "place", "type": "ordinal", "title": None}  # two fifths may both be called 4 °C
    labels = json.dumps([row["name"] for row in values])
    groups["axis"] = {"labelAngle": 0, "labelOverlap": "greedy", "labelExpr": f"{labels}[datum.value]"}
    mape, mpe = (axis(each, words("percent_of_load"), scale={"domain": span}) for each in ("mape", "mpe"))
    return {
        "title": title,
        "height": 170,
        "data": {"values": values},
        "encoding": {"x": groups, "tooltip": tip},
        "layer": [
            {"mark": {"type": "bar", "opacity": 0.5}, "encoding": {"y": mape, "color": {"datum": names[0], **colour}}},
            {"mark": {**_point(70), "shape": "diamond"}, "encoding": {"y": mpe, "color": {"datum": names[1]}}},
        ],
    }


def _point(size: int) -> dict[str, Any]:
    return {"type": "point", "filled": True, "size": size, "opacity": 1}


def _chosen() -> dict[str, Any]:
    scale = {"domain": [True, False], "range": [BEST, MUTED]}
    return {"field": "chosen", "type": "nominal", "scale": scale, "legend": None}
