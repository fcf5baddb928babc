"""The accuracy half of the nowcast paper on La Haute Borne: train 2014, test 2015, leads of 10 min to 3 h.

    python experiments/wind_nowcast_value/run.py            # bundled data, about ten minutes on two cores
    python experiments/wind_nowcast_value/run.py --part paper   # only the paper's methods, about half a minute

Writes results.json, nrmse.csv and nowcast_nrmse.png beside this file.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/

import numpy as np
import pandas as pd
from claims import Record, at_least, at_most, between, claim, summary, within, write
from farm import RATED_KW, TEST, TRAIN, farm_with_weather, measured_cases
from figure import draw
from nowcasts import LEADS_MIN, PAPER_FEATURES, RICH_FEATURES, learned_methods, paper_methods

from cblcast.estimators.wrappers.lead_intervals import LeadIntervals
from cblcast.features.matrix import matrix
from cblcast.forecast.forecaster import truth
from cblcast.frames.panel import Panel
from cblcast.frames.rolling import lead_minutes, rolling_origins
from cblcast.physics.wind import shear_exponent

HERE = Path(__file__).parent
TARGETS = {
    10: (4.08, 4.00),
    20: (5.72, 5.60),
    30: (6.60, 6.48),
    60: (7.98, 7.80),
    90: (8.65, 8.45),
    120: (9.03, 8.77),
    180: (9.42, 9.12),
}
SOURCES = {
    "persistence": (4.19, 6.06, 7.20, 9.38, 10.82, 12.00, 13.82),
    "AR by BIC": (4.14, 5.95, 7.03, 9.05, 10.39, 11.45, 13.07),
    "NWP through IEC curve": (12.1,) * 7,
    "NWP through own curve": (11.44,) * 7,
    "LR_no-obs (paper)": (10.65,) * 7,
    "LR_obs (paper)": (5.00, 6.42, 7.25, 8.64, 9.33, 9.75, 10.13),
    "LR_obs (power)": (4.12, 5.82, 6.77, 8.32, 9.12, 9.61, 10.09),
}


class Rows:
    """Features and truth of the training or the test year, with the lead of each row."""

    def __init__(self, panel: Panel, span: tuple[str, str], leads: tuple[int, ...], features: dict[str, Any]) -> None:
        cases = rolling_origins(panel, leads, first=span[0], last=span[1])
        cases = cases[measured_cases(panel, cases)]
        self.X = matrix(panel, cases, features)
        self.y, self.lead = truth(panel, cases), lead_minutes(cases, panel.step)
        self.week = (pd.DatetimeIndex(cases.index.get_level_values("time")).asi8 // (7 * 86_400_000_000)).astype(
            np.int64
        )


def run_paper(panel: Panel, score: Scores) -> None:
    """The paper's methods and the classical ones, lead by lead."""
    low, high = (
        float(np.hypot(panel.column(f"merra2_wind_u_{h}m_ms"), panel.column(f"merra2_wind_v_{h}m_ms")).mean())
        for h in (10, 50)
    )
    methods = paper_methods(shear_exponent(low, high, 10.0, 50.0))
    for lead in LEADS_MIN:
        train, test = (Rows(panel, span, (lead,), PAPER_FEATURES) for span in (TRAIN, TEST))
        for name, method in methods.items():
            began = perf_counter()
            predicted = method.fit(train.X, train.y).predict(test.X)
            # Regressions do not know that a farm neither takes power for long nor gives more than its rating.
            floor = 0.0 if name == "LR_no-obs (power)" else -60.0
            score.add(name, test, np.clip(predicted, floor, RATED_KW), perf_counter() - began)


def run_learned(panel: Panel, score: Scores, intervals: bool) -> None:
    """Trees, nets and their mean; the mean with intervals."""
    train = Rows(panel, TRAIN, LEADS_MIN, RICH_FEATURES)
    test = Rows(panel, TEST, LEADS_MIN, RICH_FEATURES)
    methods = learned_methods()
    blend = methods.pop("blend")
    if intervals:
        judged = LeadIntervals(blend, levels=(0.1, 0.5, 0.9), folds=2, floor=-60.0, ceiling=RATED_KW)
        began = perf_counter()
        judged.fit(train.X, train.y)
        score.seconds["blend with intervals, 2 folds"] = perf_counter() - began
        blend = judged.estimator_
        low, high = judged.predict_interval(test.X).T
        for lead in LEADS_MIN:
            rows = test.lead == lead
            score.coverage[lead] = float(100 * ((test.y >= low) & (test.y <= high))[rows].mean())
        members = dict(zip(methods, blend.members_, strict=True))
    else:
        members = {}
        for name, method in methods.items():
            began = perf_counter()
            members[name] = method.fit(train.X, train.y)
            score.seconds[name] = perf_counter() - began
    predicted = {name: np.clip(member.predict(test.X), -60.0, RATED_KW) for name, member in members.items()}
    predicted["blend"] = np.mean(list(predicted.values()), axis=0)
    for name, values in predicted.items():
        score.add(name, test, values, 0.0)
    print(score.table().round(3).to_string(), "\ncoverage", score.coverage, flush=True)


