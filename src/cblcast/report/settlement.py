"""The page of a settlement, from its record: who is paid what for which events, by which rule, resting on which days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd

from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE
from cblcast.report.page import Bullets, Facts, Folded, Page, Part, Prose, Section, Source, Tiles, sections, table
from cblcast.report.settlement_days import days_section, events_section
from cblcast.report.words import Words
from cblcast.value.payments import MONEY_COLUMNS

MOST_LINES = 200
MOST_PARTS = 6  # customers that are named


@dataclass(frozen=True)
class Told:
    """A record and what a page says beside it.

    Attributes
    ----------
    record : mapping
        As :func:`cblcast.settlement.record.sealed` makes it.
    rules : mapping name -> text
        Each rule in words.
    customer : str
        Who is paid; the sites unless given.
    panel : Panel, optional
        The meter, where it is at hand.
    issued : datetime
    """

    record: Mapping[str, Any]
    rules: Mapping[str, str]
    issued: dt.datetime
    customer: str = ""
    panel: Panel | None = None

    @property
    def zones(self) -> dict[str, str]:
        """Zone of each site."""
        return {str(site[SITE]): str(site["tz"]) for site in self.record["meter"]["sites"]}

    def local(self, line: Mapping[str, Any], edge: str = "start") -> pd.Timestamp:
        """Start or stop of a line on the clock of its site."""
        zone = self.zones.get(str(line.get(SITE)), next(iter(self.zones.values()), "UTC"))
        return pd.Timestamp(line[edge]).tz_convert(zone)

    @property
    def lines(self) -> list[Mapping[str, Any]]:
        """One a rule, site and event."""
        return list(self.record["lines"])

    @property
    def currency(self) -> str:
        """Of the payments, empty without a contract."""
        contract = self.record["contract"]
        return "" if contract is None else str(contract["terms"]["currency"])


def settlement_page(told: Told, words: Words) -> Page:
    """The page of a settlement."""
    return Page(
        words("settlement"),
        words("settlement_title", period=_period(told)),
        words,
        sections(
            _verdict(told, words),
            _parties(told, words),
            _amounts(told, words),
            _resources(told, words),
            _missing(told, words),
            events_section(told, words),
            days_section(told, words),
            _rules(told, words),
            _record(told, words),
        ),
        told.issued,
        _customer(told, words),
    )


def _verdict(told: Told, words: Words) -> Section:
    record, totals = told.record, told.record["totals"]
    parts: list[Part] = []
    for total in totals:
        say = {
            "program": total["program"],
            "n": words.number(int(total["n_events"])),
            "delivered": words.number(total["delivered_kwh"], 1),
            "customer": _customer(told, words),
            "currency": told.currency,
        }
        paid = Decimal(total["payment"]) if told.currency else Decimal(0)
        key = "verdict_delivered" if not told.currency else "verdict_owed" if paid < 0 else "verdict_paid"
        key += "_one" if int(total["n_events"]) == 1 else ""
        parts.append(Prose(words(key, payment=words.number(abs(paid)), **say), "lead"))
    if len(totals) > 1:
        parts.append(Prose(words("several_rules", n=len(totals))))
    if len(totals) == 1:
        parts.append(_tiles(told, totals[0], words))
    if record["problems"]:
        parts.append(Prose(words("partial", n=words.number(len(record["problems"]))), "warning"))
    parts += [
        Prose(
            words("from_memory", program=rule["name"], parts=", ".join(rule["from_memory"]).replace("_", " ")),
            "warning",
        )
        for rule in record["rules"]
        if rule["from_memory"]
    ]
    return Section("verdict", words("verdict"), tuple(parts), in_mail=True)


def _tiles(told: Told, total: Mapping[str, Any], words: Words) -> Tiles:
    rule = told.record["rules"][0]
    delivered = f"{words.number(total['delivered_kwh'], 1)} kWh"
    n_events = words.number(int(total["n_events"]))
    tiles = [
        (
            delivered,
            words("delivered_tile"),
            words("limits_tile_one") if n_events == "1" else words("limits_tile", n=n_events),
        ),
        (words(f"certainty_{rule['certainty']}"), words("certainty_tile"), words("weakest")),
    ]
    if told.currency:
        paid = f"{words.number(Decimal(total['payment']))} {told.currency}"
        tiles.insert(0, (paid, words("payment_tile"), words("under", contract=told.record["contract"]["name"])))
    return Tiles(tuple(tiles))


def _customer(told: Told, words: Words) -> str:
    named = list(dict.fromkeys(str(line.get("resource") or line[SITE]) for line in told.lines))
    several = words("several_sites", n=words.number(len(named)))
    return told.customer or (", ".join(named) if len(named) <= MOST_PARTS else several)


def _period(told: Told) -> str:
    first, last = (edge(told.local(line, "start") for line in told.lines) for edge in (min, max))
    return f"{first:%Y-%m-%d} – {last:%Y-%m-%d}" if first.date() != last.date() else f"{first:%Y-%m-%d}"


def _parties(told: Told, words: Words) -> Section:
    record, contract = told.record, told.record["contract"]
    programs = [
        f"{rule['terms']['title']} ({rule['name']}{', ' + rule['terms']['vintage'] if rule['terms'].get('vintage') else ''})"
        for rule in record["rules"]
    ]
    pairs = [
        (words("customer"), _customer(told, words)),
        (words("sites"), ", ".join(told.zones) if len(told.zones) <= MOST_PARTS else words.number(len(told.zones))),
        (words("program"), "; ".join(programs)),
        (words("contract"), words("no_contract") if contract is None else str(contract["name"])),
        (words("period"), _period(told)),
        (words("issue_date"), f"{told.issued:%Y-%m-%d}"),
        (words("zone"), ", ".join(dict.fromkeys(told.zones.values()))),
        (words("settled_by"), f"cblcast {record['cblcast']}"),
        (words("seal"), str(record["seal"])),
    ]
    parts: list[Part] = [Facts(tuple(pairs))]
    if contract is not None:
        given = {key: value for key, value in contract["terms"].items() if value is not None}
        told_terms = tuple(f"{key.replace('_', ' ')}: {value}" for key, value in given.items())
        parts.append(Folded(words("terms"), (Bullets(told_terms),)))
    return Section("parties", words("parties"), tuple(parts), in_mail=True)


def _amounts(told: Told, words: Words) -> Section:
    parts: list[Part] = [Prose(words("note_amounts"), "note")]
    coverage = told.record["wishes"]["coverage"]
    if coverage is not None:
        parts.append(Prose(words("note_limits", pct=words.number(100 * coverage, 0)), "note"))
    for total in told.record["totals"]:
        own = [line for line in told.lines if line["program"] == total["program"]]
        parts.append(_amounts_table(told, own, total, words))
        if len(own) > MOST_LINES:
            parts.append(Prose(words("note_share", n=words.number(len(own) - MOST_LINES)), "note"))
    return Section("amounts", words("amounts"), tuple(parts), in_mail=True)


def _amounts_table(told: Told, own: Sequence[Mapping[str, Any]], total: Mapping[str, Any], words: Words) -> Part:
    limited = any(line.get("lower_kwh") is not None for line in own)
    money = [name for name in MONEY_COLUMNS if name in total and _matters(name, own)]
    energies = ("metered_kwh", "baseline_kwh", "delivered_kwh")
    site = ["site"] if len(told.zones) > 1 else []
    columns = [*words.each("events_column", *site, *energies), *([words("lower_upper")] if limited else [])]
    columns += [f"{words(name)} [{told.currency}]" for name in money]
    rows = [
        [
            _clock(told, line),
            *(str(line[SITE]) for _ in site),
            *(words.number(line[name], 1) for name in energies),
            *([_limits(line, words)] if limited else []),
            *(words.number(Decimal(line[name])) for name in money),
        ]
        for line in own[:MOST_LINES]
    ]
    foot = [
        words("total"),
        *("" for _ in site),
        *(words.number(total[name], 1) for name in energies),
        *([""] if limited else []),
    ]
    foot += [words.number(Decimal(total[name])) for name in money]
    numeric = [False, *(False for _ in site)] + [True] * (len(columns) - 1 - len(site))
    return table(words("amounts_by", program=total["program"]), columns, rows, numeric, totals=[foot])


def _matters(name: str, own: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a kind of payment is anything but zero; the payment itself always."""
    return name == "payment" or any(Decimal(line[name]) for line in own)


