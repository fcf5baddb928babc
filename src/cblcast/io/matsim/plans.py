"""Plans and facilities of a MATSim run: who lives and intends what, also those who never leave home."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from cblcast.errors import DataError
from cblcast.io.matsim.xml_stream import number, parse

PLAN_COLUMNS = ["person", "order", "activity", "link", "x_m", "y_m", "end_s", "duration_s", "mode"]


def read_plans(path: str | Path) -> pd.DataFrame:
    """Selected plans, one row an activity (``plans.xml`` of version 4, ``population.xml`` of versions 5 and 6).

    Returns
    -------
    DataFrame
        ``person``, ``order`` (0 first), ``activity`` (type), ``link``, ``x_m``, ``y_m``, ``end_s``, ``duration_s``
        [s; NaN where the plan gives none], ``mode`` of the leg before it (``""`` for the first). Where a person has several
        plans it is the selected one, else the first.

    Raises
    ------
    DataError
        As :func:`cblcast.io.matsim.xml_stream.parse`; no plans in the file.
    """
    reader = _PlanReader(Path(path).name)
    parse(path, reader.start)
    reader.close()
    if not reader.rows:
        raise DataError(f"{Path(path).name} holds no plans: give output_plans.xml.gz of the run")
    table = pd.DataFrame(reader.rows, columns=PLAN_COLUMNS)
    return table.astype({"person": "str", "activity": "str", "link": "str", "mode": "str"})


class _PlanReader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.rows: list[tuple[Any, ...]] = []
        self.person = ""
        self.plan: list[tuple[Any, ...]] = []
        self.kept: list[tuple[Any, ...]] = []
        self.mode = ""
        self.selected = self.reading_selected = False
        self.elements: dict[str, Callable[[dict[str, str]], None]] = {
            "person": self.new_person, "plan": self.new_plan, "leg": self.leg, "act": self.activity, "activity": self.activity,
        }  # fmt: skip

    def start(self, element: str, a: dict[str, str]) -> None:
        handler = self.elements.get(element)
        if handler is not None:
            handler(a)

    def new_person(self, a: dict[str, str]) -> None:
        self.close()
        if "id" not in a:
            raise DataError(f"{self.file}: a person has no id: is this a plans file of MATSim?")
        self.person, self.kept, self.selected = a["id"], [], False

    def new_plan(self, a: dict[str, str]) -> None:
        self._keep()
        self.plan, self.mode = [], ""
        self.reading_selected = a.get("selected") == "yes"

    def leg(self, a: dict[str, str]) -> None:
        self.mode = a.get("mode", "")

    def activity(self, a: dict[str, str]) -> None:
        end, duration = (_seconds(a.get(name), self.file) for name in ("end_time", "max_dur"))
        if "dur" in a:
            duration = _seconds(a["dur"], self.file)
        x, y = _place(a, f"an activity of person {self.person!r}", self.file)
        row = (self.person, len(self.plan), a.get("type", ""), a.get("link", ""), x, y, end, duration, self.mode)
        self.plan.append(row)

    def _keep(self) -> None:
        if self.plan and (not self.kept or (self.reading_selected and not self.selected)):
            self.kept, self.selected = self.plan, self.reading_selected

    def close(self) -> None:
        """The person is complete."""
        self._keep()
        self.rows += self.kept
        self.plan, self.kept = [], []


def read_facilities(path: str | Path) -> pd.DataFrame:
    """Facilities of ``facilities.xml``, index ``facility``: ``link``, ``x_m``, ``y_m``, ``activities`` (types, by comma).

    Raises
    ------
    DataError
        As :func:`cblcast.io.matsim.xml_stream.parse`; no facilities in the file.
    """
    found: dict[str, list[Any]] = {}
    current: list[str] = []

    def start(element: str, a: dict[str, str]) -> None:
        if element == "facility":
            if a.get("id", "") in found:
                raise DataError(f"{Path(path).name}: facility {a.get('id', '')!r} stands there twice: leave one")
            x, y = _place(a, f"facility {a.get('id', '')!r}", Path(path).name)
            found[a.get("id", "")] = [a.get("linkId", ""), x, y, []]
            current[:] = [a.get("id", "")]
        elif element == "activity" and current:
            found[current[0]][3].append(a.get("type", ""))

    parse(path, start)
    if not found:
        raise DataError(f"{Path(path).name} holds no facilities: give output_facilities.xml.gz of the run")
    table = pd.DataFrame.from_dict(found, orient="index", columns=["link", "x_m", "y_m", "activities"])
    return table.assign(activities=table["activities"].map(",".join)).rename_axis("facility")


def stay_at_home(events_persons: pd.DataFrame, plans: pd.DataFrame) -> pd.DataFrame:
    """Persons who have a plan but no event, in the form of the persons of an events file: at the plan's first activity all day.

    A run writes no event for who never leaves; without them the person-hours at home are short of 24 h for each.
    """
    first = plans[plans["order"] == 0]
    silent = first[~first["person"].isin(events_persons["person"])]
    return pd.DataFrame(
        {
            "person": silent["person"],
            "first_activity": silent["activity"],
            "first_link": silent["link"],
            "first_s": 0.0,
            "last_activity": silent["activity"],
            "last_link": silent["link"],
            "last_s": 0.0,
            "stuck_s": float("nan"),
        }
    ).reset_index(drop=True)


def _place(a: dict[str, str], whose: str, file: str) -> tuple[float, float]:
    """``x`` and ``y``, NaN where the file gives none."""
    x, y = (number(a[axis], f"{file}: {axis} of {whose}") if axis in a else float("nan") for axis in ("x", "y"))
    return x, y


def _seconds(text: str | None, file: str) -> float:
    """``07:30:00``, ``07:30``, seconds, or nothing → seconds."""
    if text is None or text in ("", "undefined", "-1"):
        return float("nan")
    try:
        parts = [float(part) for part in text.split(":")]
    except ValueError:
        parts = []
    seconds = (
        parts[0] if len(parts) == 1 else sum(part * size for part, size in zip(parts, (3600, 60, 1), strict=False))
    )
    if len(parts) not in (1, 2, 3) or not 0 <= seconds < float("inf"):
        raise DataError(f"{file}: {text!r} is no time: write it like 07:30:00") from None
    return seconds
