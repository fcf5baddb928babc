"""Records of settlements: written beside the result, recomputed and compared, settled again with revised readings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import cblcast
from cblcast.days.day_types import site_day_types
from cblcast.errors import DataError
from cblcast.frames.instants import DAY_US, microseconds
from cblcast.frames.panel import Panel
from cblcast.frames.schema import PANEL_INDEX, SITE
from cblcast.io.options import ReaderOptions
from cblcast.programs.model import Program
from cblcast.settlement import Calibration, Resources, Settlement, Wishes
from cblcast.settlement.evidence import calendar_days
from cblcast.settlement.record import (
    FORMAT,
    RESULTS,
    changed_meters,
    check_seal,
    contract_entry,
    differences,
    digest,
    events_digest,
    line_differences,
    results_of,
    rows_of,
    rule_entry,
    sealed,
)
from cblcast.value.contract import Contract
from cblcast.workflow.settlement_case import Case, open_case
from cblcast.workflow.working import ALONE, Working

MOST_TOLD = 20  # differences in words


def record_document(case: Case, told: Settlement, wishes: Wishes) -> dict[str, Any]:
    """The record of a settlement of `case`."""
    evidence = told.evidence
    if evidence is None:
        raise DataError("a record needs evidence: settle with evidence=True")
    used = (
        case.sites if len(case.sites) <= len(evidence.meter) else case.sites.loc[case.sites.index.isin(_involved(case))]
    )
    sites = used.reset_index().merge(evidence.meter.reset_index(), on=SITE, how="left")
    events = case.events
    return sealed(
        {
            "format": FORMAT,
            "cblcast": cblcast.__version__,
            "meter": {"file": str(case.data), "read_as": _options(case.reader), "sites": rows_of(sites)},
            "events": {"sha256": events_digest(events), "rows": rows_of(events)},
            "other_events": [] if wishes.other_events is None else rows_of(wishes.other_events),
            "rules": [rule_entry(program) for program in told.programs],
            "calendar": _calendars(told.programs, used, events),
            "contract": contract_entry(wishes.contract),
            "prices": _prices(wishes.prices, events),
            "resource_members": None if wishes.resources is None else _resources(wishes.resources),
            "wishes": {"coverage": wishes.coverage, "calibration": asdict(wishes.calibration)},
            **results_of(told),
        }
    )


def _involved(case: Case) -> pd.Index:
    """Sites of a large file that have an event; of a panel all, since a rule may look at others."""
    return pd.Index(case.events[SITE].unique()) if case.panel is None else case.sites.index


def _options(reader: ReaderOptions) -> dict[str, Any]:
    """The options that are not the defaults; the sites stand in the record itself."""
    given = {name: value for name, value in reader.given.items() if name != "sites"}
    return {name: value if isinstance(value, (bool, dict)) else str(value) for name, value in given.items()}


def _calendars(programs: tuple[Program, ...], sites: pd.DataFrame, events: pd.DataFrame) -> list[dict[str, Any]]:
    """For each rule and place, the hash of the kinds of day of the years that the events look back on."""
    at = microseconds(events["start"])
    first, count = calendar_days(int(at.min()), int(at.max()))
    place = [name for name in ("country", "subdivision", "holidays") if name in sites.columns]
    some = sites.drop_duplicates(["tz", *place])
    # A panel of nothing but its sites: day types ask it for no more.
    index = pd.MultiIndex.from_product(
        [some.index.astype("str"), pd.DatetimeIndex(np.array([0, 3_600_000_000]).view("M8[us]")).tz_localize("UTC")],
        names=PANEL_INDEX,
    )
    bare = Panel(pd.DataFrame({"observed_kw": 0.0}, index=index), some)
    found = []
    for program in programs:
        codes = site_day_types(bare, program.day_types, first, count)
        for (_, site), code in zip(bare.sites.iterrows(), codes, strict=True):
            told = {name: _or_none(site[name]) for name in ("tz", *place)}
            years = [str(np.int64(day).astype("M8[D]")) for day in (first, first + count - 1)]
            found.append({"rule": program.name, **told, "days": years, "sha256": digest(code.tolist())})
    return found


def _or_none(value: Any) -> Any:
    return None if pd.isna(value) else str(value)


def _prices(prices: pd.Series | None, events: pd.DataFrame) -> dict[str, Any] | None:
    """The prices from a day before the first to a day after the last event."""
    if prices is None:
        return None
    near = (microseconds(prices.index) >= microseconds(events["start"]).min() - DAY_US) & (
        microseconds(prices.index) <= microseconds(events["stop"]).max() + DAY_US
    )
    rows = rows_of(pd.DataFrame({"time": prices.index[near], "price_per_kwh": prices[near].to_numpy()}))
    return {"sha256": digest(rows), "rows": rows}


def _resources(resources: Resources) -> dict[str, Any]:
    members = rows_of(resources.members)
    commitments = [] if resources.commitments is None else rows_of(resources.commitments)
    return {"sha256": digest([members, commitments]), "members": members, "commitments": commitments}


def read_record(path: Path) -> dict[str, Any]:
    """A record from its file, whole and unchanged."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"the record {path.name!r} cannot be read ({error.strerror}): check its path") from None
    except ValueError:
        raise DataError(f"the record {path.name!r} is no JSON, or was cut: take the original") from None
    return check_seal(document, path.name)


