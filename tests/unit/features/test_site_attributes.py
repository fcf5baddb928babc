"""Attributes of sites as features: named values, strangers counted."""

import logging

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.errors import DataError
from cblcast.estimators.learned_baseline import LearnedBaseline
from cblcast.features.site_attributes import SiteAttributes
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.cases import View, make_cases
from cblcast.frames.panel import Panel


@pytest.fixture(scope="module")
def panel():
    whole = datasets.load("cambridge_sme").select(["b1", "b9", "b25"])
    time = whole.data.index.get_level_values("time")
    table = whole.sites.assign(segment=["home", "sme", "farm"], floor_area_m2=[90.0, 800.0, np.nan])
    return Panel(whole.data[(time >= "2018-01-01") & (time < "2018-07-01")], table)


@pytest.fixture(scope="module")
def cases(panel):
    return make_cases(panel, placebo_events(panel, "17:00", "20:00", first="2018-06-18"), View.real_time())


def test_numbers_and_named_values(panel, cases, caplog):
    builder = SiteAttributes(("floor_area_m2",), (("segment", ("home", "sme")),))
    with caplog.at_level(logging.INFO):
        found = builder(panel, cases)
    by_site = found.groupby("site_id").first()
    assert by_site["segment_is_home"].tolist() == [1.0, 0.0, 0.0]
    assert by_site["segment_is_sme"].tolist() == [0.0, 1.0, 0.0]
    assert list(by_site.index) == ["b1", "b25", "b9"]  # the order of the site table
    assert "1 of 3 sites have a segment that is not named" in caplog.text


def test_a_model_means_the_same_wherever_it_is_asked(panel, cases):
    builder = SiteAttributes((), (("segment", ("home", "sme")),))
    alone = panel.select(["b9"])
    rows = cases.loc[["b9"]]
    pd.testing.assert_frame_equal(builder(alone, rows), builder(panel, cases).loc[["b9"]])


def test_what_the_site_table_lacks_is_named(panel, cases):
    with pytest.raises(DataError, match="no column 'floor_area': did you mean 'floor_area_m2'"):
        SiteAttributes(("floor_area",))(panel, cases)
    with pytest.raises(DataError, match="site column 'segment' is str, not a number"):
        SiteAttributes(("segment",))(panel, cases)


def test_the_learned_baseline_takes_them_as_further_columns(panel):
    model = Forecaster(
        LearnedBaseline(n_estimators=5, extra=("segment_is_home",)),
        {"site_attributes": {"categories": [["segment", ["home", "sme"]]]}},
    )
    events = placebo_events(panel, "17:00", "20:00", first="2018-03-01", last="2018-06-20")
    fitted = model.fit(panel, model.cases(panel, events))
    assert "segment_is_home" in fitted.estimator.columns_
    assert fitted.predict(panel, model.cases(panel, events.tail(3)))["predicted_kw"].notna().all()
