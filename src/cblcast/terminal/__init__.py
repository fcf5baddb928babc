"""What the command line shows: tables, progress, warnings, and JSON for machines. Rich and pandas are imported when used."""

from __future__ import annotations

import json
import logging
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import typer

from cblcast.terminal.tables import in_title, print_leaderboard, print_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Steps",
    "in_title",
    "print_json",
    "print_leaderboard",
    "print_table",
    "print_warnings",
    "progress",
    "records",
    "tell",
    "telling",
]

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


class Steps:
    """Told of each step that is done by a call, and of what is going on meanwhile by :meth:`stage`."""

    def __init__(self, bar: Any = None, task: Any = None) -> None:
        self._bar, self._task = bar, task

    def __call__(self, name: str) -> None:
        """One step is done."""
        if self._bar is not None:
            self._bar.update(self._task, advance=1, description=name[:48], last=self._bar.get_time())

    def advance(self, count: int, what: str) -> None:
        """So many steps are done at once."""
        if self._bar is not None:
            self._bar.update(self._task, advance=count, description=what[:48], last=self._bar.get_time())

    def stage(self, what: str) -> None:
        """What is going on now."""
        if self._bar is not None:
            self._bar.update(self._task, description=what[:48])

    def expect(self, total: int, what: str) -> None:
        """How many steps there will be; until that is known the bar only shows that something is going on."""
        if self._bar is not None:
            before = self._bar.tasks[self._task].completed
            self._bar.update(self._task, total=total, description=what, begun=self._bar.get_time(), before=before)


@contextmanager
def progress(as_json: bool, total: int | None, what: str) -> Iterator[Steps]:
    """A progress bar on the terminal's error stream; how files were read and data warnings are told beneath it.

    `total` is None where it is not known yet: see :meth:`Steps.expect`. A total of one step says nothing either.
    """
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
def _bar(as_json: bool, total: int | None, what: str) -> Iterator[Steps]:
    """A bar on the error stream with rate and time left, nothing where a machine reads."""
    if as_json:
        yield Steps()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}", markup=False),
    )
    console = Console(stderr=True)

    class WithRate(Progress):
        def get_renderables(self) -> Iterator[Any]:
            for task in self.tasks:
                seconds = task.fields["last"] - task.fields["begun"]
                task.fields["rate"], task.fields["left"] = rate_and_left(
                    task.completed - task.fields["before"], task.remaining, seconds
                )
            yield from super().get_renderables()

    known = None if total == 1 else total
    with WithRate(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield Steps(bar, bar.add_task(what, total=known, rate="", left="", begun=bar.get_time(), last=0.0, before=0))


def rate_and_left(done: float, remaining: float | None, seconds: float) -> tuple[str, str]:
    """How fast `done` steps went in `seconds`, and the time that what is `remaining` takes at that rate.

    Steps may come several at once, as of two workers, so the time between the last of them tells nothing.
    """
    if not done or seconds <= 0:
        return "", ""
    speed = done / seconds
    rate = f"{speed:.1f}/s" if speed >= 1 else f"{1 / speed:.1f} s each"
    if remaining is None:
        return rate, ""
    minutes, rest = divmod(math.ceil(remaining / speed), 60)
    hours, minutes = divmod(minutes, 60)
    return rate, f"{hours}:{minutes:02d}:{rest:02d} left"


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


def print_json(document: Mapping[str, object]) -> None:
    """One JSON object on standard output; what is no number or has no bound is null, as JSON knows neither."""
    typer.echo(json.dumps(_finite(document), indent=2, default=str, allow_nan=False))


def _finite(document: object) -> object:
    if isinstance(document, dict):
        return {str(key): _finite(value) for key, value in document.items()}
    if isinstance(document, (list, tuple)):
        return [_finite(value) for value in document]
    return None if isinstance(document, float) and not math.isfinite(document) else document
