"""How a row of the catalogue is run: files made, the real command line called in this process, time and memory bounded."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import io
import json
import resource
import shlex
import signal
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd

from cblcast.cli import main

SECONDS = 10  # of processor time: a row that computes
WAITING_SECONDS = 60  # of the clock: a row that waits
GROWTH_MB = 400  # of resident memory, at its peak
CEILING_MB = 3000  # of address space; what asks for more is refused, before the machine swaps
STATUS = Path("/proc/self/status")


class Repeat:
    """``{x48[0.5]}`` in a text: 0.5 as often, between commas."""

    def __init__(self, times: int) -> None:
        self.times = times

    def __getitem__(self, value: str) -> str:
        return ",".join([value] * self.times)


REPEATED = {f"x{times}": Repeat(times) for times in (24, 48, 96, 288)}


class TooSlow(BaseException):
    """Not an Exception, so that no command can take it for bad input."""


@dataclass
class Ended:
    code: int
    out: str
    err: str
    grown_mb: float


@contextmanager
def bounded(seconds: float = SECONDS, waiting: float = WAITING_SECONDS, ceiling_mb: int = CEILING_MB) -> Iterator[None]:
    """Stop what computes or waits for too long, and refuse memory beyond a ceiling."""

    def stop(number: int, frame: Any) -> None:
        raise TooSlow(f"more than {seconds} s of processor time, or {waiting} s of the clock")

    usual = {number: signal.signal(number, stop) for number in (signal.SIGPROF, signal.SIGALRM)}
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, waiting)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if STATUS.exists():
        resource.setrlimit(resource.RLIMIT_AS, (int(memory_mb("VmSize") + ceiling_mb) << 20, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in usual.items():
            signal.signal(number, handler)


def memory_mb(what: str) -> float:
    """A line of the kernel's account of this process; 0 where there is none."""
    if not STATUS.exists():
        return 0.0
    return next(int(line.split()[1]) / 1024 for line in STATUS.read_text().splitlines() if line.startswith(f"{what}:"))


@contextmanager
def peak_growth() -> Iterator[list[float]]:
    """How far resident memory rose inside [MB]."""
    found: list[float] = []
    if STATUS.exists():
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = memory_mb("VmRSS")
    yield found
    found.append(memory_mb("VmHWM") - before)


def call(arguments: list[str], stdin: str = "", seconds: float = SECONDS, waiting: float = WAITING_SECONDS) -> Ended:
    """The console script's own function, with the arguments and streams of a process of its own."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    code: Any = 0
    with (
        bounded(seconds, waiting),
        peak_growth() as grown,
        redirect_stdout(out),
        redirect_stderr(err),
        mock.patch.object(sys, "argv", ["cblcast", *arguments]),
        mock.patch.object(sys, "stdin", io.StringIO(stdin)),
    ):
        try:
            main()
        except SystemExit as stop:
            code = stop.code
    told = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
    return Ended(int(code or 0), *told, grown[0])


def content_of(made: str | dict[str, Any], base: dict[str, bytes]) -> bytes:
    """The bytes of a file, from how a row says that it is made (tests/catalogue/README.md)."""
    if isinstance(made, str):
        return made.encode()
    if "base64" in made:
        return base64.b64decode(made["base64"])
    if "raw" in made:
        return made["raw"].encode("latin-1")
    if set(made) == {"like"}:
        return base[made["like"]]
    before = made.get("text", "").format(**REPEATED) if made.get("fill") else made.get("text", "")
    text = base[made["like"]].decode() if "like" in made else before + lines_of(made)
    for old, new in made.get("swap", []):
        assert old in text, f"{old!r} is not in the file that is changed"
        text = text.replace(old, new) if made.get("all") else text.replace(old, new, 1)
    if "keep" in made:
        text = text[: int(made["keep"])]
    text += made.get("tail", "") * int(made.get("times", 1))
    return packed(text, made.get("as", "utf-8"), made.get("inner", "meter.csv"))


def lines_of(made: dict[str, Any]) -> str:
    """The lines of a series: ``line`` filled with the instant {t}, values {v} (point), {c} (comma) and the number {n}."""
    if "line" not in made:
        return ""
    start, minutes = dt.datetime.fromisoformat(made.get("start", "2024-01-01")), made.get("step", 60)
    rows = []
    for n in range(made.get("n", 240)):
        t, v = start + dt.timedelta(minutes=minutes * n), made.get("value", n % 7 + 1.5)
        more = {"dial": 500 + n / 2, "dead": 0 if 480 <= n < 660 else v, "north": (350, 10)[n % 2]}
        rows.append(
            made["line"].format(
                t=t,
                v=v,
                c=str(v).replace(".", ","),
                **REPEATED,
                **more,
                n=n,
                h=t.hour + 1,
                k=v * n,
                epoch=int(t.replace(tzinfo=dt.UTC).timestamp()),
            )
        )
    return made.get("head", "") + "\n" * bool(made.get("head")) + made.get("join", "\n").join(rows) + "\n"


def packed(text: str, how: str, inner: str) -> bytes:
    """A text in an encoding, or as a packed or binary file."""
    if how == "gz":
        return gzip.compress(text.encode(), mtime=0)
    target = io.BytesIO()
    if how == "zip":
        with zipfile.ZipFile(target, "w") as archive:
            for name in inner.split():
                archive.writestr(name, text)
        return target.getvalue()
    if how in ("xlsx", "parquet"):
        frame = pd.read_csv(io.StringIO(text))
        if "time" in frame and how == "parquet":
            frame["time"] = pd.to_datetime(frame["time"], utc=True)
        frame.to_excel(target, index=False) if how == "xlsx" else frame.to_parquet(target, index=False)
        return target.getvalue()
    return text.encode(how)


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, the default store left out."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "models" not in path.relative_to(folder).parts[:1]
    }


def words_of(line: str, **places: str) -> list[str]:
    """A command line as arguments."""
    return shlex.split(line.format(**places) if "{" in line and places else line)


def at(document: Any, path: str) -> Any:
    """A value inside a JSON document: ``quality.0.mean_kw``."""
    for part in path.split("."):
        document = document[int(part) if part.lstrip("-").isdigit() and isinstance(document, list) else part]
    return document


def parsed(text: str) -> Any:
    return json.loads(text)
