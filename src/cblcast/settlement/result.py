"""What a settlement holds, and how the settlements of some of the sites are joined to that of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from cblcast.frames.schema import OBSERVED, ORIGIN, PREDICTED, SITE, TIME, DataError
from cblcast.programs.model import Program
from cblcast.settlement.estimate import PROBLEM_COLUMNS
from cblcast.settlement.limits import PRIVATE, Calibration
from cblcast.settlement.placebo_errors import Trial
from cblcast.settlement.portfolios import portfolio_table
from cblcast.settlement.sums import add_sums
from cblcast.value.contract import Contract


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
        (see :func:`cblcast.settlement.limits.with_limits`), and with a contract its payments.
    portfolio : DataFrame
        One row a program and event hours, in both orders (see :func:`cblcast.settlement.portfolios.portfolio_table`).
    scored : DataFrame, index (site_id, origin, time)
        The scored frame of every interval, as a backtest has it (``method`` is the program), and ``unadjusted_kw``; empty
        unless asked for.
    intervals : DataFrame
        One row a program, site, event and interval [kW]; empty unless asked for.
    problems : DataFrame
        ``program`` (empty: all), ``site_id``, ``start``, ``reason`` of what was not settled.
    """

    events: pd.DataFrame
    portfolio: pd.DataFrame
    scored: pd.DataFrame
    problems: pd.DataFrame
    programs: tuple[Program, ...] = field(default=())

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


@dataclass(frozen=True)
class Wishes:
    """What is asked of a settlement beside its energies; see :func:`cblcast.settlement.settle`."""

    contract: Contract | None = None
    prices: pd.Series | None = None
    coverage: float | None = None
    calibration: Calibration = field(default_factory=Calibration)
    keep_intervals: bool = False
    portfolio: bool = True


@dataclass
class Part:
    """The settlement of some of the sites: frames by program, to be joined by :func:`finish`."""

    events: list[pd.DataFrame] = field(default_factory=list)
    sums: list[pd.DataFrame] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    scored: list[pd.DataFrame] = field(default_factory=list)
    problems: list[pd.DataFrame] = field(default_factory=list)


def finish(programs: tuple[Program, ...], parts: Sequence[Part], wishes: Wishes) -> Settlement:
    """Join parts whose sites differ, and sum the portfolios over all of them."""
    events = [pd.concat([part.events[k] for part in parts], ignore_index=True) for k in range(len(programs))]
    portfolios = []
    for k, program in enumerate(programs):
        if not wishes.portfolio:
            break
        trial = Trial.join([part.trials[k] for part in parts]) if wishes.coverage is not None else None
        sums = add_sums([part.sums[k] for part in parts])
        portfolios.append(portfolio_table(program, sums, events[k], trial, wishes.coverage, wishes.calibration))
    problems = [problem for part in parts for problem in part.problems if len(problem)]
    return Settlement(
        pd.concat(events, ignore_index=True).drop(columns=PRIVATE, errors="ignore"),
        pd.concat(portfolios, ignore_index=True) if portfolios else pd.DataFrame(),
        pd.concat([rows for part in parts for rows in part.scored]) if wishes.keep_intervals else pd.DataFrame(),
        pd.concat(problems, ignore_index=True) if problems else pd.DataFrame(columns=PROBLEM_COLUMNS),
        programs,
    )
