"""The record of a settlement: what it rests on and what came out, as one document that can be held against a second run.

Its form is published as ``docs/settlement-record.schema.json``.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from cblcast.errors import DataError
from cblcast.frames.instants import microseconds
from cblcast.frames.schema import SITE
from cblcast.programs.model import Program
from cblcast.settlement.evidence import Evidence
from cblcast.settlement.result import Settlement, from_memory
from cblcast.value.contract import Contract
from cblcast.value.payments import MONEY_COLUMNS

FORMAT = "cblcast settlement record 1"
RESULTS = ("day_sets", "lines", "resources", "portfolio", "problems", "totals")
NEAR = 1e-9  # energies of two machines may differ in their last bits; money may not differ at all
_INTERVAL = ["hours", "metered_kwh", "unadjusted_kwh", "baseline_kwh", "price"]
_LINE_KEYS = ("program", SITE, "start")


def sealed(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document with the hash of everything else in it as ``seal``."""
    rest = {key: value for key, value in document.items() if key != "seal"}
    return {**rest, "seal": digest(rest)}


def check_seal(document: Any, name: str) -> dict[str, Any]:
    """The document, if it is a record and still the one that was written.

    Raises
    ------
    DataError
    """
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = document.get("format") if isinstance(document, dict) else None
        raise DataError(
            f"{name} is no settlement record of the form {FORMAT!r} (it says {found!r}): name the file of settle"
        )
    if document.get("seal") != digest({key: value for key, value in document.items() if key != "seal"}):
        raise DataError(
            f"{name} was changed after it was written: its seal does not fit its content; take the original"
        )
    return document


def digest(content: Any) -> str:
    """SHA-256 of a document as canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def results_of(told: Settlement) -> dict[str, Any]:
    """What came out, as :data:`RESULTS`."""
    lines = rows_of(told.events)
    evidence = told.evidence or Evidence()
    sets, numbers = _day_sets(evidence.days)
    for line, number in zip(lines, numbers, strict=False):
        line["days"] = number
    for line, intervals in zip(lines, _intervals(evidence.lines, len(lines)), strict=False):
        line["intervals"] = intervals
    return {
        "day_sets": sets,
        "lines": lines,
        "resources": rows_of(told.resources),
        "portfolio": rows_of(told.portfolio),
        "problems": rows_of(told.problems),
        "totals": _totals(told.events),
    }


def _day_sets(days: Sequence[dict[str, Any] | None]) -> tuple[list[dict[str, Any]], list[int | None]]:
    """What is to be said of the days of several events, each once, and which of it is said of each event."""
    sets: list[dict[str, Any]] = []
    by_identity: dict[int, int] = {}
    by_content: dict[str, int] = {}
    numbers: list[int | None] = []
    for each in days:
        if each is None:
            numbers.append(None)
            continue
        if id(each) not in by_identity:
            content = json.dumps(each, sort_keys=True)
            if content not in by_content:
                by_content[content] = len(sets)
                sets.append(each)
            by_identity[id(each)] = by_content[content]
        numbers.append(by_identity[id(each)])
    return sets, numbers


def rule_entry(program: Program) -> dict[str, Any]:
    """A rule with its terms and how sure each of its parts is."""
    terms = program.model_dump(mode="json")
    return {
        "name": program.name,
        "sha256": digest(terms),
        "certainty": program.confidence,
        "from_memory": from_memory(program),
        "terms": terms,
    }


def contract_entry(contract: Contract | None) -> dict[str, Any] | None:
    """A contract with its terms."""
    if contract is None:
        return None
    terms = contract.model_dump(mode="json")
    return {"name": contract.name, "sha256": digest(terms), "terms": terms}


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON holds them: instants as ISO 8601 in UTC, money as text, what is missing as null."""
    if frame.empty:
        return []
    columns = {str(name): _plain(frame[name]) for name in frame.columns}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _plain(column: pd.Series) -> list[Any]:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        texts = column.dt.tz_convert("UTC").dt.strftime("%Y-%m-%dT%H:%M:%SZ").to_numpy(dtype=object)
        return [None if missing else text for text, missing in zip(texts, column.isna(), strict=True)]
    if column.dtype.kind == "f":
        return [value if math.isfinite(value) else None for value in column.astype(np.float64).tolist()]
    if column.dtype.kind in "iub":
        return list(column.tolist())
    if column.dtype.kind == "M":
        return [None if missing else str(day)[:10] for day, missing in zip(column, column.isna(), strict=True)]
    return [_text(value) for value in column.tolist()]


def _text(value: Any) -> Any:
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, (bool, int, float)):
        return value
    return str(value)  # a Decimal keeps its zeros


def _intervals(lines: pd.DataFrame, n_events: int) -> Iterator[dict[str, Any] | None]:
    """Times and columns of the intervals of each event."""
    if lines.empty:
        yield from (None for _ in range(n_events))
        return
    order = np.argsort(lines["event"].to_numpy(), kind="stable")
    ordered = lines.iloc[order]
    bounds = np.searchsorted(ordered["event"].to_numpy(), np.arange(n_events + 1))
    times = pd.DatetimeIndex(ordered["time_us"].to_numpy().view("M8[us]")).strftime("%Y-%m-%dT%H:%M:%SZ").tolist()
    columns = {name: ordered[name].to_numpy(dtype=np.float64).tolist() for name in _INTERVAL}
    for first, last in itertools.pairwise(bounds):
        yield {"time": times[first:last], **{name: values[first:last] for name, values in columns.items()}}