@dataclass(frozen=True)
class Again:
    """A settlement made again from its record.

    Attributes
    ----------
    record, found : dict
        The record, and that of the second settlement.
    changed : list of str
        Sites whose readings differ.
    told : Settlement
    """

    record: Mapping[str, Any]
    found: Mapping[str, Any]
    changed: list[str]
    told: Settlement

    @property
    def differences(self) -> list[str]:
        """Where the results differ, in words."""
        parts = [differences(self.record[name], self.found[name], name) for name in ("calendar", *RESULTS)]
        return [words for part in parts for words in part]

    @property
    def lines(self) -> pd.DataFrame:
        """Line by line, see :func:`cblcast.settlement.record.line_differences`."""
        return line_differences(self.record, self.found)


def settle_again(path: Path, data: str | Path | None = None, working: Working = ALONE) -> Again:
    """Settle by a record: its events, rules, contract and options, with its own meter file or another.

    Parameters
    ----------
    data : path, optional
        Revised readings; the file that the record names unless given.
    """
    record = read_record(path)
    case, wishes, programs = case_of(record, data, working)
    told = case.settle(programs, wishes, working.asked(case.data))
    if told.evidence is None:
        raise DataError("the second settlement kept no evidence")
    changed = changed_meters(record["meter"]["sites"], told.evidence.meter)
    return Again(record, record_document(case, told, wishes), changed, told)


def case_of(
    record: Mapping[str, Any], data: str | Path | None = None, working: Working = ALONE, whole: bool = False
) -> tuple[Case, Wishes, list[Program]]:
    """What a record settled: meter and events, terms and rules."""
    sites = pd.DataFrame(record["meter"]["sites"])
    sites = sites.drop(
        columns=[name for name in ("sha256", "first", "last", "step_minutes", "metered", "missing") if name in sites]
    )
    known = sites.dropna(axis="columns", how="all")
    reader = ReaderOptions(**record["meter"]["read_as"], sites=known)
    contract = None if record["contract"] is None else Contract(**_terms(record["contract"]["terms"]))
    prices = None
    if record["prices"] is not None:
        rows = pd.DataFrame(record["prices"]["rows"])
        prices = pd.Series(rows["price_per_kwh"].to_numpy(float), index=pd.to_datetime(rows["time"], utc=True))
    resources = None
    if record["resource_members"] is not None:
        own = record["resource_members"]
        commitments = pd.DataFrame(own["commitments"]) if own["commitments"] else None
        resources = Resources(pd.DataFrame(own["members"]), commitments)
    other = _events(record["other_events"]) if record["other_events"] else None
    asked = record["wishes"]
    days = Calibration(**asked["calibration"])
    wishes = Wishes(contract, prices, asked["coverage"], days, other_events=other, resources=resources, evidence=True)
    programs = programs_of(record)
    whole = whole or wishes.on_sums or any(program.family == "control_group" for program in programs)
    path = Path(data or record["meter"]["file"])
    case = open_case(path, _events(record["events"]["rows"]), reader, working=working, whole=whole)
    return case, wishes, programs


def programs_of(record: Mapping[str, Any]) -> list[Program]:
    """The rules of a record."""
    return [_program(rule["terms"]) for rule in record["rules"]]


def _program(terms: Mapping[str, Any]) -> Program:
    """A rule from its terms; one vintage of several keeps the name that says which it is."""
    name = str(terms["name"])
    return Program(**{**terms, "name": name.partition("@")[0]}).model_copy(update={"name": name})


def _terms(terms: Mapping[str, Any]) -> dict[str, Any]:
    """Terms as a contract takes them: the keys of JSON are text."""
    found = dict(terms)
    for name, kind in (("energy_price", int), ("performance", float)):
        if isinstance(found.get(name), dict):
            found[name] = {kind(key): value for key, value in found[name].items()}
    return found


def _events(rows: list[dict[str, Any]]) -> pd.DataFrame:
    table = pd.DataFrame(rows)
    for name in ("start", "stop", "notified"):
        if name in table.columns:
            table[name] = pd.to_datetime(table[name], utc=True).dt.as_unit("us")
    return table


def verified(again: Again) -> list[str]:
    """What a second settlement found otherwise than the record, in words; empty if nothing."""
    found = [f"the readings of site {site!r} are not those of the record" for site in again.changed]
    other = again.differences
    version = again.record["cblcast"]
    if (found or other) and version != cblcast.__version__:
        found.append(f"the record was written by cblcast {version}, and this is {cblcast.__version__}")
    return found + other
