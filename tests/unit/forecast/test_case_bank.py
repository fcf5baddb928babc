"""Features that are there already are not looked up again, and are what would be looked up."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.forecast.case_bank import banks_of, parts_of, training_banks
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.frames.cases import View
from cblcast.frames.panel import Panel

FEATURES = {
    "calendar": {},
    "weather": {},
    "reference_days": {},
    "day_history": {},
    "event_windows": {"hours_before": 4},
}


@pytest.fixture(scope="module")
def panel() -> Panel:
    whole = datasets.load("cambridge_sme")
    two = whole.select(list(whole.site_ids[:2]))
    time = two.data.index.get_level_values("time")
    return Panel(two.data[(time >= "2018-01-01") & (time < "2018-04-01")], two.sites)


@pytest.fixture(scope="module")
def events(panel: Panel) -> pd.DataFrame:
    return placebo_events(panel, "17:00", "20:00", first="2018-02-12")


def learner() -> Forecaster:
    return Forecaster(make_estimator("PBLM-Ridge"), FEATURES, View.settlement(), "PBLM-Ridge")


def test_a_part_of_a_bank_holds_what_would_be_looked_up_anew(panel, events):
    some = events[np.random.default_rng(1).random(len(events)) < 0.4].reset_index(drop=True)
    made = learner()
    whole = banks_of(panel, [made], events)
    whole[made.view].rows(made)
    part = parts_of(whole, some)[made.view]
    anew = banks_of(panel, [made], some)[made.view]
    for left, right in zip(part.rows(made), anew.rows(made), strict=True):
        pd.testing.assert_frame_equal(left, right, check_exact=True)
    first = part.features[next(iter(made.builders.values()))]
    assert len(first) == len(anew.cases) < len(whole[made.view].cases)


def test_a_part_looks_up_what_its_bank_has_not(panel, events):
    made = learner()
    part = banks_of(panel, [made], events)[made.view].part(events.head(5))
    X, cases = part.rows(made)
    assert len(X) == len(cases) == 5 * (3 + 2)
    pd.testing.assert_frame_equal(X, made.matrix(panel, cases), check_exact=True)


def test_an_event_of_one_site_is_not_that_of_another(panel, events):
    one = events[events["site_id"] == panel.site_ids[0]]
    made = learner()
    part = banks_of(panel, [made], events)[made.view].part(one)
    assert set(part.cases.index.get_level_values("site_id")) == {panel.site_ids[0]}
    assert part.cases.index.droplevel("time").nunique() == len(one)


def test_only_views_in_which_something_learns_have_training_cases(panel, events):
    rule = Forecaster(make_estimator("High5of10"), view=View.real_time())
    made = learner()
    banks = training_banks(panel, [rule, made, Forecaster(make_estimator("BW-High5of10"), view=made.view)], events)
    assert list(banks) == [made.view]
    scored = banks[made.view].cases["scored"].to_numpy()
    assert (~scored).sum() == (2 + 2) * len(events)  # the windows of all its methods: PBLM before, BW after
    assert training_banks(panel, [rule], events) == {}
