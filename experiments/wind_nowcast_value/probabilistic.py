"""Whole distributions of the nowcast of La Haute Borne: pinball loss, CRPS and coverage, train 2014, test 2015; and ARMA's nRMSE.

    python experiments/wind_nowcast_value/probabilistic.py    # bundled data, under a minute on one idle core

Writes results_probabilistic.json and scores_probabilistic.csv beside this file. Small on purpose: a net with intervals and a
quantile net of few epochs, not the blend of run.py.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import process_time
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/

import numpy as np
import pandas as pd
from claims import Record, above, between, claim, summary, within, write
from farm import RATED_KW, TEST, TRAIN, farm_with_weather
from nowcasts import LEADS_MIN, RICH_FEATURES
from run import Rows

from cblcast.estimators.learners.arma import ARMA
from cblcast.estimators.neural.lead_net import LeadNet
from cblcast.estimators.neural.quantile_net import QuantileNet
from cblcast.estimators.rules.persistence import Persistence
from cblcast.estimators.wrappers.lead_intervals import LeadIntervals
from cblcast.metrics import coverage, crps_from_quantiles, nrmse, pinball

HERE = Path(__file__).parent
LEVELS = np.round(np.arange(0.05, 0.96, 0.05), 2)  # evenly spaced; 0.1 and 0.9 bound the 80 % interval
FLOOR_KW = -60.0  # what a standing farm draws
# Hannan-Rissanen ARMA(3,2), iterated, by an earlier script on the same data
ARMA_NRMSE = {10: 4.14, 20: 5.95, 30: 7.02, 60: 9.05, 90: 10.39, 120: 11.45, 180: 13.08}


def climatology(train: Rows, test: Rows) -> np.ndarray:
    """Quantiles of the power of 2014, the same for every row."""
    found = np.empty((len(test.y), len(LEVELS)))
    for lead in LEADS_MIN:
        found[test.lead == lead] = np.quantile(train.y[train.lead == lead], LEVELS)
    return found


def persistence_ensemble(train: Rows, test: Rows) -> np.ndarray:
    """The last power plus quantiles of the errors that persistence made at the lead in 2014."""
    found = np.empty((len(test.y), len(LEVELS)))
    last, then = (rows.X["observed_kw_ago_1"].to_numpy() for rows in (test, train))
    for lead in LEADS_MIN:
        here, there = test.lead == lead, train.lead == lead
        found[here] = last[here, None] + np.quantile((train.y - then)[there], LEVELS)
    return found


def with_intervals(estimator: Any, train: Rows, test: Rows) -> np.ndarray:
    """An estimator with quantiles of its out-of-sample errors by lead and promised power."""
    wrapped = LeadIntervals(estimator, levels=tuple(LEVELS), folds=2, floor=FLOOR_KW, ceiling=RATED_KW)
    return wrapped.fit(train.X, train.y).predict_quantiles(test.X)


def quantile_net(train: Rows, test: Rows) -> np.ndarray:
    """One net for all leads and levels; the lead is a column. Trained on the errors of persistence."""
    net = QuantileNet(tuple(LEVELS), hidden=(96, 96), n_nets=1, epochs=4, dropout=0.1)
    last = [rows.X["observed_kw_ago_1"].to_numpy() for rows in (train, test)]
    X, asked = (rows.X.assign(lead_min=rows.lead.astype(np.float64)) for rows in (train, test))
    return net.fit(X, train.y - last[0]).predict_quantiles(asked) + last[1][:, None]


def judge(rows: Rows, quantiles: np.ndarray) -> dict[int, dict[str, float]]:
    """Scores of each lead, losses in % of rated power."""
    low, high = (int(np.flatnonzero(level == LEVELS)[0]) for level in (0.1, 0.9))
    found = {}
    for lead in LEADS_MIN:
        y, q = rows.y[rows.lead == lead] / RATED_KW * 100, quantiles[rows.lead == lead] / RATED_KW * 100
        loss = [pinball(y, q[:, k], level) for k, level in enumerate(LEVELS)]
        found[lead] = {
            "pinball": float(np.mean(loss)),
            "crps": crps_from_quantiles(y, q, LEVELS),
            "coverage": coverage(y, q[:, low], q[:, high]),
            "width": float((q[:, high] - q[:, low]).mean()),
        }
    return found


def skill(
    rows: Rows, lead: int, quantiles: np.ndarray, reference: np.ndarray, draws: int = 2000
) -> tuple[float, float]:
    """CRPS skill [%] and its standard error by a paired bootstrap of weeks."""
    here = rows.lead == lead
    week = np.unique(rows.week[here], return_inverse=True)[1]
    sums = []
    for q in (quantiles, reference):
        e = rows.y[here, None] - q[here]
        sums.append(np.bincount(week, np.maximum(LEVELS * e, (LEVELS - 1) * e).mean(1)))
    drawn = np.random.default_rng(0).integers(0, len(sums[0]), (draws, len(sums[0])))
    spread = 100 * (1 - sums[0][drawn].sum(1) / sums[1][drawn].sum(1))
    return float(100 * (1 - sums[0].sum() / sums[1].sum())), float(spread.std())


def arma_claims(test: Rows, predicted: np.ndarray) -> list[Record]:
    """ARMA's error beside that of the earlier script, which printed two decimals, so two are compared."""
    claims = []
    for lead, target in ARMA_NRMSE.items():
        here = test.lead == lead
        m = round(nrmse(test.y[here], predicted[here], RATED_KW), 2)
        text, source = f"nRMSE of ARMA(3,2), {lead} min", "quick script on the same data"
        claims.append(claim(text, source, m, "% of rated", within(target, 0.05)))
        print(text, m, "target", target, flush=True)
    return claims


