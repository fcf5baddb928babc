"""Sufficiency, accuracy gates and recommendation on the bundled buildings."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.eligibility import Limits, certify, load_gates, recommend, sufficiency
from cblcast.eligibility.gates import gate_of
from cblcast.frames.panel import Panel
from cblcast.frames.schema import DataError, StudyError
from cblcast.metrics import rrmse
from cblcast.settlement import settle

RULES = ["caiso_10in10", "pjm_economic", "ercot_matching_day_pair"]


@pytest.fixture(scope="module")
def panel():
    whole = datasets.load("cambridge_sme").select(["b1", "b14", "b9"])
    return Panel(whole.data.loc[pd.IndexSlice[:, "2018-09-01":"2019-06-30"], ["observed_kw"]], whole.sites)


@pytest.fixture(scope="module")
def before(panel):
    return placebo_events(panel, "17:00", "20:00", first="2019-01-14", last="2019-03-15")


@pytest.fixture(scope="module")
def after(panel):
    return placebo_events(panel, "17:00", "20:00", first="2019-04-01", last="2019-06-14")


def spoiled(panel, first, last, value):
    data = panel.data.copy()
    data.loc[("b1", slice(first, last)), "observed_kw"] = value
    return Panel(data, panel.sites)


def test_good_data_have_no_reason_against_them(panel):
    told = sufficiency(panel)
    assert told["sufficient"].all()
    assert (told["reasons"] == "").all()
    assert (told["history_days"] >= 300).all()


@pytest.mark.parametrize(
    ("first", "last", "value", "reason"),
    [
        ("2019-02-01", "2019-02-09", np.nan, "gaps: 216 h in a row"),
        ("2019-02-01", "2019-02-06", 5.0, "frozen meter: 144 h of one and the same load"),
        ("2019-02-01", "2019-02-01 05:30", -1.0, "negative load: 0.08 % of intervals"),
        ("2019-01-01", "2019-03-31", np.nan, "gaps: 29.7 % not metered"),
        ("2018-09-01", "2019-05-31", np.nan, "history: 30 days metered, 60 needed"),
    ],
)
def test_every_reason_has_a_name(panel, first, last, value, reason):
    told = sufficiency(spoiled(panel, first, last, value))
    assert reason in told.loc["b1", "reasons"]
    assert told["sufficient"].tolist() == [False, True, True]


def test_a_plant_at_rest_is_no_frozen_meter_and_rows_before_the_first_reading_no_gap(panel):
    assert sufficiency(spoiled(panel, "2019-02-01", "2019-02-09", 0.0)).loc["b1", "sufficient"]
    assert sufficiency(spoiled(panel, "2018-09-01", "2018-10-31", np.nan)).loc["b1", "sufficient"]


def test_outages_are_counted_by_day(panel):
    data = panel.data.copy()
    nights = data.index.get_level_values("time").hour < 4
    data.loc[nights & (data.index.get_level_values("site_id") == "b1"), "observed_kw"] = np.nan
    told = sufficiency(Panel(data, panel.sites), Limits(missing_share=0.5))
    assert "outages: 100.0 % of days" in told.loc["b1", "reasons"]


def test_the_rrmse_is_that_of_the_settled_intervals(panel, before):
    told = certify(panel, before, ["pjm_match_day"]).set_index("site_id")
    site = before[before["site_id"] == "b14"]
    first = settle(panel, site.iloc[[5]], ["pjm_match_day"], keep_intervals=True).intervals
    assert told.loc["b14", "gate"] == "pjm"
    # The oracle: every placebo day settled on its own, so that no other day is masked.
    rows = pd.concat(
        [
            settle(panel, site.iloc[[k]], ["pjm_match_day"], keep_intervals=True, portfolio=False).intervals
            for k in range(0, len(site), 9)
        ]
    )
    some = certify(panel, site.iloc[::9], ["pjm_match_day"]).iloc[0]
    assert some["rrmse_pct"] == pytest.approx(rrmse(rows["metered_kw"], rows["baseline_kw"]))
    assert some["bias_pct"] == pytest.approx(100 * -rows["delivered_kw"].mean() * -1 / rows["metered_kw"].mean())
    assert len(first) == 3


def test_gates_are_kept_or_the_reason_is_given(panel, before):
    told = certify(panel, before, RULES, "pjm")
    over = told["rrmse_pct"] > 20
    assert 0 < over.sum() < len(told)
    assert (told["admissible"] == ~over).all()
    assert told.loc[over, "reasons"].str.match(r"RRMSE \d+\.\d % exceeds 20 %").all()
    aemo = gate_of("aemo")
    assert aemo.broken(10.0, -5.0) == ["bias -5.0 % exceeds 4 %"]
    assert aemo.broken(20.5, 4.5) == ["RRMSE 20.5 % exceeds 20 %", "bias +4.5 % exceeds 4 %"]
    assert aemo.broken(20.0, 4.0) == []
    assert aemo.broken(np.nan, np.nan) == ["no test event could be estimated"]
    assert load_gates()["kpx"].rrmse_pct == 30
    with pytest.raises(StudyError, match="no eligibility gate 'pjn'"):
        gate_of("pjn")


def test_a_rule_without_a_gate_is_held_to_the_loosest_known(panel, before):
    told = certify(panel, before, ["isone_10of10", "kpx_max4of5"]).set_index(["program", "site_id"])
    assert set(told.loc["isone_10of10", "gate"]) == {"kpx"}
    assert set(told.loc["isone_10of10", "gate_is"]) == {"loosest known"}
    assert set(told.loc["kpx_max4of5", "gate_is"]) == {"own"}
    # It was admissible at any error, and competed with rules that are held to theirs.
    own = told.loc["isone_10of10"]
    assert (own["admissible"] == (own["rrmse_pct"] <= 30)).all()
    asked = certify(panel, before, ["isone_10of10"], "pjm")
    assert set(asked["gate_is"]) == {"asked for"}


def test_a_rule_that_can_estimate_nothing_is_not_admissible(panel):
    early = placebo_events(panel, "17:00", "20:00", first="2018-09-03", last="2018-09-05")
    told = certify(panel, early, ["caiso_10in10"])
    assert not told["admissible"].any()
    assert (told["reasons"] == "no test event could be estimated").all()


def test_a_rule_that_passes_over_the_difficult_days_is_not_admissible(panel):
    # The data begin on 1 September: ten working days are there only from the 14th on.
    days = placebo_events(panel, "17:00", "20:00", first="2018-09-10", last="2018-09-28")
    told = certify(panel, days, ["caiso_10in10"])
    assert told["reasons"].str.fullmatch(r"only \d+ of \d+ test events could be estimated").all()
    assert not told["admissible"].any()
    assert certify(panel, days, ["caiso_10in10"], min_estimated=0.1)["admissible"].all()


def test_the_best_admissible_rule_is_chosen_before_and_judged_after(panel, before, after):
    told = recommend(panel, before, after, RULES, "pjm").loc["sme"]
    first, later = (certify(panel, events, RULES, "pjm") for events in (before, after))
    middle = first.groupby("program")["rrmse_pct"].median()
    assert told["rule"] == middle.idxmin()
    assert told["rrmse_pct"] == pytest.approx(later.groupby("program")["rrmse_pct"].median()[told["rule"]])
    assert told["best_rule_rrmse_pct"] <= told["rrmse_pct"]
    nothing = recommend(panel, before, after, ["ercot_meter_before_after"], "pjm", min_share=1.0).loc["sme"]
    assert nothing["rule"] == ""


def test_a_choice_is_not_judged_on_the_days_that_made_it(panel, before, after):
    with pytest.raises(DataError, match="must follow those that choose"):
        recommend(panel, after, before, RULES)
    with pytest.raises(DataError, match="learned methods need train_on"):
        recommend(panel, before, after, RULES, learned={"a": object()})


def test_learned_methods_stand_beside_the_rule(panel, before, after):
    from cblcast.estimators.learners.regression import Ridge
    from cblcast.forecast.forecaster import Forecaster

    train = placebo_events(panel, "17:00", "20:00", first="2018-11-01", last="2018-12-21")
    ridge = Forecaster(Ridge(), {"reference_days": {"days": 5}, "calendar": {}})
    told = recommend(panel, before, after, RULES, "pjm", learned={"Ridge": ridge}, train_on=train).loc["sme"]
    assert told["learned"] == "Ridge"
    assert 0 < told["learned_rrmse_pct"] < 100
