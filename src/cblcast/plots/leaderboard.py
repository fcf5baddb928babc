"""Which method is best, and to which side does it lean?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cblcast.errors import DataError
from cblcast.metrics import UNITS, best_in_words, from_best
from cblcast.plots.style import GREEN, LEAN, MAGNITUDE, axes_of, legend, quiet

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_WORDS = {
    "nrmse": "nRMSE",
    "mape": "MAPE",
    "rmse": "RMSE",
    "mae": "MAE",
    "mpe": "MPE",
    "rrmse": "RRMSE",
    "wape": "WAPE",
}
_IN_WORDS = {"pct": "%", "kw": "kW"}


def leaderboard(
    board: pd.DataFrame, by: str = "nrmse", *, most: int = 20, nominal_pct: float = 90.0, ax: Axes | None = None
) -> Axes:
    """Methods by their error, best at the top, with their bias where the board has it.

    Parameters
    ----------
    board : DataFrame, index method
        As :func:`cblcast.forecast.evaluation.evaluate` makes it.
    by : str
        Column that ranks: an error by its smallest, a bias by what is nearest zero, coverage by what is nearest `nominal_pct`.
    most : int
        How many methods are drawn.
    nominal_pct : float
        Of limits, the share that was asked for [%].
    ax : Axes, optional

    Raises
    ------
    DataError
        The board has no such column, or no method with a number.
    """
    if by not in board.columns:
        raise DataError(f"the leaderboard has no column {by!r}: choose one of {', '.join(map(str, board.columns))}")
    shown = board[np.isfinite(board[by].to_numpy(dtype=float))]
    shown = shown.iloc[np.argsort(from_best(by, shown[by], nominal_pct), kind="stable")[:most]]
    if shown.empty:
        raise DataError(f"no method has a number in {by!r}: nothing was estimated")
    axes = axes_of(ax, height=1.3 + 0.26 * len(shown))
    places = np.arange(len(shown))
    axes.barh(places, shown[by], color=[GREEN, *[MAGNITUDE] * (len(shown) - 1)], height=0.7)
    axes.margins(x=0.08)
    lean = next((name for name in ("mpe", "bias") if name in shown.columns and UNITS.get(name) == UNITS.get(by)), None)
    if lean is not None:
        axes.plot(
            shown[lean], places, "D", color=LEAN, ms=4.5, ls="", label=f"{measure_words(lean)}, > 0 overestimates"
        )
        axes.axvline(0, color="#777777", lw=0.8)
    for place, value in zip(places, shown[by], strict=True):
        axes.annotate(f"{value:.3g}", (value, place), (3, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_yticks(places, [str(name) for name in shown.index], fontsize=8)
    axes.invert_yaxis()
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlabel(
        measure_words(by) + ("" if len(shown) == len(board) else f" ({len(shown)} of {len(board)} methods)")
    )
    axes.set_title(
        f"{shown.index[0]} has the {best_in_words(by, measure_words(by, unit=False))}", fontsize=10, loc="left"
    )
    quiet(axes, grid="x")
    if lean is not None:
        legend(axes, above=True)
    return axes


def measure_words(name: str, *, unit: bool = True) -> str:
    """A measure as people write it: ``nRMSE [%]``."""
    words = _WORDS.get(name, name.replace("_", " "))
    return f"{words} [{_IN_WORDS[UNITS[name]]}]" if unit and name in UNITS else words
