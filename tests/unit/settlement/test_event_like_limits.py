"""Limits on days like the event: the fault they mend by its figure, what marks them, and what a correction moves."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.errors import StudyError
from cblcast.frames.panel import Panel
from cblcast.settlement import settle
from cblcast.settlement.limits import Calibration
from cblcast.value.contract import Contract

RULE = "isone_10of10"


@pytest.fixture(scope="module")
def panel():
    whole = datasets.load("cambridge_sme")
    span = pd.IndexSlice[:, "2017-05-01":"2018-09-30"]
    return Panel(whole.data.loc[span, ["observed_kw", "temp_air_c"]], whole.sites)


@pytest.fixture(scope="module")
def hottest(panel):
    return placebo_events(panel, "17:00", "20:00", first="2018-06-01", last="2018-09-30", like="hottest", count=10)


@pytest.fixture(scope="module")
def told(panel, hottest):
    return settle(panel, hottest, [RULE], coverage=0.9)


def covered(table):
    """Share of rows whose limits hold the truth of a placebo event, which is no delivery."""
    return ((table["lower_kwh"] <= 0) & (table["upper_kwh"] >= 0)).mean()


def test_on_the_hottest_days_of_a_summer_ordinary_limits_fail_and_event_like_ones_hold(panel, hottest, told):
    # Nothing was dispatched, so the truth is zero; nine of ten limits should hold it.
    old = settle(panel, hottest, [RULE], coverage=0.9, calibration="ordinary")
    assert covered(old.portfolio) <= 0.6
    assert covered(old.events) <= 0.9
    assert covered(told.portfolio) >= 0.85
    assert covered(told.events) >= 0.85
    bias = told.portfolio["bias_kwh"].sum() / told.portfolio["metered_kwh"].sum()
    assert -0.12 < bias < -0.04  # the claims stand 8 % below the truth on these days, and that is foreseen


def test_the_calibration_is_said_and_few_like_days_are_marked(told):
    kinds = set(told.events["limits_from"])
    assert kinds == {"event_like", "event_like, few days"}
    few = told.events["limits_from"].str.endswith("few days")
    assert (told.events["like_days"][few] < 19).all()
    assert (told.events["like_days"][~few] >= 19).all()


def test_a_bias_correction_moves_the_claim_and_its_payment_but_not_the_limits(panel, hottest, told):
    contract = Contract(name="flat", currency="EUR", energy_price=0.5)
    some = hottest[hottest["start"] >= "2018-08-01"]
    plain, moved = (
        settle(panel, some, [RULE], contract, coverage=0.9, bias_correction=each, keep_intervals=True)
        for each in (False, True)
    )
    off = plain.events["delivered_kwh"] - moved.events["delivered_kwh"]
    np.testing.assert_allclose(off, plain.events["bias_kwh"])
    np.testing.assert_allclose(moved.events["bias_corrected_kwh"], plain.events["bias_kwh"])
    paid = [table.events["payment"].astype(float) for table in (moved, plain)]
    np.testing.assert_allclose(paid[0], paid[1] - 0.5 * off, atol=0.011)  # each is rounded to the cent
    for table, other in ((plain.events, moved.events), (plain.portfolio, moved.portfolio)):
        np.testing.assert_allclose(table[["lower_kwh", "upper_kwh"]], other[["lower_kwh", "upper_kwh"]])
    inside = moved.intervals.groupby(["site_id", "start"])["baseline_kw"].sum()
    np.testing.assert_allclose(inside, moved.events.set_index(["site_id", "start"])["baseline_kwh"].sort_index())
    assert "bias_corrected_kwh" not in plain.events


def test_a_bias_correction_without_limits_is_refused(panel, hottest):
    with pytest.raises(StudyError, match="give a coverage too"):
        settle(panel, hottest, [RULE], bias_correction=True)


def test_calibrations_are_checked():
    with pytest.raises(StudyError, match="event_like or ordinary days, not on 'hottest'"):
        Calibration("hottest")  # type: ignore[arg-type]
    with pytest.raises(StudyError, match="give at least one day"):
        Calibration(days_around=0)
    assert (Calibration().span, Calibration("ordinary").span) == ((400, 0), (60, 60))


def test_two_zones_in_one_portfolio_have_limits(panel, hottest):
    # The same UTC hours are 17-20 h in London and 18-21 h in Paris.
    sites = panel.sites.assign(tz=lambda table: np.where(table.index == "b1", "Europe/Paris", table["tz"]))
    mixed = Panel(panel.data, sites)
    some = hottest[hottest["site_id"].isin(["b1", "b14"]) & (hottest["start"] >= "2018-08-06")]
    both = settle(mixed, some, [RULE], coverage=0.9).portfolio
    same = settle(panel, some, [RULE], coverage=0.9).portfolio
    assert (both["n_sites"] == 2).all()
    for column in ("lower_kwh", "upper_kwh", "lower_sum_then_adjust_kwh"):
        assert both[column].notna().all()
        np.testing.assert_allclose(both[column], same[column], atol=0.2)


def test_no_later_day_is_seen(panel, hottest):
    some = hottest[hottest["start"] < "2018-07-10"]
    last = some["stop"].max()
    cut = Panel(panel.data[panel.data.index.get_level_values("time") < last + pd.Timedelta("1D")], panel.sites)
    whole, early = (settle(each, some, [RULE], coverage=0.9).events for each in (panel, cut))
    np.testing.assert_allclose(whole[["lower_kwh", "upper_kwh"]], early[["lower_kwh", "upper_kwh"]], rtol=1e-5)


def test_sites_tried_some_at_a_time_have_the_limits_of_all_at_once(panel, hottest, told, monkeypatch):
    monkeypatch.setattr("cblcast.settlement.placebo_errors.DAYS_AT_ONCE", 700)
    parts = settle(panel, hottest, [RULE], coverage=0.9)
    columns = ["lower_kwh", "upper_kwh", "bias_kwh", "like_days"]
    pd.testing.assert_frame_equal(parts.events[columns], told.events[columns])
    pd.testing.assert_frame_equal(parts.portfolio[columns], told.portfolio[columns])
    assert parts.portfolio["lower_sum_then_adjust_kwh"].notna().all()
