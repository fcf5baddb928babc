"""One event of a recorded settlement worked through, and whether the figures are those of the record."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd

from cblcast.errors import DataError, nearest
from cblcast.frames.schema import SITE
from cblcast.programs import explain, explain_event
from cblcast.settlement.record import NEAR
from cblcast.value.payments import MONEY_COLUMNS
from cblcast.workflow.explaining import instant
from cblcast.workflow.recording import case_of, read_record

ENERGIES = ("metered_kwh", "baseline_kwh", "unadjusted_kwh", "delivered_kwh")


def explain_record(
    path: Path, name: str, data: str | Path | None = None, site: str | None = None, start: str | None = None
) -> str:
    """A rule in words, one event of a record worked through, and what the record says of it.

    Parameters
    ----------
    name : str
        Rule of the record.
    data : path, optional
        The meter; the file that the record names unless given.
    site, start : str, optional
        Which of its events; the first unless given.

    Raises
    ------
    DataError
        A rule or an event that the record does not hold.
    """
    record = read_record(path)
    line = _line(record["lines"], name, site, start)
    case, wishes, programs = case_of(record, data, whole=True)
    if case.panel is None:
        raise DataError("one event is worked through on a meter that is read whole: give --data with its site alone")
    program = next(each for each in programs if each.name == line["program"])
    same = (case.events[SITE] == line[SITE]) & (case.events["start"] == pd.Timestamp(line["start"]))
    one = case.events[same].iloc[:1].reset_index(drop=True)
    worked = explain_event(program, case.panel, one, case.events, wishes.other_events)
    return "\n\n".join([explain(program), worked.text(), "\n".join(_recorded(line, worked.energies, record))])


def _line(lines: list[dict[str, Any]], name: str, site: str | None, start: str | None) -> dict[str, Any]:
    own = [line for line in lines if line["program"].partition("@")[0] == name.partition("@")[0]]
    if not own:
        raise DataError(f"the record has no lines by {name!r}: {nearest(name, {line['program'] for line in lines})}")
    if site is not None:
        own = [line for line in own if line[SITE] == site]
    if start is not None:
        at = instant(start)
        own = [line for line in own if pd.Timestamp(line["start"]) == at]
    if not own:
        raise DataError(f"the record has no event of site {site!r} at {start}: check --site and --start")
    return own[0]


def _recorded(line: dict[str, Any], energies: dict[str, float], record: dict[str, Any]) -> list[str]:
    """What the record says of the event, and whether it was reproduced."""
    corrected = line.get("bias_corrected_kwh") or 0.0
    expected = {name: line[name] for name in ENERGIES}
    if corrected:
        expected |= {name: line[name] + corrected for name in ("baseline_kwh", "delivered_kwh")}
    differs = [
        f"{name} {expected[name]:.6f} recorded, {energies[name]:.6f} found"
        for name in ENERGIES
        if not math.isclose(expected[name], energies[name], rel_tol=NEAR, abs_tol=NEAR)
    ]
    told = [f"Record: delivered {line['delivered_kwh']:.3f} kWh; certainty {line['certainty']}"]
    if line["from_memory"]:
        told[0] += f" ({line['from_memory']} from memory)"
    if corrected:
        told.append(f"A bias of {corrected:.3f} kWh was taken off the baseline above.")
    if "payment" in line:
        currency = record["contract"]["terms"]["currency"]
        parts = ", ".join(f"{each.replace('_payment', '')} {line[each]}" for each in MONEY_COLUMNS[:-1])
        told.append(f"Paid: {line['payment']} {currency} ({parts}) for {line['settled_kwh']:.6f} kWh settled.")
    told.append(
        "These figures are those of the record." if not differs else f"NOT those of the record: {'; '.join(differs)}."
    )
    return told
