"""Tables for people: at most 100 columns wide, units in the headers, local times, decimals that mean something."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import typer

from cblcast.frames.units import CURRENCIES

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 100  # what an unhurried terminal and a mail hold
_LONGEST, _GAP = 34, 3  # of a text cell; between two columns
_UNITS = {
    "kwh": "kWh", "kw": "kW", "pct": "%", "c": "°C", "s": "s", "h": "h", "min": "min", "ms": "m/s", "wm2": "W/m²",
    "mwh": "MWh", "mw": "MW", **{code: code.upper() for code in CURRENCIES},
}  # fmt: skip
_MEASURES = {
    "nrmse": "nRMSE",
    "rrmse": "RRMSE",
    "rmse": "RMSE",
    "mape": "MAPE",
    "wape": "WAPE",
    "mpe": "MPE",
    "mae": "MAE",
}
_PLAIN: dict[str, Any] = {"markup": False, "emoji": False}  # a site may be called [a] or :a:


def print_table(
    frame: pd.DataFrame,
    title: str,
    *,
    zones: Mapping[str, str] | None = None,
    keep: Sequence[str] = (),
    marked: int | None = None,
    totals: Mapping[str, Any] | None = None,
) -> None:
    """A table for people; what does not fit is named beneath it.

    Parameters
    ----------
    frame : DataFrame
    title : str
    zones : mapping site_id -> IANA zone, optional
        Instants are shown by the clock of their site; in UTC unless given.
    keep : sequence of str
        Columns that are shown whatever else is.
    marked : int, optional
        Row that stands out, with a star before its first cell.
    totals : mapping column -> value, optional
        A last row.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    told = frame if marked is None else _starred(frame, marked)
    shown, left_out, width = _that_fit(localised(told, zones), keep, totals or {})
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for (head, _, right), room in zip(shown, _widths(shown, width), strict=True):
        table.add_column(head, justify="right" if right else "left", overflow="fold", width=room)
    rows = [list(cells) for cells in zip(*(cells for _, cells, _ in shown), strict=True)]
    for number, cells in enumerate(rows):
        table.add_row(
            *cells,
            style="bold green" if number == marked else None,
            end_section=bool(totals) and number == len(rows) - 2,
        )
    console = Console(width=width, **_PLAIN)
    console.print(title, style="italic")  # above the table, which would fold it where it is narrower
    console.print(table)
    if left_out:
        typer.echo(f"not shown: {', '.join(left_out)} (all columns with --json)")


def _starred(frame: pd.DataFrame, marked: int) -> pd.DataFrame:
    """With a star before the first cell of a row: colours are lost in a file."""
    first = frame.columns[0]
    cells = [f"{'★' if number == marked else ' '} {name}" for number, name in enumerate(frame[first])]
    return frame.assign(**{str(first): cells})


def in_title(name: str) -> str:
    """A column's name in a line of text: ``nrmse`` is ``nRMSE [%]``."""
    words, _, unit = header(name).partition("\n")
    return f"{words} [{unit}]" if unit else words


def localised(frame: pd.DataFrame, zones: Mapping[str, str] | None) -> pd.DataFrame:
    """Instants as text, by the clock of the row's site; a zone that all share stands in the header, else behind the time."""
    import pandas as pd

    times = [name for name in frame.columns if isinstance(frame[name].dtype, pd.DatetimeTZDtype)]
    if not times:
        return frame
    if zones is None:
        zone = ["UTC"] * len(frame)
    elif "site_id" in frame.columns:
        zone = [zones.get(str(site), "UTC") for site in frame["site_id"]]
    else:
        zone = [next(iter(zones.values()), "UTC")] * len(frame)
    one = zone[0] if len(set(zone)) == 1 else None
    told = frame.copy()
    for name in times:
        clock = [
            "" if at is pd.NaT else at.tz_convert(where).strftime("%Y-%m-%d %H:%M" if one else "%Y-%m-%d %H:%M%z")
            for at, where in zip(frame[name], zone, strict=True)
        ]
        told[name] = pd.Series(clock, index=frame.index, dtype=object)
    return told.rename(columns={name: f"{name}\n{one or 'local time'}" for name in times})


def header(name: str) -> str:
    """A column's name as people write it, its unit beneath: ``baseline_kw`` is ``baseline`` over ``kW``."""
    from cblcast.metrics import UNITS  # loads numpy, which a command that prints a table has done by now

    if "\n" in name or not name.isascii():
        return name
    if name in UNITS:
        first, _, rest = name.partition("_")
        return f"{f'{_MEASURES.get(first, first)} {rest}'.strip().replace('_', ' ')}\n{_UNITS[UNITS[name]]}"
    if name.startswith("n_"):
        return name.removeprefix("n_").replace("_", " ")
    stem, _, unit = name.rpartition("_")
    per = re.match(r"(.+)_([a-z]+)_per_([a-z_]+)$", name)
    if per and per[2] in _UNITS:
        each = " ".join(_UNITS.get(word, word) for word in per[3].split("_"))
        return f"{per[1].replace('_', ' ')}\n{_UNITS[per[2]]}/{each}"
    words = (stem if stem and unit in _UNITS else name).replace("_", " ")
    return f"{words}\n{_UNITS[unit]}" if stem and unit in _UNITS else words


def decimals_of(values: Sequence[float]) -> int:
    """How many decimals numbers of this size need: three digits that mean something, at most three decimals."""
    sizes = [abs(value) for value in values if math.isfinite(value) and value != 0]
    if not sizes:
        return 0
    return 0 if max(sizes) >= 10_000 else 1 if max(sizes) >= 1000 else 2 if max(sizes) >= 0.1 else 3


