"""What a settlement rests on: which meter readings, and which days a rule took or left out and why."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from cblcast.abilities import TellsDays, able
from cblcast.days.ledger import Reason
from cblcast.features.program_days import ProgramDays
from cblcast.frames.cases import EventArrays
from cblcast.frames.instants import DAY_US
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, SITE
from cblcast.programs.forecasters import program_forecaster
from cblcast.programs.model import Program
from cblcast.settlement.estimate import Estimate

METER_COLUMNS = ["sha256", "first", "last", "step_minutes", "metered", "missing"]


@dataclass(frozen=True)
class Evidence:
    """What a record tells beside the result.

    Attributes
    ----------
    meter : DataFrame, index site_id
        :data:`METER_COLUMNS`: hash of each site's readings (and weather), first and last interval, step [min], intervals
        that were metered and missing.
    days : list
        For each event ``{"selected": [...], "left_out": {reason: [...]}}`` (local dates), or None where no days are taken;
        events of which the same is to be said share one.
    lines : DataFrame
        Intervals of the events, see :func:`cblcast.settlement.lines.interval_lines`; empty without a contract.
    """

    meter: pd.DataFrame = field(default_factory=pd.DataFrame)
    days: list[dict[str, Any] | None] = field(default_factory=list)
    lines: pd.DataFrame = field(default_factory=pd.DataFrame)


def meter_hashes(panel: Panel, sites: list[str] | None = None) -> pd.DataFrame:
    """Hash and extent of the readings of some sites, or of all; as :attr:`Evidence.meter`.

    The hash is that of the first instant, the step and the values (64 bit, in the order of the columns' names), so that a
    reading that was revised, added or lost changes it, and another file format does not.
    """
    codes = np.arange(len(panel.site_ids)) if sites is None else panel.site_codes(pd.Index(sites))
    begins = np.searchsorted(np.asarray(panel.data.index.codes[0]), np.arange(len(panel.site_ids) + 1))
    columns = {str(name): panel.column(str(name)) for name in sorted(map(str, panel.data.columns))}
    rows = []
    for code in codes:
        span = slice(begins[code], begins[code + 1])
        told = hashlib.sha256(np.array([panel.first_times_us[code], panel.step_us]).tobytes())
        for name, values in columns.items():
            # Every NaN is one NaN: its bits say nothing.
            own = np.where(np.isnan(values[span]), np.nan, values[span])
            told.update(name.encode() + own.tobytes())
        known = int(np.isfinite(columns[OBSERVED][span]).sum())
        rows.append((told.hexdigest(), known, span.stop - span.start - known))
    table = pd.DataFrame(rows, columns=["sha256", "metered", "missing"], index=panel.site_ids[codes])
    for name, instants in (("first", panel.first_times_us), ("last", panel.last_times_us)):
        table[name] = pd.DatetimeIndex(instants[codes].view("M8[us]")).tz_localize("UTC")
    return table.assign(step_minutes=panel.step_us / 60e6)[METER_COLUMNS].rename_axis(SITE)


def day_choices(program: Program, masked: Panel, found: Estimate) -> list[dict[str, Any] | None]:
    """The days that the rule took and left out for each event; None where it takes none.

    Parameters
    ----------
    masked : Panel
        With real events masked, as the estimate saw it.
    """
    told: list[dict[str, Any] | None] = [None] * len(found.factor)
    if len(found.rows) == 0:
        return told
    builders = program_forecaster(program, ()).builders.values()
    chooser = next((each for each in builders if able(each, TellsDays) and isinstance(each, ProgramDays)), None)
    if chooser is None:
        return told
    event = EventArrays.of(masked, found.rows)
    number = pd.unique(found.event)
    rule_of = chooser.rule_of_event(masked, event)
    for rule in np.unique(rule_of[rule_of >= 0]):
        part, _ = event.take(rule_of == rule)
        choice = chooser.select(masked, part, chooser.rules[int(rule)])  # type: ignore[arg-type]
        first = masked.cube(OBSERVED).first_day
        own = zip(number[rule_of == rule], choice.ledger.position, choice.ledger.reason, choice.days, strict=True)
        texts = _DayTexts(int(choice.ledger.position.min()) + first, int(choice.ledger.position.max()) + first)
        known: dict[tuple[bytes, ...], dict[str, Any]] = {}
        for at, position, reason, days in own:
            key = (position[:1].tobytes(), reason.tobytes(), days.tobytes())
            if key not in known:
                known[key] = _choice(texts, position + first, reason, days[days >= 0] + first)
            told[int(at)] = known[key]
    return told


@dataclass(frozen=True)
class _DayTexts:
    """Local dates as text, each written once."""

    first: int
    last: int

    def __post_init__(self) -> None:
        texts = np.arange(self.first, self.last + 1).astype("M8[D]").astype(str).tolist()
        object.__setattr__(self, "texts", texts)

    texts: list[str] = field(init=False, default_factory=list)

    def of(self, days: np.ndarray) -> list[str]:
        return [self.texts[day] for day in (days - self.first).tolist()]


def _choice(texts: _DayTexts, days: np.ndarray, reason: np.ndarray, selected: np.ndarray) -> dict[str, Any]:
    taken = np.isin(days, selected)
    left_out = {}
    for code in np.unique(reason[~taken]).tolist():
        words = "qualified, but not selected" if code == Reason.QUALIFIED else Reason(code).words
        left_out[words] = texts.of(days[~taken & (reason == code)])
    return {"selected": texts.of(np.sort(selected)), "left_out": left_out}


def calendar_days(first_us: int, last_us: int) -> tuple[int, int]:
    """First local day and number of days of the years that hold two instants and the year before them."""
    first = (np.int64(first_us // DAY_US)).astype("M8[D]").astype("M8[Y]") - np.timedelta64(1, "Y")
    after = (np.int64(last_us // DAY_US)).astype("M8[D]").astype("M8[Y]") + np.timedelta64(1, "Y")
    begin, end = (int(year.astype("M8[D]").astype(np.int64)) for year in (first, after))
    return begin, end - begin
