"""Pictures of pages: drawn by matplotlib, twice, as SVG in the page's own colours, so that light, dark and paper share them."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Mapping
from typing import Any

from cblcast.report.page import Chart, Table

# What is drawn in the colour on the left takes the page's on the right.
INK, MUTED, LINE, SHADE, METER = "#1b1f24", "#56606b", "#d5dae0", "#f5e6c8", "#1b1f23"
COLOURS = ("#0072b2", "#c4501b", "#00805c", "#9a4f8a", "#7a6a00", "#4a6fa5")
PAPER = "#fffffe"
_VARIABLES = {
    INK: "ink", MUTED: "muted", LINE: "line", SHADE: "shade", METER: "meter", PAPER: "paper",
    **{colour: f"c{number}" for number, colour in enumerate(COLOURS, 1)},
}  # fmt: skip
MARKERS = ("o", "s", "^", "D", "v", "P")
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "cblcast",
    "font.size": 9.0,
    "text.color": INK,
    "text.parse_math": False,  # a site may be called $x_
    "axes.edgecolor": LINE,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "axes.titlesize": 9.0,
}
WIDE, NARROW = 7.6, 3.7  # inches; shown at some 900 and 350 pixels

Draw = Callable[[Any, bool], None]


def chart(
    draw: Draw,
    *,
    caption: str,
    says: str,
    height: float = 2.9,
    figures: Table | None = None,
    narrow_height: float | None = None,
    live: Mapping[str, Any] | None = None,
) -> Chart:
    """A picture of a page.

    Parameters
    ----------
    draw : callable
        Takes an empty figure and whether it is the narrow one.
    caption : str
    says : str
        What it shows, in words.
    height, narrow_height : float
        [in].
    figures : Table, optional
        What is drawn, in figures.
    live : mapping, optional
        What the page's script draws in its place; see :mod:`cblcast.report.live`.
    """
    wide, narrow = (
        svg_of(lambda figure, slim=slim: draw(figure, slim), width, tall)  # type: ignore[misc]
        for slim, width, tall in ((False, WIDE, height), (True, NARROW, narrow_height or height))
    )
    return Chart(wide, narrow, caption, says, figures, live)


def svg_of(draw: Callable[[Any], None], width: float = WIDE, height: float = 2.9) -> str:
    """What `draw` draws on an empty figure, as SVG to be put into a page; text stays text, colours are the page's."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure)
        return themed(figure)


def themed(figure: Any) -> str:
    """A matplotlib figure as SVG in the page's colours."""
    from matplotlib import rc_context

    file = io.StringIO()
    with rc_context(_STYLE):
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(
        r"<svg [^>]*?viewBox=\"([^\"]+)\"[^>]*>",
        r'<svg viewBox="\1" focusable="false">',
        text,
        count=1,
    )
    # Several pictures stand in one page: what one defines must not be taken for another's.
    own = "g" + hashlib.sha256(text.encode()).hexdigest()[:8]
    text = re.sub(r'\bid="', f'id="{own}-', text)
    text = text.replace("xlink:href", "href")
    text = re.sub(r'(url\(#|href="#)', rf"\g<1>{own}-", text)
    text = re.sub(r"'[^']*Sans[^']*'(, [^;\"]*)?", "var(--sans)", text)
    for colour, name in _VARIABLES.items():
        text = text.replace(colour, f"var(--{name})")
    return re.sub(r"\n\s*", "\n", text).strip()
