"""A study of nowcasts by lead on the bundled farm: measures, intervals, what is left out, names in the store, figures."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.config import make_study
from cblcast.frames.panel import Panel
from cblcast.frames.rolling import lead_minutes
from cblcast.frames.schema import StudyError
from cblcast.report.lead_figures import reliability
from cblcast.workflow.by_lead import lead_figures, lead_metrics
from cblcast.workflow.studies import run_study

STUDY = {
    "study": "leads",
    "data": {"dataset": "la_haute_borne"},
    "events": {"every_min": 60, "horizon_min": 60},
    "train": ["2014-01-02", "2014-03-31"],
    "test": ["2014-04-01", "2014-04-30"],
    "scale": "rated_kw",
    "aggregate": "pooled",
    "metrics": ["nrmse", "crps", "pinball"],
    "intervals": 0.8,
    "methods": ["Persistence"],
}
HOLE = pd.Timestamp("2014-04-10T12:20Z")


@pytest.fixture(scope="module")
def judged():
    whole = datasets.load("la_haute_borne")
    time = whole.data.index.get_level_values("time")
    data = whole.data[(time >= "2014-01-01") & (time < "2014-05-02")].astype(np.float64)
    data.loc[("la_haute_borne", HOLE), "observed_kw"] = np.nan
    panel = Panel(data, whole.sites)
    study = make_study(STUDY)
    return study, panel, run_study(study, panel)


def test_measures_by_lead_are_those_of_the_rows_of_the_lead(judged):
    _, panel, result = judged
    table, scored = result.by_lead, result.backtest.scored
    assert list(table.index) == [("Persistence", lead) for lead in range(10, 70, 10)]
    lead = lead_minutes(scored, panel.step)
    for minutes in (10, 60):
        rows = scored[lead == minutes]
        error = (rows["predicted_kw"] - rows["observed_kw"]).to_numpy()
        assert table.loc[("Persistence", minutes), "nrmse"] == pytest.approx(100 * np.sqrt((error**2).mean()) / 8200)
        inside = (rows["observed_kw"] >= rows["lower_kw"]) & (rows["observed_kw"] <= rows["upper_kw"])
        assert table.loc[("Persistence", minutes), "coverage"] == pytest.approx(100 * inside.mean())
        assert table.loc[("Persistence", minutes), "n_intervals"] == len(rows)
    assert table["nrmse"].is_monotonic_increasing


def test_intervals_are_by_lead_and_cover_what_they_claim(judged):
    table = judged[2].by_lead
    assert table["interval_width"].is_monotonic_increasing
    # A month of spring after a winter: one standard error of its coverage is about 2, since hours of a day are alike.
    assert table["coverage"].between(74, 86).all()
    assert (table["crps"] < 2 * table["pinball"] * 1.001).all()
    scored = judged[2].backtest.scored
    assert scored["upper_kw"].max() <= 8200


def test_a_missing_target_leaves_out_its_interval_and_is_counted(judged):
    _, panel, result = judged
    origin = HOLE.floor("h")
    of_issue = result.backtest.scored.xs(origin, level="origin")
    assert len(of_issue) == 5
    assert HOLE not in of_issue.index.get_level_values("time")
    excluded = result.backtest.excluded.set_index("origin").loc[origin]
    assert (excluded["n_left_out"], excluded["n_intervals"], excluded["reason"]) == (1, 6, "intervals were not metered")
    board = result.leaderboard.loc["Persistence"]
    site = panel.data.loc["la_haute_borne", "observed_kw"]
    asked = site.loc["2014-03-31T22:00Z":"2014-04-30T21:59Z"]
    assert board["n_intervals"] + board["n_left_out"] == len(asked)
    assert board["n_intervals"] == np.isfinite(result.backtest.scored["predicted_kw"]).sum() <= asked.notna().sum()


def test_names_in_the_store_and_figures(judged):
    study, _, result = judged
    named = lead_metrics(result.by_lead, "Persistence")
    assert named["lead_030/nrmse_pct"] == result.by_lead.loc[("Persistence", 30), "nrmse"]
    assert {"lead_010/crps_kw", "lead_060/coverage_pct", "lead_060/n_intervals"} <= set(named)
    rows = result.backtest.scored
    for draw in lead_figures(study, result.by_lead, rows, "Persistence").values():
        figure = draw()
        assert figure.axes[0].get_xlabel()
    table = reliability(rows)
    assert len(table.index.unique("ahead")) == 3
    wrong = table["observed_share"] - table.index.get_level_values("level")
    assert np.abs(wrong).max() < 0.08


def test_a_list_in_of_says_how_an_ensemble_is_written():
    wrong = {**STUDY, "methods": [{"estimator": "Ensemble", "of": ["Persistence", "Persistence"]}]}
    with pytest.raises(StudyError, match=r"methods.0: of: holds one method, .* members: \[High5of10"):
        make_study(wrong)
