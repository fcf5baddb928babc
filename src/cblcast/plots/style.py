"""What all plots share: colours that colour-blind readers tell apart, one meaning each, and a place to draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito, Color Universal Design (2008).
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
METERED, ESTIMATED, TRUTH, OTHER = "#333333", VERMILION, GREEN, "#9A9A9A"
MAGNITUDE, LEAN = SKY, VERMILION  # how large an error is, and to which side it leans
EVENT_SHADE = "#F3E9CF"
SERIES = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, "#8C6D1F", BLACK)  # yellow is too pale on white


def axes_of(ax: Axes | None, width: float = 8.0, height: float = 3.6) -> Axes:
    """`ax`, or the axes of a new figure."""
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(width, height), layout="constrained")[1]


def figure_of(draw: Any, *args: Any, width: float = 8.0, height: float = 3.6, **options: Any) -> Figure:
    """A figure that pyplot knows nothing of, with what `draw` draws on it: for files, where nothing is shown."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=90, layout="constrained")
    draw(*args, ax=figure.subplots(), **options)
    return figure


def quiet(axes: Axes, *, grid: str | None = "y") -> None:
    """Without the frame's upper and right line; with a pale grid."""
    axes.spines[["top", "right"]].set_visible(False)
    if grid:
        axes.grid(axis=grid, color="#E4E4E4", lw=0.7)  # type: ignore[arg-type]
        axes.set_axisbelow(True)


def legend(axes: Axes, *, above: bool = False, **options: Any) -> None:
    """A legend without a frame; `above` the axes, right of the title, where it would cover what is drawn."""
    if above:
        options |= {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "borderaxespad": 0.1}
        options |= {"ncols": 3, "columnspacing": 1.0, "handletextpad": 0.4}
    axes.legend(fontsize=8, frameon=False, **{"loc": "best", **options})
