"""What the command line shows: tables, progress, warnings, and JSON for machines. Rich and pandas are imported when used."""

from __future__ import annotations

import json
import logging
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    import pandas as pd


_machine: ContextVar[bool] = ContextVar("machine", default=False)
_told: ContextVar[set[str] | None] = ContextVar("told", default=None)
_wording: ContextVar[Callable[[str], str]] = ContextVar("wording", default=str)
_STYLES: dict[str, tuple[str, dict[str, Any]]] = {
    "warning": ("Warning: ", {"fg": "yellow"}),
    "note": ("", {"dim": True}),
}


@contextmanager
def telling(as_json: bool, wording: Callable[[str], str] = str) -> Iterator[None]:
    """How :func:`tell` tells inside: lines for people or for machines, in what wording, each thing once."""
    tokens = (_machine, _machine.set(as_json)), (_told, _told.set(set())), (_wording, _wording.set(wording))
    try:
        yield
    finally:
        for variable, token in tokens:
            variable.reset(token)  # type: ignore[arg-type]


def tell(kind: str, message: str, times: int = 1) -> None:
    """A warning or a note on the error stream, in one line; the same is not told again within :func:`telling`.

    Parameters
    ----------
    kind : {"warning", "note"}
        Where a machine reads, the key of a JSON object with ``message`` and ``times``.
    message : str
    times : int
        How often it came.
    """
    message = _wording.get()(" ".join(message.split()))
    told = _told.get()
    if told is not None:
        if message in told:
            return
        told.add(message)
    if _machine.get():
        typer.echo(json.dumps({kind: {"message": message, "times": times}}, ensure_ascii=False), err=True)
        return
    before, style = _STYLES[kind]
    typer.secho(f"{before}{message}" + (f" [{times} times]" if times > 1 else ""), err=True, **style)


@contextmanager
def progress(as_json: bool, total: int, what: str) -> Iterator[Callable[[str], None]]:
    """A progress bar on the terminal's error stream; how files were read and data warnings are told beneath it."""
    from cblcast.errors import DataWarning

    with _remarks() as remarks, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", DataWarning)
        try:
            with _bar(as_json, total, what) as told:
                yield told
        finally:  # what was understood of a file explains the error that follows from it
            for remark in remarks:
                tell("note", remark)
            print_warnings([str(item.message) for item in caught if issubclass(item.category, DataWarning)])


@contextmanager
def _bar(as_json: bool, total: int, what: str) -> Iterator[Callable[[str], None]]:
    """A bar on the error stream, nothing where a machine reads."""
    if as_json:
        yield lambda name: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda name: bar.update(task, advance=1, description=name[:48])


@contextmanager
def _remarks() -> Iterator[list[str]]:
    """What the readers say of the files they read meanwhile."""
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("cblcast.io")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield said
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def print_warnings(messages: list[str]) -> None:
    """Each warning once, with how often it came."""
    for message in dict.fromkeys(messages):
        tell("warning", message, messages.count(message))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain dictionaries; NaN is null, instants are ISO 8601."""
    return json.loads(frame.to_json(orient="records", date_format="iso"))


def print_json(document: object) -> None:
    """One JSON document on standard output; what is no number or has no bound is null, as JSON knows neither."""
    typer.echo(json.dumps(_finite(document), indent=2, default=str, allow_nan=False))


def _finite(document: object) -> object:
    if isinstance(document, dict):
        return {str(key): _finite(value) for key, value in document.items()}
    if isinstance(document, (list, tuple)):
        return [_finite(value) for value in document]
    return None if isinstance(document, float) and not math.isfinite(document) else document


def print_table(frame: pd.DataFrame, title: str) -> None:
    """A table for people."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold")
    for column in frame.columns:
        table.add_column(
            str(column), justify="left" if frame[column].dtype.kind not in "fiu" else "right", overflow="fold"
        )
    whole = {column for column in frame.columns if column.startswith("n_") or frame[column].dtype.kind in "iu"}
    for row in frame.to_dict("records"):
        table.add_row(*(_cell(value, column in whole) for column, value in row.items()))
    plain: dict[str, Any] = {"markup": False, "emoji": False}  # a site may be called [a] or :a:
    console = Console(**plain)
    if not console.is_terminal:  # a pipe or a log has no width of its own
        console = Console(width=160, **plain)
    console.print(table)


def _cell(value: Any, whole: bool) -> str:
    if value is None or value != value:
        return ""
    if whole:
        return f"{value:.0f}"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def print_leaderboard(leaderboard: pd.DataFrame, excluded: pd.DataFrame, title: str) -> None:
    """A leaderboard, what was left out of it and why, and how to read it."""
    cut = (
        list(leaderboard.columns).index("predict_s") + 1 if "predict_s" in leaderboard.columns else leaderboard.shape[1]
    )
    print_table(leaderboard.iloc[:, :cut].reset_index(), title)
    if cut < leaderboard.shape[1]:  # many columns with long names: one row each
        print_table(leaderboard.iloc[:, cut:].T.rename_axis("").reset_index(), "what it is worth (docs/markets.md)")
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