def _that_fit(
    frame: pd.DataFrame, keep: Sequence[str], totals: Mapping[str, Any]
) -> tuple[list[tuple[str, list[str], bool]], list[str], int]:
    """Columns as (header, cells, right-aligned) that fit, the names of the others, and the width there is."""
    from rich.console import Console

    console = Console(**_PLAIN)
    width = max(WIDTH, min(console.width, 140)) if console.is_terminal else WIDTH
    made = {str(name): _column(frame[name], str(name), totals) for name in frame.columns}
    room, fits, left_out = width, [], []
    first = [name for name in made if name.partition("\n")[0] in keep]
    taken: set[str] = set()
    for name in [*first, *(name for name in made if name not in first)]:
        need = _width(made[name]) + _GAP
        if need <= room or not taken:
            taken.add(name)
            room -= need
    for name, column in made.items():
        if name in taken:
            fits.append(column)
        else:
            left_out.append(name.partition("\n")[0])
    return fits, left_out, width


def _column(column: pd.Series, name: str, totals: Mapping[str, Any]) -> tuple[str, list[str], bool]:
    numeric = column.dtype.kind in "fiu"
    values = column.tolist()
    if numeric:
        numbers = [float(value) for value in values]
        whole = column.dtype.kind in "iu" or name.startswith("n_")
        places = 0 if whole else decimals_of(numbers)
        cells = ["" if value != value else f"{value:.{places}f}" for value in numbers]
    else:
        cells = [_text(value) for value in values]
    if totals:
        total = totals.get(name.partition("\n")[0], "")
        cells.append(f"{total:.{places}f}" if numeric and isinstance(total, float) else str(total))
    right = numeric or (any(map(_is_number, values)) and all(value is None or _is_number(value) for value in values))
    return header(name), cells, right


def _is_number(value: Any) -> bool:
    return type(value).__name__ in ("Decimal", "int", "float")


def _text(value: Any) -> str:
    if value is None or value != value:
        return ""
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _width(column: tuple[str, list[str], bool]) -> int:
    from rich.cells import cell_len  # letters of some scripts take two columns

    head, cells, right = column
    words = [cell_len(word) for line in head.split("\n") for word in line.split(" ")]
    longest = max([*(cell_len(cell) for cell in cells), 0])
    return max(*words, longest if right else min(longest, _LONGEST), 1)


def _widths(columns: Sequence[tuple[str, list[str], bool]], width: int) -> list[int]:
    """How wide each column is drawn: as it needs, and without folding its words where there is room.

    Rich is told, since it takes from all columns alike where a table is too wide, and cuts the last.
    """
    from rich.cells import cell_len

    needed = [_width(column) for column in columns]
    spare = width - sum(needed) - _GAP * len(needed)
    for number, (head, cells, _) in enumerate(columns):
        whole = max(cell_len(line) for text in (head, *cells) for line in text.split("\n"))
        more = min(max(spare, 0), max(whole - needed[number], 0))
        needed[number] += more
        spare -= more
    return needed


def print_leaderboard(leaderboard: pd.DataFrame, excluded: pd.DataFrame, title: str) -> None:
    """A leaderboard with its best marked, what was left out of it and why, and how to read it."""
    cut = (
        list(leaderboard.columns).index("predict_s") + 1 if "predict_s" in leaderboard.columns else leaderboard.shape[1]
    )
    board = leaderboard.iloc[:, :cut].reset_index()
    if "train_s" in board.columns and "predict_s" in board.columns:
        board["time_s"] = board["train_s"].fillna(0) + board["predict_s"].fillna(0)
        board = board.drop(columns=["train_s", "predict_s"])
    if "n_sites" in board.columns and (board["n_sites"] == board["n_sites"].iloc[0]).all():
        sites = int(board["n_sites"].iloc[0])
        title = f"{title}, {sites} site{'s' if sites != 1 else ''}"
        board = board.drop(columns="n_sites")
    if "n_excluded" in board.columns and not board["n_excluded"].any():
        board = board.drop(columns="n_excluded")
    print_table(board, title, keep=["method", "nrmse", "mpe", "n_events"], marked=0 if len(board) > 1 else None)
    if cut < leaderboard.shape[1]:  # many columns with long names: one row each
        print_table(_measures_down(leaderboard.iloc[:, cut:]), "what it is worth (docs/markets.md)")
    if "n_left_out" in excluded.columns and len(excluded):
        typer.secho(
            f"{int(excluded['n_left_out'].sum())} interval estimates of {len(excluded)} issues are left out, most often because: "
            f"{excluded['reason'].mode().iloc[0]}",
            fg="yellow",
        )
    elif len(excluded):
        typer.secho(
            f"{len(excluded)} event estimates are left out, most often because: {excluded['reason'].mode().iloc[0]}",
            fg="yellow",
        )
    typer.echo(
        "mpe and bias > 0 overestimate; mape in % of mean load, nrmse in % of the study's scale (docs/nomenclature.md)"
    )


def _measures_down(board: pd.DataFrame) -> pd.DataFrame:
    """A row each column of `board`, each with its own decimals: an income and a p-value share no scale."""
    import pandas as pd

    rows = {}
    for name, column in board.items():
        known = [float(value) for value in column if _is_number(value)]
        decimals = 0 if str(name).startswith("n_") else decimals_of(known)
        finite = [_is_number(value) and math.isfinite(value) for value in column]
        rows[name] = [
            Decimal(f"{value:.{decimals}f}") if known else None for value, known in zip(column, finite, strict=True)
        ]
    return pd.DataFrame.from_dict(rows, orient="index", columns=board.index).rename_axis("").reset_index()
