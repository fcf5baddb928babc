"""Makers of small meter files: NEM12 of a few days, Green Button of a few hours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

START = 1751673600  # 2025-07-05 00:00 UTC


def write_nem12(
    path: Path, *streams: tuple[str, int, list[tuple[str, float, str]]], first: str = "100,NEM12,202501,A,B"
) -> Path:
    """Streams of (suffix, minutes, [(day, value of each interval in kWh, update time)])."""
    lines = [first]
    for suffix, minutes, days in streams:
        lines.append(f"200,NMI1,E1B1,1,{suffix},N1,M1,kWh,{minutes},")
        lines += [
            f"300,{day},{','.join([str(value)] * (1440 // minutes))},A,,,{updated}," for day, value, updated in days
        ]
    path.write_text("\n".join([*lines, "900"]) + "\n", encoding="utf-8")
    return path


def write_espi(path: Path, *meters: tuple[str, str, list[tuple[int, int, float]]]) -> Path:
    """Meters of (flowDirection, accumulationBehaviour, [(start, seconds, Wh)])."""
    entries = []
    for number, (flow, behaviour, readings) in enumerate(meters):
        own = f"http://u/UsagePoint/1/MeterReading/{number}"
        entries.append(
            f'<entry><link rel="self" href="{own}"/><link rel="related" href="http://u/ReadingType/{number}"/><content>'
            "<MeterReading/></content></entry>"
            f'<entry><link rel="self" href="http://u/ReadingType/{number}"/><content><ReadingType>'
            f"<accumulationBehaviour>{behaviour}</accumulationBehaviour><flowDirection>{flow}</flowDirection>"
            "<powerOfTenMultiplier>0</powerOfTenMultiplier><uom>72</uom></ReadingType></content></entry>"
        )
        told = "".join(
            f"<IntervalReading><timePeriod><duration>{length}</duration><start>{start}</start></timePeriod>"
            f"<value>{value}</value></IntervalReading>"
            for start, length, value in readings
        )
        entries.append(
            f'<entry><link rel="self" href="{own}/IntervalBlock/1"/><content><IntervalBlock>{told}</IntervalBlock></content></entry>'
        )
    path.write_text(f'<?xml version="1.0"?><feed>{"".join(entries)}</feed>', encoding="utf-8")
    return path


def hours_of(first: int, count: int, value: float) -> list[tuple[int, int, float]]:
    return [(START + 3600 * (first + i), 3600, value) for i in range(count)]


def kw_of(reading) -> np.ndarray:
    return reading.panel.data["observed_kw"].to_numpy()


def notes_of(reading) -> str:
    return "\n".join(f"{note.kind.value}: {note.text}" for note in reading.report.notes)


@pytest.fixture
def nem12() -> Callable[..., Path]:
    return write_nem12


@pytest.fixture
def espi() -> Callable[..., Path]:
    return write_espi


@pytest.fixture
def hours() -> Callable[..., list[tuple[int, int, float]]]:
    return hours_of


@pytest.fixture
def kw() -> Callable[..., np.ndarray]:
    """The load of a reading."""
    return kw_of


@pytest.fixture
def notes() -> Callable[..., str]:
    """The notes of a reading, one a line."""
    return notes_of
