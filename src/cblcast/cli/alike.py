"""Lines of many events on the error stream: a few of one reason one by one, many as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

MOST = 24  # reasons that are told
ALIKE = 3  # events of one reason that are named one by one


def tell_alike(events: pd.DataFrame, alike: Sequence[str], sentence: Callable[[Any, str], str], **style: Any) -> None:
    """Tell of events, those that share the columns `alike` together.

    Parameters
    ----------
    events : DataFrame
    alike : sequence of str
    sentence : callable
        A row (as a named tuple), and how many others it stands for ("" for none) → the line.
    style : of the line
    """
    if events.empty:
        return
    groups = [own for _, own in events.groupby(list(alike), sort=False, dropna=False)]
    for own in groups[:MOST]:
        shown = own.head(1 if len(own) > ALIKE else ALIKE)
        others = f" and {len(own) - 1:,} other events" if len(own) > ALIKE else ""
        for row in shown.itertuples():
            typer.secho(sentence(row, others), err=True, **style)
    left = sum(len(own) for own in groups[MOST:])
    if left:
        typer.secho(f"And {left:,} events more (all with --json)", err=True, **style)
