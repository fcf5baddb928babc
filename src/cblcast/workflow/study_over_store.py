"""A study judged over a store, some sites at a time: methods that learn nothing, or from each site's own history alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cblcast.abilities import learns
from cblcast.config import Study
from cblcast.forecast.evaluation import evaluate
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.schema import SITE, DataError, StudyError
from cblcast.scaling import Outcome, StorePiece, cut
from cblcast.workflow.judging_over_store import board_of_sites
from cblcast.workflow.leaderboard import scale_of, wanted_metrics
from cblcast.workflow.settlement_case import open_sites
from cblcast.workflow.studies import judge
from cblcast.workflow.study_data import dressed, prepare
from cblcast.workflow.working import ALONE, Working

MEASURES, EXCLUDED = "measures", "excluded"


@dataclass(frozen=True)
class JudgeStudyPiece:
    """Trains and judges the methods of a study on the sites of a piece."""

    study: Study

    def __call__(self, piece: StorePiece) -> Mapping[str, pd.DataFrame]:
        """Measures by method and site, and the events without an estimate."""
        panel = dressed(self.study, piece.panel())
        result = judge(prepare(self.study, panel)).backtest
        excluded = result.excluded[["method", SITE, "origin", "reason"]]
        if result.scored.empty:
            return {EXCLUDED: excluded}
        told = evaluate(result.scored, ["method", SITE], wanted_metrics(self.study), scale=scale_of(self.study, panel))
        return {MEASURES: told.drop(columns="n_sites").reset_index(), EXCLUDED: excluded}


def evaluate_study_store(study: Study, working: Working = ALONE) -> tuple[pd.DataFrame, pd.DataFrame, Outcome]:
    """Leaderboard of a study whose panel is a store, the events without an estimate, and what became of the partitions.

    The same table as :func:`cblcast.workflow.studies.run_study` makes of the whole panel; nothing is tracked.

    Raises
    ------
    StudyError
        A method or a section of the study that needs all sites at once.
    """
    refuse_at_once(study)
    data = Path(str(study.data.panel))
    store, sites = open_sites(data, study.data.reader)
    if study.data.sites is not None:
        sites = sites.loc[sites.index.isin(list(study.data.sites))]
    asked = working.asked(data)
    parts = cut(store, sites, asked.size_for(store))
    if not parts.pieces:
        raise DataError(f"no site of the study is in {data.name}: check sites:")
    outcome = asked.over(JudgeStudyPiece(study), parts, ("study", study))
    by_site, excluded = (outcome.table(name).reset_index(drop=True) for name in (MEASURES, EXCLUDED))
    if by_site.empty:
        raise DataError(f"no event could be estimated; the first reason: {excluded['reason'].iloc[0]}")
    return board_of_sites(study, by_site, excluded, list(study.forecasters())), excluded, outcome


def refuse_at_once(study: Study) -> None:
    """Raise :class:`StudyError` for what needs all sites at once."""
    for name, forecaster in study.forecasters().items():
        if not by_site_alone(forecaster):
            raise StudyError(
                f"{name} learns from all sites at once, and a store is judged some sites at a time: take rules, or "
                "PerSite around the method, or train it out of core, which judges it too (cblcast train)"
            )
    sections = {
        "refit": study.refit,
        "value": study.value,
        "intervals": study.intervals,
        "data.portfolio": study.data.portfolio,
        "events.like": study.events.like,
        "events.file": study.events.file,
    }
    there = next((name for name, section in sections.items() if section is not None), None)
    if there is not None:
        raise StudyError(f"{there}: needs all sites at once, and a store is judged some sites at a time: leave it out")
    if study.aggregate != "per_site":
        raise StudyError(f"aggregate: {study.aggregate} needs all rows at once: over a store take per_site")


def by_site_alone(forecaster: Forecaster) -> bool:
    """Whether what a method says of a site does not depend on other sites."""
    estimator = forecaster.estimator
    if not learns(estimator):
        return True
    own = getattr(estimator, "pooled", True) is False  # as PerSite says of itself
    return own and getattr(estimator, "fallback", None) is None