class Scores:
    """Squared errors by method, lead and week."""

    def __init__(self) -> None:
        self.square: dict[tuple[str, int], pd.Series] = {}
        self.count: dict[tuple[str, int], pd.Series] = {}
        self.seconds: dict[str, float] = {}
        self.coverage: dict[int, float] = {}

    def add(self, name: str, rows: Rows, predicted: np.ndarray, seconds: float) -> None:
        for lead in np.unique(rows.lead).astype(int):
            here = rows.lead == lead
            error = pd.Series((predicted - rows.y)[here] ** 2).groupby(rows.week[here])
            self.square[name, lead], self.count[name, lead] = error.sum(), error.size()
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    def nrmse(self, name: str, lead: int) -> float:
        return float(100 * np.sqrt(self.square[name, lead].sum() / self.count[name, lead].sum()) / RATED_KW)

    def skill(self, name: str, against: str, lead: int, draws: int = 2000) -> tuple[float, float]:
        """Skill [%] and its standard error by a paired bootstrap of weeks."""
        a, b = self.square[name, lead], self.square[against, lead].reindex(self.square[name, lead].index)
        weeks = np.random.default_rng(0).integers(0, len(a), (draws, len(a)))
        drawn = 100 * (1 - np.sqrt(a.to_numpy()[weeks].sum(1) / b.to_numpy()[weeks].sum(1)))
        return float(100 * (1 - np.sqrt(a.sum() / b.sum()))), float(drawn.std())

    def table(self) -> pd.DataFrame:
        names = list(dict.fromkeys(name for name, _ in self.square))
        return pd.DataFrame({lead: {name: self.nrmse(name, lead) for name in names} for lead in LEADS_MIN})


def skill_claim(text: str, source: str, skill: tuple[float, float], least: float) -> Record:
    """A skill with its standard error; the skill itself is judged."""
    return claim(text, source, skill[0], "%", at_least(least), digits=1, standard_error=round(skill[1], 1))


def claims_of(score: Scores, rough: Scores | None) -> list[Record]:
    """Every target of the study beside what was measured."""
    found, table = [], score.table()
    for name, row in SOURCES.items():
        for lead, target in zip(LEADS_MIN, row, strict=True):
            m = round(table.at[name, lead], 2)  # the scripts printed two decimals, so two are compared
            text = f"nRMSE of {name}, {lead} min"
            found.append(claim(text, "quick scripts on the same data", m, "% of rated", within(target, 0.05)))
    if "blend" not in table.index:
        return found
    for lead, limits in TARGETS.items():
        m = round(table.at["blend", lead], 3)
        for kind, limit in zip(("must", "target"), limits, strict=True):
            text = f"nRMSE of the blend, {lead} min: {kind}"
            found.append(claim(text, "project target", m, "% of rated", at_most(limit), digits=3))
    source = "issue; ± standard error, weekly bootstrap"
    for lead in LEADS_MIN:
        for against, least in (("LR_obs (paper)", 10.0), ("persistence", 0.0)):
            text = f"skill of the blend against {against}, {lead} min"
            found.append(skill_claim(text, source, score.skill("blend", against, lead), least))
    for lead, share in score.coverage.items():
        text = f"80 % interval covers, {lead} min"
        found.append(claim(text, "project target", share, "%", between(78, 82), digits=1))
    if rough is None:
        return found
    raised = "NWP error raised by 15 %: skill of the blend against"
    for lead in LEADS_MIN:
        if lead >= 30:
            skill = rough.skill("blend", "LR_obs (paper)", lead)
            found.append(skill_claim(f"{raised} LR_obs, {lead} min", "project target", skill, 8.0))
        skill = rough.skill("blend", "persistence", lead)
        found.append(skill_claim(f"{raised} persistence, {lead} min", "project target", skill, 0.0))
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--part", choices=("paper", "all"), default="all")
    chosen = arguments.parse_args()
    score, rough = Scores(), None
    panel = farm_with_weather()
    run_paper(panel, score)
    print(score.table().round(2).to_string(), flush=True)
    if chosen.part == "paper":
        return
    run_learned(panel, score, intervals=True)
    print("seconds", score.seconds, flush=True)
    rough, worse = Scores(), farm_with_weather(error=0.15)
    run_paper(worse, rough)
    run_learned(worse, rough, intervals=False)
    print("NWP error raised by 15 %\n", rough.table().round(3).to_string(), rough.seconds, flush=True)
    table = pd.concat({"reanalysis": score.table(), "error raised by 15 %": rough.table()}, names=["weather", "method"])
    table.round(3).to_csv(HERE / "nrmse.csv", lineterminator="\n")
    claims = claims_of(score, rough)
    write(HERE / "results.json", claims)
    draw(score.table(), HERE / "nowcast_nrmse.png")
    print(summary(claims))


if __name__ == "__main__":
    main()