def _totals(events: pd.DataFrame) -> list[dict[str, Any]]:
    """Sums of the lines of each rule; money exact."""
    found = []
    for name, own in events.groupby("program", sort=False):
        total: dict[str, Any] = {"program": name, "n_events": len(own)}
        total |= {column: float(own[column].sum()) for column in ("metered_kwh", "baseline_kwh", "delivered_kwh")}
        total |= {column: str(sum(own[column], Decimal(0))) for column in MONEY_COLUMNS if column in own.columns}
        found.append(total)
    return found


def differences(recorded: Any, found: Any, where: str = "") -> Iterator[str]:
    """Where two documents differ, each in words; energies that differ in their last bits do not."""
    if isinstance(recorded, Mapping) and isinstance(found, Mapping):
        for key in dict.fromkeys([*recorded, *found]):
            yield from differences(recorded.get(key), found.get(key), f"{where}.{key}" if where else str(key))
    elif isinstance(recorded, list) and isinstance(found, list):
        if len(recorded) != len(found):
            yield f"{where}: {len(recorded)} recorded, {len(found)} found"
        for number, (one, other) in enumerate(zip(recorded, found, strict=False)):
            yield from differences(one, other, f"{where}[{_name(one, number)}]")
    elif not _alike(recorded, found):
        yield f"{where}: {recorded} recorded, {found} found"


def _alike(recorded: Any, found: Any) -> bool:
    if isinstance(recorded, float) and isinstance(found, (float, int)):
        return math.isclose(recorded, found, rel_tol=NEAR, abs_tol=NEAR)
    return bool(recorded == found)


def _name(row: Any, number: int) -> str:
    """What a person calls a row: its program, site and start where it has them."""
    if isinstance(row, Mapping):
        parts = [str(row[key]) for key in ("program", "resource", SITE, "start") if row.get(key)]
        return " ".join(parts) or str(number)
    return str(number)


def line_differences(recorded: Mapping[str, Any], found: Mapping[str, Any]) -> pd.DataFrame:
    """Line by line, what a second settlement pays more or less than the recorded one.

    Parameters
    ----------
    recorded, found : mapping
        Results as :func:`results_of` makes them: their lines and day sets.

    Returns
    -------
    DataFrame
        ``program``, ``site_id``, ``start``; ``delivered_before_kwh``, ``delivered_after_kwh``, ``delivered_change_kwh``;
        with a contract ``payment_before``, ``payment_after``, ``payment_change`` as decimals; ``what``: "changed", "same",
        "only before" (it can no longer be settled) or "only after".
    """
    before, after = (
        {tuple(line[key] for key in _LINE_KEYS): _with_days(line, document["day_sets"]) for line in document["lines"]}
        for document in (recorded, found)
    )
    paid = any("payment" in line for line in (*recorded["lines"], *found["lines"]))
    rows = []
    for key in dict.fromkeys([*before, *after]):
        one, other = before.get(key), after.get(key)
        row: dict[str, Any] = dict(zip(_LINE_KEYS, key, strict=True))
        kwh = [float("nan") if line is None else float(line["delivered_kwh"]) for line in (one, other)]
        row |= {"delivered_before_kwh": kwh[0], "delivered_after_kwh": kwh[1]}
        row["delivered_change_kwh"] = np.nan_to_num(kwh[1]) - np.nan_to_num(kwh[0])
        if paid:
            money = [Decimal(0) if line is None else Decimal(str(line["payment"])) for line in (one, other)]
            row |= {"payment_before": money[0], "payment_after": money[1], "payment_change": money[1] - money[0]}
        same = one is not None and other is not None and next(differences(one, other), None) is None
        row["what"] = "only after" if one is None else "only before" if other is None else "same" if same else "changed"
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.assign(start=pd.to_datetime(table["start"], utc=True).dt.as_unit("us"))


def _with_days(line: Mapping[str, Any], day_sets: Sequence[Any]) -> dict[str, Any]:
    """A line with its days themselves: their number differs as soon as another line comes to lack or have days."""
    number = line.get("days")
    return {**line, "days": None if number is None else day_sets[number]}


def changed_meters(recorded: Sequence[Mapping[str, Any]], meter: pd.DataFrame) -> list[str]:
    """Sites whose readings are not those of the record, sorted.

    Raises
    ------
    DataError
        A meter with other intervals, or without a site of the record.
    """
    changed = []
    for site in recorded:
        name = str(site[SITE])
        if site.get("sha256") is None:
            continue
        if name not in meter.index:
            raise DataError(f"the meter data lack site {name!r} of the record: give readings of all its sites")
        own = meter.loc[name]
        if float(own["step_minutes"]) != float(site["step_minutes"]):
            raise DataError(
                f"site {name!r} is metered every {own['step_minutes']:g} minutes, and was every {site['step_minutes']:g} in the "
                "record: give readings of the same intervals, or average them (--step)"
            )
        if own["sha256"] != site["sha256"]:
            changed.append(name)
    return sorted(changed)


def events_digest(events: pd.DataFrame) -> str:
    """Hash of who was dispatched from when to when, in any order of the rows."""
    rows = sorted(
        zip(
            events[SITE].astype(str),
            microseconds(events["start"]).tolist(),
            microseconds(events["stop"]).tolist(),
            strict=True,
        )
    )
    return digest([list(row) for row in rows])
