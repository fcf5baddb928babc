"""Judged on the hottest days, as programs are called: the bias there is shown beside the errors."""

from __future__ import annotations

import pytest

from cblcast.config import make_study
from cblcast.days.placebo import placebo_events
from cblcast.frames.schema import OBSERVED, PREDICTED
from cblcast.workflow.studies import judge
from cblcast.workflow.study_data import load_panel, prepare

DOCUMENT = {
    "study": "hottest",
    "data": {"dataset": "turin"},
    "events": {"start": "15:00", "stop": "18:00", "like": "hottest", "count": 6},
    "test": ["2019-06-01", "2019-08-31"],
    "pretrained": False,
    "methods": ["10of10", "Nearest5of10"],
}


def test_the_leaderboard_shows_the_bias_of_every_method_on_the_hottest_days():
    study = make_study(DOCUMENT)
    ready = prepare(study, load_panel(study))
    result = judge(ready)
    scored = result.backtest.scored
    days = scored.index.get_level_values("origin").unique()
    temperature = ready.panel.data["temp_air_c"].droplevel("site_id")
    all_days = placebo_events(ready.panel, "15:00", "18:00", first="2019-06-01", last="2019-08-31")
    mean = {start: temperature[start : start.normalize() + (stop - start.normalize())].mean()
            for start, stop in zip(all_days["start"], all_days["stop"], strict=True)}  # fmt: skip
    assert len(days) == 6
    assert min(mean[day] for day in days) > sorted(mean.values())[len(mean) // 2]
    board = result.leaderboard.set_index("method") if "method" in result.leaderboard else result.leaderboard
    for method in DOCUMENT["methods"]:
        rows = scored[scored["method"] == method]
        bias = 100 * (rows[PREDICTED] - rows[OBSERVED]).mean() / rows[OBSERVED].mean()
        assert board.loc[method, "mpe"] == pytest.approx(bias, rel=1e-6)
    assert board.loc["10of10", "mpe"] < 0  # days without such heat say too little