def judged_claims(
    rows: Rows, found: dict[str, np.ndarray], scores: dict[str, dict[int, dict[str, float]]]
) -> list[Record]:
    """Skill against the simple distributions, and coverage, of the learned ones."""
    claims = []
    for name in ("net with intervals", "quantile net"):
        for lead in LEADS_MIN:
            for against in ("climatology", "persistence ensemble", "persistence with intervals"):
                value, error = skill(rows, lead, found[name], found[against])
                text = f"CRPS skill of the {name} against {against}, {lead} min"
                source, more = "own; ± standard error, weekly bootstrap", {"standard_error": round(error, 1)}
                claims.append(claim(text, source, value, "%", above(0), digits=1, **more))
            share = scores[name][lead]["coverage"]
            claims.append(claim(f"80 % interval of the {name} covers, {lead} min", "own", share, "%", between(78, 82)))
    return claims


def main() -> None:
    seconds: dict[str, float] = {}
    panel = farm_with_weather()
    lags = ARMA().required_features()
    train, test = (Rows(panel, span, LEADS_MIN, lags) for span in (TRAIN, TEST))
    began = process_time()
    arma = np.clip(ARMA().fit(train.X, train.y).predict(test.X), FLOOR_KW, RATED_KW)
    seconds["ARMA(3,2)"] = process_time() - began
    claims = arma_claims(test, arma)
    found = {"climatology": climatology(train, test), "persistence ensemble": persistence_ensemble(train, test)}
    began = process_time()
    found["ARMA(3,2) with intervals"] = with_intervals(ARMA(), train, test)
    seconds["ARMA(3,2) with intervals"] = process_time() - began
    found["persistence with intervals"] = with_intervals(Persistence(), train, test)
    rows = test
    train, test = (Rows(panel, span, LEADS_MIN, RICH_FEATURES) for span in (TRAIN, TEST))
    if not test.X.index.equals(rows.X.index):
        raise SystemExit("the methods would be scored on different rows")
    net = LeadNet((64, 32), n_nets=1, epochs=5, skip=True)
    learned = {
        "net with intervals": lambda: with_intervals(net, train, test),
        "quantile net": lambda: quantile_net(train, test),
    }
    for name, make in learned.items():
        began = process_time()
        found[name] = make()
        seconds[name] = process_time() - began
        print(name, round(seconds[name]), "s", flush=True)
    found = {name: np.clip(q, FLOOR_KW, RATED_KW) for name, q in found.items()}
    scores = {name: judge(rows, q) for name, q in found.items()}
    for measure in ("pinball", "crps", "coverage", "width"):
        print(f"\n{measure} [%]", *LEADS_MIN)
        for name, by_lead in scores.items():
            print(f"| {name} |", " | ".join(f"{by_lead[lead][measure]:.2f}" for lead in LEADS_MIN), "|", flush=True)
    claims += judged_claims(rows, found, scores)
    claims += [
        claim(f"processor seconds of {name}", "measured by this script", spent, "s", digits=1)
        for name, spent in seconds.items()
    ]
    write(HERE / "results_probabilistic.json", claims)
    table = {(name, lead): one for name, by_lead in scores.items() for lead, one in by_lead.items()}
    frame = pd.DataFrame.from_dict(table, orient="index").rename_axis(["method", "lead_min"])
    frame.round(3).to_csv(HERE / "scores_probabilistic.csv", lineterminator="\n")
    print(summary(claims))


if __name__ == "__main__":
    main()