def _limits(line: Mapping[str, Any], words: Words) -> str:
    low, high = line.get("lower_kwh"), line.get("upper_kwh")
    return words.number(None) if low is None or high is None else words.between(low, high)


def _clock(told: Told, line: Mapping[str, Any]) -> str:
    start, stop = told.local(line, "start"), told.local(line, "stop")
    return f"{start:%Y-%m-%d %H:%M}–{stop:%H:%M}"


def _resources(told: Told, words: Words) -> Section:
    found = told.record["resources"]
    money = [name for name in MONEY_COLUMNS if any(name in row for row in found)]
    rows = [
        [str(row["resource"]), str(row["program"]), _clock(told, row), words.number(row.get("committed_kw"), 1),
         words.number(row.get("settled_kwh"), 1), *(words.number(Decimal(row[name])) for name in money)]
        for row in found[:MOST_LINES]
    ]  # fmt: skip
    columns = words.each("resource", "program", "events_column", "committed_kw", "settled_kwh")
    columns += [f"{words(name)} [{told.currency}]" for name in money]
    numeric = [False] * 3 + [True] * (len(columns) - 3)
    parts = (table(words("by_resource"), columns, rows, numeric),) if found else ()
    return Section("resources", words("by_resource"), parts, in_mail=True)


def _missing(told: Told, words: Words) -> Section:
    rows = [
        [_local_time(told, row), str(row[SITE]), str(row["program"] or "–"), str(row["reason"])]
        for row in told.record["problems"][:MOST_LINES]
    ]
    columns = words.each("events_column", "site", "program", "reason")
    parts = (table(words("missing_heading"), columns, rows, [False] * 4),) if rows else ()
    return Section("missing", words("missing_heading"), parts, in_mail=True)


