"""The most accurate admissible rule of each segment, chosen out of sample, against the most accurate learned one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast.eligibility.gates import certify
from cblcast.forecast.backtest import backtest
from cblcast.forecast.evaluation import evaluate
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE, DataError
from cblcast.programs import load_program
from cblcast.programs.model import Program


def recommend(
    panel: Panel,
    select_on: pd.DataFrame,
    judge_on: pd.DataFrame,
    programs: Sequence[str | Path | Program],
    gate: str | None = None,
    *,
    learned: Mapping[str, Forecaster] | None = None,
    train_on: pd.DataFrame | None = None,
    min_share: float = 0.5,
) -> pd.DataFrame:
    """Choose by one span of days, judge by a later one.

    Parameters
    ----------
    panel : Panel
        With real events masked; ``segment`` in its sites, else all are one segment.
    select_on, judge_on : DataFrame
        Placebo events by which rules are chosen, and later ones by which the choice is judged.
    gate : str, optional
        See :func:`~cblcast.eligibility.gates.certify`.
    learned : mapping name -> Forecaster, optional
        Trained on `train_on`, which must end before `select_on` begins.
    min_share : float
        A rule is admissible for a segment if it is for at least so many of its sites.

    Returns
    -------
    DataFrame, one row a segment
        ``rule``, ``admissible_share``, ``selected_rrmse_pct`` (on which it was chosen), ``rrmse_pct`` (later),
        ``best_rule_rrmse_pct`` (the best in hindsight), ``learned``, ``learned_rrmse_pct``; median over
        sites of the relative RMSE, a site that could not be estimated counting as infinite. ``rule`` is "" where none
        is admissible.
    """
    if pd.DatetimeIndex(judge_on["start"]).min() <= pd.DatetimeIndex(select_on["start"]).max():
        raise DataError("the days that judge must follow those that choose: end select_on before judge_on begins")
    chosen = [load_program(program) for program in programs]
    before, after = (certify(panel, events, chosen, gate) for events in (select_on, judge_on))
    segment = _segments(panel)
    rules = _by_segment(before, segment)
    later = _by_segment(after, segment)
    taught = _learned(panel, learned or {}, train_on, select_on, judge_on, segment)
    rows = []
    for name in sorted(set(segment)):
        own = rules.loc[rules.index.get_level_values("segment") == name].droplevel("segment")
        fit = own[(own["admissible"] >= min_share) & np.isfinite(own["rrmse_pct"])]
        row: dict[str, object] = {"segment": name, "rule": "", "admissible_share": 0.0}
        judged = later.loc[later.index.get_level_values("segment") == name].droplevel("segment")["rrmse_pct"]
        row["best_rule_rrmse_pct"] = float(judged.min())
        if len(fit):
            rule = str(fit["rrmse_pct"].idxmin())
            row |= {
                "rule": rule,
                "admissible_share": float(fit.loc[rule, "admissible"]),
                "selected_rrmse_pct": float(fit.loc[rule, "rrmse_pct"]),
                "rrmse_pct": float(judged.get(rule, np.nan)),
            }
        rows.append(row | taught.get(name, {}))
    return pd.DataFrame(rows).set_index("segment")


def _segments(panel: Panel) -> pd.Series:
    if "segment" in panel.sites.columns:
        return panel.sites["segment"].astype(object).where(panel.sites["segment"].notna(), "none").astype(str)
    return pd.Series("all", index=panel.site_ids)


def _by_segment(certified: pd.DataFrame, segment: pd.Series) -> pd.DataFrame:
    """Median RRMSE over all sites, and the share of them at which a rule is admissible."""
    # A site that a rule cannot estimate counts as the worst: the mean over the others would reward passing it over.
    named = certified.assign(
        segment=segment.reindex(certified[SITE]).to_numpy(), rrmse_pct=certified["rrmse_pct"].fillna(np.inf)
    )
    return named.groupby(["segment", "program"]).agg(
        rrmse_pct=("rrmse_pct", "median"), admissible=("admissible", "mean")
    )


def _learned(
    panel: Panel,
    learned: Mapping[str, Forecaster],
    train_on: pd.DataFrame | None,
    select_on: pd.DataFrame,
    judge_on: pd.DataFrame,
    segment: pd.Series,
) -> dict[str, dict[str, object]]:
    if not learned:
        return {}
    if train_on is None or pd.DatetimeIndex(select_on["start"]).min() <= pd.DatetimeIndex(train_on["start"]).max():
        raise DataError("learned methods need train_on, which ends before select_on begins")
    both = pd.concat([select_on, judge_on], ignore_index=True)
    scored = backtest(panel, learned, both, train_on).scored
    first = pd.DatetimeIndex(judge_on["start"]).min()
    late = scored.index.get_level_values("origin") >= first
    tables = []
    for part in (scored[~late], scored[late]):
        table = evaluate(part, by=("method", SITE), metrics=("rrmse",)).reset_index()
        table["segment"] = segment.reindex(table[SITE]).to_numpy()
        tables.append(table.groupby(["segment", "method"])["rrmse"].median())
    found: dict[str, dict[str, object]] = {}
    for name in tables[0].index.get_level_values("segment").unique():
        method = str(tables[0].loc[name].idxmin())
        found[str(name)] = {"learned": method, "learned_rrmse_pct": float(tables[1].loc[name].get(method, np.nan))}
    return found
