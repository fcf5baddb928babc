"""What a settlement looks like outside: tables in local time, somebody else's columns, a page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from cblcast.errors import StudyError
from cblcast.frames.instants import stamps
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE
from cblcast.programs import explain
from cblcast.programs.model import Program
from cblcast.report.page import Page
from cblcast.report.settlement import Told, settlement_page
from cblcast.report.template import Template, laid_out, local_times
from cblcast.report.words import Words
from cblcast.settlement import Settlement
from cblcast.value.contract import Contract


def settlement_table(
    told: Settlement, template: Template | None, sites: pd.DataFrame, contract: Contract | None
) -> pd.DataFrame:
    """What `out` holds: the events with their local times, or the rows of a template."""
    decimals = None if contract is None else contract.energy_decimals
    rows = told.events if template is None else _rows_of(told, template)
    zones = _zones(rows, sites, told)
    if template is not None:
        return laid_out(rows, template, zones, decimals)
    local = {
        f"{edge}_local": [each.isoformat(timespec="minutes") for each in local_times(rows[edge], zones)]
        for edge in ("start", "stop")
    }
    if decimals is not None:
        energies = [name for name in rows.columns if name.endswith("_kwh")]
        rows = rows.assign(**{name: rows[name].round(decimals) for name in energies})
    return rows.assign(**local)


def _zones(rows: pd.DataFrame, sites: pd.DataFrame, told: Settlement) -> np.ndarray:
    """Local zone of each row: its site's, or that of the first site of its resource."""
    if SITE in rows.columns:
        return sites["tz"].reindex(rows[SITE].astype(str)).to_numpy(dtype=object)
    first = told.events.drop_duplicates("resource").set_index("resource")[SITE]
    return sites["tz"].reindex(first.reindex(rows["resource"]).astype(str)).to_numpy(dtype=object)


def _rows_of(told: Settlement, template: Template) -> pd.DataFrame:
    if template.rows == "events":
        return told.events
    if template.rows == "resources":
        if told.resources.empty:
            raise StudyError("the template has one row a resource, but there are none: give --resources")
        return told.resources
    if told.evidence is None or told.evidence.lines.empty:
        raise StudyError(
            f"the template has one row for each of the {template.rows}, which are kept with a contract: give --contract"
        )
    lines = told.evidence.lines
    lines = lines.assign(delivered_kwh=lines["baseline_kwh"] - lines["metered_kwh"])
    energies = [name for name in lines.columns if name.endswith("_kwh")]
    if template.rows == "hours":
        groups = lines.groupby(["event", "hour"], sort=True)
        lines = groups.agg(
            {"time_us": "min", "hours": "sum", **dict.fromkeys(energies, "sum"), "price": "mean"}
        ).reset_index()
    names = [
        name for name in ("program", SITE, "resource", "start", "stop", "certainty") if name in told.events.columns
    ]
    own = told.events[names].iloc[lines["event"].to_numpy()].reset_index(drop=True)
    return own.assign(
        time=stamps(lines["time_us"].to_numpy()),
        **{name: lines[name].to_numpy() for name in ("hours", "price", *energies)},
    )


def page_of_record(
    record: Mapping[str, Any], programs: Sequence[Program], panel: Panel | None, words: Words, customer: str = ""
) -> Page:
    """The settlement of a record as a page, in local time, with the meter around its events where it is at hand."""
    rules = {program.name: explain(program) for program in programs}
    zone = next((str(site["tz"]) for site in record["meter"]["sites"]), "UTC")
    return settlement_page(Told(record, rules, dt.datetime.now(ZoneInfo(zone)), customer, panel), words)
