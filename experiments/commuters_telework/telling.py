"""Claims of this experiment, told as they are made."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/

from claims import Record, Target, asked, claim, within

results: list[Record] = []


def told(
    text: str, measured: float, unit: str, target: Target | None = None, source: str = "commuters paper", **more
) -> None:
    record = claim(text, source, measured, unit, target, digits=4, **more)
    results.append(record)
    print("MISS" if record["holds"] is False else "    ", text, record["measured"], unit, asked(record), flush=True)


def golden(
    text: str, measured: float, target: float, tolerance: float, unit: str, source: str = "commuters paper"
) -> None:
    told(text, float(measured), unit, within(target, tolerance), source)
