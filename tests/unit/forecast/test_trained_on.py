"""A model used beyond its training says so once, in one sentence; a rule, and a model at home, say nothing."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.errors import DataWarning
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.forecast.scoring import score_events
from cblcast.forecast.trained_on import TrainedOn, differences
from cblcast.frames.panel import Panel


@pytest.fixture(scope="module")
def panel() -> Panel:
    whole = datasets.load("cambridge_sme").select(["b1", "b14"])
    time = whole.data.index.get_level_values("time")
    return Panel(whole.data[(time >= "2018-03-01") & (time < "2018-06-01")], whole.sites)


@pytest.fixture(scope="module")
def trained(panel) -> Forecaster:
    made = Forecaster(make_estimator("Ridge"), {"reference_days": {"days": 5}}, name="ridge")
    home = panel.select(["b1"])
    return made.fit(home, made.cases(home, placebo_events(home, "10:00", "12:00", first="2018-04-16")))


def events(panel: Panel) -> pd.DataFrame:
    return placebo_events(panel, "10:00", "12:00", first="2018-05-24", last="2018-05-25")


def changed(panel: Panel, *, times: float = 1.0, **sites: str) -> Panel:
    data = panel.data.assign(observed_kw=panel.data["observed_kw"] * times)
    return Panel(data, panel.sites.assign(**sites))


def test_at_home_nothing_is_said(trained, panel):
    home = panel.select(["b1"])
    score_events(trained, home, events(home))  # warnings are errors here


def test_another_site_is_told_once_with_all_that_differs(trained, panel):
    away = changed(panel.select(["b14"]), times=1000.0, tz="Europe/Paris", country="FR", subdivision="")
    with pytest.warns(DataWarning) as caught:
        score_events(trained, away, events(away))
    said = [str(one.message) for one in caught if "beyond its training" in str(one.message)]
    assert len(said) == 1
    for part in ("other sites than 'b1'", "the zone 'Europe/Paris', not 'Europe/London'", "the country 'FR', not 'GB'",
                 "is the unit right", "recalibrate it"):  # fmt: skip
        assert part in said[0]


def test_kilowatts_that_were_watts_are_told_of_the_same_site(trained, panel):
    home = changed(panel.select(["b1"]), times=1000.0)
    assert differences(trained, home, events(home))[0].startswith("a mean load of ")


def test_another_step_is_told(trained):
    turin = datasets.load("turin")
    asked = pd.DataFrame({"site_id": turin.site_ids[:1]})
    assert "intervals of 15 min, not 60 min" in differences(trained, turin, asked)


def test_a_rule_has_nothing_to_tell(panel):
    rule = Forecaster(make_estimator("High5of10"))
    home = panel.select(["b1"])
    rule.fit(home, rule.cases(home, events(home)))
    assert rule.trained_on is None
    assert differences(rule, changed(panel, times=1000.0), events(panel)) == []


def test_calibrated_limits_tell_of_other_sites_themselves(panel, trained):
    made = Forecaster(make_estimator({"estimator": "Conformal", "of": "10of10"}), name="limits")
    made.sites, made.trained_on = trained.sites, trained.trained_on
    away = panel.select(["b14"])
    assert not any("other sites" in one for one in differences(made, away, events(away)))
    assert any("other sites" in one for one in differences(trained, away, events(away)))


def test_a_model_for_any_site_is_told_of_steps_alone(panel):
    made = Forecaster(make_estimator("High5of10"))
    made.trained_on = TrainedOn((15.0, 60.0), 0.0, np.inf, any_site=True)
    assert differences(made, changed(panel, times=1000.0), events(panel)) == []
    made.trained_on = TrainedOn((15.0, 30.0), 0.0, np.inf, any_site=True)
    with pytest.warns(
        DataWarning, match=r"trained on 15 or 30 min and is asked for intervals of 60 min.*give it shorter readings"
    ):
        score_events(made, panel, events(panel))


def test_what_was_noted_is_saved_and_an_older_model_says_nothing(trained, tmp_path):
    trained.save(tmp_path)
    assert Forecaster.load(tmp_path).trained_on == trained.trained_on
    assert trained.trained_on.steps_min == (60.0,)
    assert TrainedOn.read(None) is None
