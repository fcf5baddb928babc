"""Accuracy gates of programs: RRMSE and bias of a rule at a site, on days without events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast.checked.yaml_files import parse_document
from cblcast.frames.events import check_events
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, PREDICTED, SITE, StudyError, nearest
from cblcast.metrics import rrmse
from cblcast.programs import load_program
from cblcast.programs.asking import local_days, rule_for, vintage_on
from cblcast.programs.meters import as_program_sees
from cblcast.programs.model import Program
from cblcast.settlement.estimate import estimate


@dataclass(frozen=True)
class Gate:
    """Largest errors of an admissible baseline [% of the mean load].

    Attributes
    ----------
    name, title, source, as_of, confidence : str
        As in a program file.
    rrmse_pct : float, optional
        Root mean squared error over the mean load, all intervals of all test events of a site.
    bias_pct : float, optional
        Mean error over the mean load, either way.
    mae_pct : float, optional
        Mean absolute error over the mean load.
    """

    name: str
    title: str
    source: str
    as_of: str
    confidence: str
    rrmse_pct: float | None = None
    bias_pct: float | None = None
    mae_pct: float | None = None

    def broken(self, rrmse_pct: float, bias_pct: float, mae_pct: float = 0.0) -> list[str]:
        """What is not kept, in words; a site that could not be judged does not pass."""
        if not np.isfinite(rrmse_pct):
            return ["no test event could be estimated"]
        words = []
        if self.rrmse_pct is not None and rrmse_pct > self.rrmse_pct:
            words.append(f"RRMSE {rrmse_pct:.1f} % exceeds {self.rrmse_pct:g} %")
        if self.bias_pct is not None and abs(bias_pct) > self.bias_pct:
            words.append(f"bias {bias_pct:+.1f} % exceeds {self.bias_pct:g} %")
        if self.mae_pct is not None and mae_pct > self.mae_pct:
            words.append(f"mean absolute error {mae_pct:.1f} % exceeds {self.mae_pct:g} %")
        return words


@lru_cache(maxsize=1)
def load_gates() -> dict[str, Gate]:
    """Every known gate by name, from the data file."""
    content = (files("cblcast.eligibility") / "gates.yaml").read_text(encoding="utf-8")
    document = parse_document(content, "gates.yaml", "table of gates")
    return {name: Gate(name=name, **terms) for name, terms in document.items()}


def gate_of(name: str) -> Gate:
    """A gate by name; an unknown one is an error that offers the nearest."""
    known = load_gates()
    if name not in known:
        raise StudyError(f"there is no eligibility gate {name!r}: {nearest(name, known)}")
    return known[name]


def loosest_gate() -> Gate:
    """The known gate that lets the largest error pass: what a program without a gate of its own is held to."""
    return max(load_gates().values(), key=lambda gate: gate.rrmse_pct or 0.0)


def site_errors(program: Program, panel: Panel, events: pd.DataFrame) -> pd.DataFrame:
    """Errors of a rule at each site over test events.

    Parameters
    ----------
    panel : Panel
        With real events masked.
    events : DataFrame
        Days without events, treated as if they had been (:func:`cblcast.days.placebo.placebo_events`).

    Returns
    -------
    DataFrame, index site_id
        ``rrmse_pct``, ``bias_pct`` (> 0 overestimates), ``mae_pct``, ``n_events`` estimated, ``n_failed``.
    """
    table = check_events(events, panel)
    panel = as_program_sees(program, panel)
    program = vintage_on(program, local_days(panel, table).max().astype("O"))
    said = estimate(program, panel, table)
    rows, number = said.rows[said.scored], said.event[said.scored]
    site = panel.site_codes(rows.index.get_level_values(SITE))
    observed, predicted = (rows[column].to_numpy(dtype=np.float64) for column in (OBSERVED, PREDICTED))
    known = np.isfinite(observed) & np.isfinite(predicted)
    asked = table.groupby(SITE, sort=True).size()
    found = {}
    for code in np.unique(site[known]):
        mine = known & (site == code)
        y, p = observed[mine], predicted[mine]
        mean = y.mean()
        bias = 100 * (p - y).mean() / mean if mean else np.nan
        absolute = 100 * np.abs(p - y).mean() / mean if mean else np.nan
        found[panel.site_ids[code]] = (rrmse(y, p), bias, absolute, len(np.unique(number[mine])))
    table_of = pd.DataFrame.from_dict(found, orient="index", columns=["rrmse_pct", "bias_pct", "mae_pct", "n_events"])
    told = table_of.reindex(asked.index).rename_axis(SITE)
    told["n_events"] = told["n_events"].fillna(0).astype(np.int64)
    return told.assign(n_failed=asked.to_numpy() - told["n_events"].to_numpy())


def certify(
    panel: Panel,
    events: pd.DataFrame,
    programs: Sequence[str | Path | Program],
    gate: str | None = None,
    min_estimated: float = 0.9,
) -> pd.DataFrame:
    """Which rules are admissible at which sites.

    Parameters
    ----------
    panel : Panel
        With real events masked.
    events : DataFrame
        Placebo events; PJM asks for two months of them.
    gate : str, optional
        One gate for all; else each program's own. A program without one is held to the loosest gate known, so that it
        does not compete at any error with programs that are held to theirs.
    min_estimated : float
        Least share of a site's test events that a rule must be able to estimate: one that passes over the difficult days
        would look more accurate than it is.

    Returns
    -------
    DataFrame
        ``site_id``, ``program``, ``gate``, ``gate_is`` ("own", "asked for" or "loosest known"),
        ``rrmse_pct``, ``bias_pct``, ``mae_pct``, ``n_events``, ``n_failed``, ``admissible``,
        ``reasons``.
    """
    tables = []
    for program in map(load_program, programs):
        name = gate or program.eligibility or loosest_gate().name
        whose = "asked for" if gate else "own" if program.eligibility else "loosest known"
        told = site_errors(rule_for(program, panel, events), panel, events).reset_index()
        broken = [_broken(row, name, min_estimated) for row in told.to_dict("records")]
        told.insert(1, "program", program.name)
        told.insert(2, "gate", name)
        told.insert(3, "gate_is", whose)
        tables.append(
            told.assign(admissible=[not each for each in broken], reasons=["; ".join(each) for each in broken])
        )
    return pd.concat(tables, ignore_index=True)


def _broken(row: dict[str, float], gate: str, min_estimated: float) -> list[str]:
    words = gate_of(gate).broken(row["rrmse_pct"], row["bias_pct"], row["mae_pct"])
    asked = row["n_events"] + row["n_failed"]
    if 0 < row["n_events"] < min_estimated * asked:
        words.append(f"only {row['n_events']:.0f} of {asked:.0f} test events could be estimated")
    return words