def _local_time(told: Told, row: Mapping[str, Any]) -> str:
    """When the event began; of a file that cannot be read nobody knows."""
    return "–" if row["start"] is None else f"{told.local(row):%Y-%m-%d %H:%M}"


def _rules(told: Told, words: Words) -> Section:
    parts: list[Part] = []
    for rule in told.record["rules"]:
        evidence = rule["terms"].get("evidence", {})
        rows = [
            [part.replace("_", " "), words(f"certainty_{said['confidence']}"), f"{said['source']} ({said['as_of']})"]
            for part, said in evidence.items()
        ]
        caption = words("certainty_of", program=rule["name"])
        parts.append(table(caption, words.each("part", "certainty", "source"), rows, [False] * 3))
        if rule["name"] in told.rules:
            heading = words("rule_in_words", program=rule["name"])
            parts.append(Folded(heading, (Source(heading, told.rules[rule["name"]]),)))
    return Section("rules", words("rules_heading"), tuple(parts))


def _record(told: Told, words: Words) -> Section:
    record = told.record
    pairs = [(words("seal"), str(record["seal"])), (words("sha_events"), str(record["events"]["sha256"]))]
    pairs += [(words("file"), str(record["meter"]["file"]))]
    for site in record["meter"]["sites"][:MOST_PARTS]:
        pairs.append((words("sha_meter", site=site[SITE]), str(site["sha256"])))
    pairs += [(words("sha_rule", program=rule["name"]), str(rule["sha256"])) for rule in record["rules"]]
    if record["contract"] is not None:
        pairs.append((words("sha_contract"), str(record["contract"]["sha256"])))
    return Section("record", words("record_heading"), (Facts(tuple(pairs)), Prose(words("verify"), "note")))
