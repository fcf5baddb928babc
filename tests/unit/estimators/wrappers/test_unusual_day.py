"""Days unlike their calendar, on two real buildings at the end of 2018, beside the slow obvious way."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.abilities import learns
from cblcast.days.placebo import placebo_events
from cblcast.errors import StudyError
from cblcast.forecast.answer import answer
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.forecast.scoring import score_events
from cblcast.frames.cases import View
from cblcast.frames.panel import Panel

VIEW = View.real_time(lead_in=2)


@pytest.fixture(scope="module")
def panel() -> Panel:
    whole = datasets.load("cambridge_sme").select(["b1", "b14"])
    time = whole.data.index.get_level_values("time")
    return Panel(whole.data[(time >= "2018-09-01") & (time < "2019-01-01")], whole.sites)


@pytest.fixture(scope="module")
def events(panel) -> pd.DataFrame:
    return placebo_events(panel, "17:00", "20:00", first="2018-12-10", last="2018-12-31")


def said(panel, events, view=VIEW, **params):
    spec = (
        {"estimator": "UnusualDay", "of": "WS-10of10", **params}
        if view == VIEW
        else {"estimator": "UnusualDay", "of": "10of10"}
    )
    return answer(Forecaster(make_estimator(spec), view=view), panel, events)


def test_the_days_before_new_year_are_closed_days_and_only_they_move(panel, events):
    found, plain = said(panel, events), answer(Forecaster(make_estimator("WS-10of10"), view=VIEW), panel, events)
    told = found.treatment
    assert told["treatment"].str.startswith("treated as a closed day: the load before the event is ").all()
    assert {str(day)[:10] for day in told["origin"]} == {"2018-12-24", "2018-12-27", "2018-12-28", "2018-12-31"}
    moved = pd.MultiIndex.from_frame(told[["site_id", "origin"]])
    asked = found.rows.index.droplevel("time").isin(moved)
    same = found.rows["predicted_kw"].to_numpy() == plain.rows["predicted_kw"].to_numpy()
    assert same[~asked].all()
    assert not same[asked].any()
    error = [(x.rows["predicted_kw"] - panel.data["observed_kw"].reindex(x.rows.index.droplevel("origin")).to_numpy())[asked]
             for x in (found, plain)]  # fmt: skip
    assert np.sqrt((error[0] ** 2).mean()) < np.sqrt((error[1] ** 2).mean())


def test_the_shares_are_those_of_the_slow_obvious_way(panel, events):
    X = said(panel, events).features
    load = panel.data["observed_kw"].loc["b14"].tz_convert("Europe/London")
    work, rest = [], []
    for day in pd.date_range("2018-12-26", "2018-11-01", freq="-1D"):  # newest first, before the 27th
        hours = load[str(day.date())].iloc[11:15].mean()
        closed = day.day_of_week >= 5 or str(day.date()) in ("2018-12-25", "2018-12-26")
        (rest if closed else work).append(hours)
    usual = np.median(work[:10])
    row = X.xs("b14").xs(pd.Timestamp("2018-12-27T17:00Z"), level="origin").iloc[0]
    assert row["unusual_seen_share"] == pytest.approx(load["2018-12-27"].iloc[11:15].mean() / usual, rel=1e-5)
    assert row["unusual_closed_share"] == pytest.approx(np.median(rest[:6]) / usual, rel=1e-5)


def test_what_is_hidden_changes_nothing(panel, events):
    data = panel.data.copy()
    late = data.index.get_level_values("time") >= pd.Timestamp("2018-12-28T15:00Z")
    data.loc[late, "observed_kw"] = 1e6
    one = events[events["start"] == pd.Timestamp("2018-12-28T17:00Z")].reset_index(drop=True)
    left, right = (said(each, one).features.filter(like="unusual_") for each in (panel, Panel(data, panel.sites)))
    pd.testing.assert_frame_equal(left, right)


def test_a_day_ahead_nothing_of_the_day_is_seen(panel, events):
    found = said(panel, events, View.day_ahead())
    assert found.features["unusual_seen_share"].isna().all()
    assert not found.treatment["treatment"].str.startswith("treated as a closed").any()


def test_a_level_that_fell_and_a_day_above_all_others_are_told(panel, events):
    data = panel.data.copy()
    site, time = (data.index.get_level_values(name) for name in ("site_id", "time"))
    data.loc[(site == "b1") & (time >= "2018-12-06"), "observed_kw"] *= 0.4
    data.loc[(site == "b14") & (time >= "2018-12-11") & (time < "2018-12-12"), "observed_kw"] *= 3.0
    first = events[events["start"] < "2018-12-12"].reset_index(drop=True)
    changed = Panel(data, panel.sites)
    ahead = said(changed, first, View.day_ahead()).treatment.set_index(["site_id", "origin"])["treatment"]
    assert ahead.loc[("b1", pd.Timestamp("2018-12-10T17:00Z"))].startswith("treated as after a fall of the level")
    far = said(changed, first, excursions=True).treatment.set_index(["site_id", "origin"])["treatment"]
    assert far.loc[("b14", pd.Timestamp("2018-12-11T17:00Z"))].startswith("treated as a day above all recent ones")
    assert not said(changed, first).treatment["treatment"].str.contains("above all").any()  # only if asked for


def test_scored_rows_say_what_their_event_was_treated_as(panel, events):
    made = Forecaster(make_estimator({"estimator": "UnusualDay", "of": "WS-10of10"}), view=VIEW)
    scored, _ = score_events(made, panel, events[events["start"].dt.day.isin([13, 27])].reset_index(drop=True))
    by_day = scored.groupby(scored["origin"].dt.day)["treatment"]
    assert by_day.get_group(13).isna().all()
    assert by_day.get_group(27).notna().any()


def test_limits_hold_both_where_the_estimate_was_and_where_it_went(panel, events):
    inner = {"estimator": "Adapted", "of": "10of10"}
    plain, moved = (answer(Forecaster(make_estimator(spec), view=VIEW), panel, events).rows
                    for spec in (inner, {"estimator": "UnusualDay", "of": inner}))  # fmt: skip
    assert (moved["lower_kw"] <= plain["lower_kw"] + 1e-9).all()
    assert (moved["upper_kw"] >= plain["upper_kw"] - 1e-9).all()
    assert (moved["lower_kw"] <= moved["predicted_kw"]).all()
    assert (moved["predicted_kw"] <= moved["upper_kw"]).all()


def test_a_rule_inside_needs_no_training_and_a_wrong_weight_is_refused():
    assert not learns(make_estimator({"estimator": "UnusualDay", "of": "10of10"}))
    with pytest.raises(StudyError, match="weight"):
        make_estimator({"estimator": "UnusualDay", "of": "10of10", "weight": 2})
