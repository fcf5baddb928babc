"""What a settlement holds, and how the settlements of some of the sites are joined to that of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast.frames.schema import OBSERVED, ORIGIN, PREDICTED, SITE, TIME, DataError
from cblcast.programs.model import Program
from cblcast.settlement.called import events_of_payees
from cblcast.settlement.estimate import PROBLEM_COLUMNS
from cblcast.settlement.evidence import Evidence
from cblcast.settlement.limits import PRIVATE
from cblcast.settlement.paying import by_order, pay
from cblcast.settlement.placebo_errors import Trial
from cblcast.settlement.portfolios import portfolio_table
from cblcast.settlement.sums import add_sums
from cblcast.settlement.wishes import Wishes


@dataclass(frozen=True)
class Settlement:
    """What was settled, and what could not be.

    Attributes
    ----------
    events : DataFrame
        One row a program, site and event: ``program``, ``site_id``, ``start``, ``stop``, ``hours``, ``metered_kwh``,
        ``baseline_kwh``, ``unadjusted_kwh``, ``delivered_kwh`` (baseline − metered; < 0 where the meter stood above the
        baseline, never clipped), ``delivered_kw`` (its mean), ``factor_raw``, ``factor`` (or shift [kW]),
        ``lower_kwh``, ``upper_kwh`` of the delivered energy, ``bias_kwh``, ``placebo_days``, ``like_days``, ``limits_from``
        (see :func:`cblcast.settlement.limits.with_limits`), ``certainty`` (the weakest of the rule's parts) and
        ``from_memory`` (those that nobody has confirmed); with a contract ``settled_kwh`` (delivered in the program's
        order, with losses) and its payments as decimals, with resources ``resource`` and the site's shares.
    portfolio : DataFrame
        One row a program and event hours, in both orders (see :func:`cblcast.settlement.portfolios.portfolio_table`).
    scored : DataFrame, index (site_id, origin, time)
        The scored frame of every interval, as a backtest has it (``method`` is the program), and ``unadjusted_kw``; empty
        unless asked for.
    intervals : DataFrame
        One row a program, site, event and interval [kW]; empty unless asked for.
    problems : DataFrame
        ``program`` (empty: all), ``site_id``, ``start``, ``reason`` of what was not settled.
    resources : DataFrame
        One row a program, resource and event with what the resource is paid; empty without resources.
    evidence : Evidence, optional
        What a record tells beside it, where it was asked for.
    zones : mapping site_id -> IANA zone
        Of the sites, where they are known: for those who print it.
    currency : str, optional
        Of the payments.
    """

    events: pd.DataFrame
    portfolio: pd.DataFrame
    scored: pd.DataFrame
    problems: pd.DataFrame
    programs: tuple[Program, ...] = field(default=())
    resources: pd.DataFrame = field(default_factory=pd.DataFrame)
    evidence: Evidence | None = None
    zones: Mapping[str, str] = field(default_factory=dict)
    currency: str | None = None

    @property
    def intervals(self) -> pd.DataFrame:
        """The scored frame as a settlement desk reads it, by program, site and event."""
        if self.scored.columns.empty:
            return pd.DataFrame()
        rows = self.scored.reset_index()
        return pd.DataFrame(
            {
                "program": rows["method"],
                SITE: rows[SITE],
                "start": rows[ORIGIN],
                TIME: rows[TIME],
                "metered_kw": rows[OBSERVED],
                "unadjusted_kw": rows["unadjusted_kw"],
                "baseline_kw": rows[PREDICTED],
                "delivered_kw": rows[PREDICTED] - rows[OBSERVED],
            }
        )

    @property
    def partial(self) -> bool:
        """Whether something was not settled: a caller then exits with 3, not 0."""
        return len(self.problems) > 0

    def write(self, path: Path) -> None:
        """Write the events as CSV or Parquet, by the name of the file."""
        if path.suffix == ".parquet":
            self.events.to_parquet(path, index=False)
        elif path.suffix == ".csv":
            self.events.to_csv(path, index=False)
        else:
            raise DataError(f"{path.name!r} is neither .csv nor .parquet: name the format by the ending")


@dataclass
class Part:
    """The settlement of some of the sites: frames by program, to be joined by :func:`finish`."""

    events: list[pd.DataFrame] = field(default_factory=list)
    sums: list[pd.DataFrame | None] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    scored: list[pd.DataFrame] = field(default_factory=list)
    problems: list[pd.DataFrame | None] = field(default_factory=list)
    called: pd.DataFrame = field(default_factory=pd.DataFrame)
    lines: list[pd.DataFrame] = field(default_factory=list)
    of_resources: list[pd.DataFrame] = field(default_factory=list)
    meter: pd.DataFrame = field(default_factory=pd.DataFrame)


def with_all_called(parts: Sequence[Part], called: pd.DataFrame) -> None:
    """Let parts know of all events that were called, of sites that no part has too: they count in what a month pays."""
    for part in parts:
        part.called = called.iloc[:0]
    parts[0].called = called


def finish(programs: tuple[Program, ...], parts: Sequence[Part], wishes: Wishes) -> Settlement:
    """Join parts whose sites differ, and sum the portfolios over all of them."""
    events = [pd.concat([part.events[k] for part in parts], ignore_index=True) for k in range(len(programs))]
    portfolios, paid, lines = [], [], []
    for k, program in enumerate(programs):
        own = [part.sums[k] for part in parts]
        sums = add_sums([each for each in own if each is not None]) if own[0] is not None else None
        if wishes.portfolio and sums is not None:
            trial = Trial.join([part.trials[k] for part in parts]) if wishes.coverage is not None else None
            portfolios.append(portfolio_table(program, sums, events[k], trial, wishes.coverage, wishes.calibration))
        if wishes.contract is not None and len(events[k]):
            events[k], of_resources, own_lines = _paid(wishes, program, events[k], parts, k, sums)
            paid.append(of_resources)
            lines.append(own_lines)
        events[k] = events[k].assign(certainty=program.confidence, from_memory=", ".join(from_memory(program)))
    problems = [problem for part in parts for problem in part.problems if problem is not None and len(problem)]
    told = pd.concat(events, ignore_index=True)
    return Settlement(
        told.drop(columns=[*PRIVATE, "days"], errors="ignore"),
        pd.concat(portfolios, ignore_index=True) if portfolios else pd.DataFrame(),
        pd.concat([rows for part in parts for rows in part.scored]) if wishes.keep_intervals else pd.DataFrame(),
        _in_order(programs, pd.concat(problems)) if problems else pd.DataFrame(columns=PROBLEM_COLUMNS),
        programs,
        pd.concat(paid, ignore_index=True) if paid and wishes.resources is not None else pd.DataFrame(),
        _evidence(told, events, lines, parts) if wishes.evidence else None,
    )


def _in_order(programs: tuple[Program, ...], problems: pd.DataFrame) -> pd.DataFrame:
    """Problems of all programs first, then of each, by site and start: the same however the sites were parted."""
    number = {name: place for place, name in enumerate(dict.fromkeys(program.name for program in programs))}
    place = problems["program"].map(number).fillna(-1)
    return problems.assign(place=place).sort_values(["place", SITE, "start"], kind="stable", ignore_index=True)[
        PROBLEM_COLUMNS
    ]


def _evidence(
    told: pd.DataFrame, events: Sequence[pd.DataFrame], lines: Sequence[pd.DataFrame], parts: Sequence[Part]
) -> Evidence:
    begins = np.cumsum([0, *map(len, events)])
    numbered = [own.assign(event=own["event"] + first) for own, first in zip(lines, begins, strict=False)]
    meter = pd.concat([part.meter for part in parts])
    return Evidence(
        meter[~meter.index.duplicated()].sort_index(),
        told["days"].tolist(),
        pd.concat(numbered, ignore_index=True) if numbered else pd.DataFrame(),
    )


def from_memory(program: Program) -> list[str]:
    """The parts of a rule that rest on memory alone."""
    return [part for part, said in program.evidence.items() if said.confidence == "M"]


def _paid(
    wishes: Wishes, program: Program, events: pd.DataFrame, parts: Sequence[Part], k: int, sums: pd.DataFrame | None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Payments by the events and intervals of all parts, of program number `k`, and these intervals."""
    contract = wishes.contract
    assert contract is not None
    begins = np.cumsum([0, *(len(part.events[k]) for part in parts)])
    lines = pd.concat(
        [
            part.lines[k].assign(event=part.lines[k]["event"] + first)
            for part, first in zip(parts, begins, strict=False)
        ],
        ignore_index=True,
    )
    if sums is not None:
        lines = by_order(program, events, lines, sums)
    called = pd.concat([part.called for part in parts], ignore_index=True)
    called = events_of_payees(called[called["payee"] != ""].drop_duplicates([SITE, "start"]))
    of_resources = None
    if wishes.on_sums:
        of_resources = pd.concat([part.of_resources[k] for part in parts], ignore_index=True)
    return (*pay(contract, wishes.resources, events, lines, called, of_resources), lines)
