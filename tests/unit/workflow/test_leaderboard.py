"""Which method stands first: each measure is best where it is best, not where it is smallest."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cblcast.config import make_study
from cblcast.forecast.backtest import BacktestResult
from cblcast.frames.panel import panel_of
from cblcast.workflow.leaderboard import leaderboard

TIMES = pd.date_range("2019-03-04T16:00Z", periods=10, freq="h").as_unit("us")
LOAD = np.full(10, 100.0)
# What each method says, and half the width of its limits: of ten hours they hold all, nine, six.
METHODS = {
    "wide": (LOAD - 8, 30.0),
    "right": (LOAD + 1 + 10 * (np.arange(10) == 9), 5.0),
    "narrow": (LOAD + np.arange(10), 5.5),
}


def board(metrics: list[str], **changes) -> list[str]:
    parts = []
    for method, (said, half) in METHODS.items():
        index = pd.MultiIndex.from_product([["a"], TIMES[:1], TIMES], names=["site_id", "origin", "time"])
        parts.append(
            pd.DataFrame(
                {"observed_kw": LOAD, "predicted_kw": said, "lower_kw": said - half, "upper_kw": said + half},
                index=index,
            ).assign(method=method, fold="test")
        )
    excluded = pd.DataFrame(columns=["method", "site_id", "origin", "reason"])
    study = make_study(
        {
            "study": "s", "data": {"dataset": "turin"}, "events": {"start": "17:00", "stop": "20:00"},
            "train": ["2019-01-01", "2019-02-01"], "test": ["2019-03-04", "2019-03-04"], "metrics": metrics,
            "methods": [{"name": name, "estimator": "XofY"} for name in METHODS], **changes,
        }
    )  # fmt: skip
    seconds = {name: {"train_s": 0.0, "predict_s": 0.0} for name in METHODS}
    result = BacktestResult(pd.concat(parts), excluded, study.forecasters(), seconds)
    panel = panel_of(pd.DataFrame({"site_id": "a", "time": TIMES, "observed_kw": LOAD}), tz="Europe/Rome")
    return list(leaderboard(study, panel, result).index)


@pytest.mark.parametrize(
    ("metrics", "first"),
    [
        (["coverage"], "right"),  # 90 of 100 asked for; the narrow limits hold least
        (["mpe"], "right"),  # +2 %, not the smallest, which is -8 %
        (["bias", "coverage"], "right"),
        (["nmbe"], "right"),
        (["interval_width"], "right"),
        (["mpe", "nrmse"], "right"),
    ],
)
def test_each_measure_ranks_by_its_own_best(metrics, first):
    assert board(metrics, intervals=0.9)[0] == first


def test_without_limits_of_the_study_coverage_is_measured_by_what_is_usual():
    assert board(["coverage"]) == ["right", "wide", "narrow"]


def test_limits_of_all_are_best_where_all_was_asked_for():
    assert board(["coverage"], intervals=0.99)[0] == "wide"
