"""Detectors on real load with cases put into it."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.frames.panel import Panel
from cblcast.frames.schema import StudyError
from cblcast.integrity import DETECTORS, over_events, screen, selection_bias, side_by_side
from cblcast.integrity.profile import profile
from cblcast.integrity.screen import hours_of
from cblcast.programs import load_program
from cblcast.settlement import settle


@pytest.fixture(scope="module")
def panel():
    whole = datasets.load("cambridge_sme").select(["b1", "b22", "b97"])
    return Panel(whole.data.loc[pd.IndexSlice[:, "2018-12-01":"2019-10-31"], ["observed_kw"]], whole.sites)


@pytest.fixture(scope="module")
def days(panel):
    return placebo_events(panel, "17:00", "20:00", first="2019-03-01", last="2019-07-31")


@pytest.fixture(scope="module")
def events(days):
    some = days.groupby("site_id", sort=True).nth([10, 25, 40, 55, 70, 85]).reset_index(drop=True)
    return some.assign(notified=some["start"] - pd.Timedelta("3h"))


def scaled(panel, events, pieces):
    """The load times (1 + share) in hours counted from each start."""
    load = panel.data["observed_kw"].to_numpy(dtype=float).copy()
    code = panel.site_codes(pd.Index(events["site_id"]))
    start = pd.DatetimeIndex(events["start"]).as_unit("us").asi8
    for first, last, share in pieces:
        for hour in range(first, last):
            load[panel.locate(code, start + hour * 3_600_000_000)] *= 1 + share
    return Panel(panel.data.assign(observed_kw=load), panel.sites)


def test_the_profile_is_the_gap_to_the_selected_days(panel, events):
    rule = load_program("gb_dfs")
    masked = panel.with_events(events)
    found = profile(rule, panel, masked, events)
    event = found.events.iloc[0]
    load = panel.data.loc[event["site_id"], "observed_kw"]
    told = settle(panel, events, [rule], keep_intervals=True).intervals
    own = told[(told["site_id"] == event["site_id"]) & (told["start"] == event["start"])]
    inside = (own["metered_kw"] - own["unadjusted_kw"]).mean() / found.level_kw[0]
    assert found.inside[0] == pytest.approx(inside)
    # Column 0 is the hour right before the start; doubling it moves the gap by its load over the level.
    doubled = profile(
        rule,
        *(
            scaled(each, events, [(-1, 0, 1.0)])
            if each is panel
            else scaled(panel, events, [(-1, 0, 1.0)]).with_events(events)
            for each in (panel, masked)
        ),
        events,
    )
    hour = load.loc[event["start"] - pd.Timedelta("1h")]
    assert doubled.before[0, 0] - found.before[0, 0] == pytest.approx(hour / found.level_kw[0], rel=1e-4)
    np.testing.assert_allclose(doubled.before[:, 1:], found.before[:, 1:])


@pytest.mark.parametrize(
    ("detector", "pieces"),
    [
        ("raised_window", [(-3, 0, 0.8)]),
        ("precooling", [(-1, 0, 1.0)]),
        ("snapback", [(3, 5, 1.5)]),
        ("shifted_maintenance", [(-5, 0, -0.6), (3, 8, -0.6)]),
        ("low_anyway", [(-9, 5, -0.6)]),
    ],
)
def test_a_gross_case_is_found_and_honest_days_are_mostly_not(panel, events, detector, pieces):
    honest = screen(panel, events, "gb_dfs", detectors=[detector])
    gamed = screen(scaled(panel, events, pieces), events, "gb_dfs", detectors=[detector])
    assert gamed["flagged"].mean() >= 0.8
    assert honest["flagged"].mean() <= 0.2
    assert (honest["reference_days"] > 100).all()


def test_a_detector_does_not_mind_a_response(panel, events):
    response = scaled(panel, events, [(0, 3, -0.5)])
    for one, other in zip(
        *(screen(each, events, "gb_dfs").to_dict("records") for each in (panel, response)), strict=True
    ):
        assert one["p"] == pytest.approx(other["p"], abs=1e-9), one


def test_the_hours_follow_the_programs_window():
    assert (hours_of(load_program("gb_dfs")).window_first, hours_of(load_program("gb_dfs")).window_last) == (0, 3)
    assert (
        hours_of(load_program("caiso_10in10")).window_first,
        hours_of(load_program("caiso_10in10")).morning_first,
    ) == (1, 5)


def test_an_unknown_detector_is_named(panel, events):
    with pytest.raises(StudyError, match="no detector 'raised'"):
        screen(panel, events, "gb_dfs", detectors=["raised"])
    assert len(DETECTORS) == 6


def test_days_chosen_low_are_told_from_days_drawn_at_random(panel, days, events):
    # The truth: of every site's ordinary days, the twelve whose morning lies lowest under its own selected days.
    rule = load_program("gb_dfs")
    found = profile(rule, panel, panel, days)
    gap = pd.Series(found.hours_before(4, 8))
    rank = gap.groupby(found.events["site_id"].to_numpy()).rank(method="first")
    low = found.events[(rank <= 12).to_numpy()].reset_index(drop=True)
    assert (selection_bias(panel, low, "gb_dfs", draws=200)["p"] <= 0.05).all()
    assert (selection_bias(panel, events, "gb_dfs", draws=200)["p"] > 0.01).all()


def test_side_by_side_shows_what_the_adjustment_adds(panel, events):
    gamed = scaled(panel, events, [(-3, 0, 0.5)])
    honest, moved = (side_by_side(each, events, "gb_dfs") for each in (panel, gamed))
    np.testing.assert_allclose(honest["delivered_kwh"], honest["unadjusted_kwh"] + honest["adjustment_kwh"])
    np.testing.assert_allclose(honest["unadjusted_kwh"], moved["unadjusted_kwh"])
    np.testing.assert_allclose(honest["until_notification_kwh"], moved["until_notification_kwh"])
    assert (moved["delivered_kwh"] > honest["delivered_kwh"]).all()
    assert side_by_side(panel, events.drop(columns="notified"), "gb_dfs")["until_notification_kwh"].isna().all()


def twelve(days):
    return days.groupby("site_id", sort=True).nth(list(range(5, 101, 8))).reset_index(drop=True)


@pytest.mark.parametrize(
    ("detector", "pieces"),
    [
        ("raised_window", [(-3, 0, 0.2)]),
        ("early_ramp", [(-9, 0, 0.3)]),  # from 08:00 on, so that window and morning stand equally high
    ],
)
def test_what_no_single_event_shows_twelve_of_a_site_do(panel, days, detector, pieces):
    events = twelve(days)
    assert (events.groupby("site_id").size() >= 12).all()
    gamed = over_events(scaled(panel, events, pieces), events, "gb_dfs", draws=500)
    own = gamed[gamed["detector"] == detector]
    assert own["flagged"].all()
    assert (own["flagged_at"].dropna() < events["start"].max()).all()
    assert (own["p_family"] <= 0.05).all()


def test_honest_sites_are_left_alone_and_the_look_is_the_same_each_time(panel, days):
    events = twelve(days)
    told, again = (over_events(panel, events, "gb_dfs", draws=300) for _ in range(2))
    assert not told["flagged"].any()
    assert told["flagged_at"].isna().all()
    assert set(told["detector"]) == set(DETECTORS)
    assert (told["reference_days"] > 80).all()
    assert told["p"].tolist() == again["p"].tolist()


def test_a_flag_of_the_family_is_rarer_than_one_of_a_detector(panel, events):
    told = screen(panel, events, "gb_dfs")
    assert (told["p_family"] >= told["p"] - 1e-12).all()
    assert (told["flagged"] == (told["p_family"] <= 0.05)).all()
    alone = screen(panel, events, "gb_dfs", detectors=["raised_window"])
    np.testing.assert_allclose(alone["p_family"], alone["p"])


def test_with_too_few_ordinary_days_no_site_is_judged(panel, days):
    events = twelve(days)
    told = over_events(panel, events[events["start"] < "2019-03-20"], "gb_dfs", days_around=8, draws=100)
    assert told[["p", "p_family"]].isna().all(axis=None)
    assert not told["flagged"].any()


def test_a_hot_day_does_not_look_like_a_ramp_where_the_weather_is_known(days):
    whole = datasets.load("cambridge_sme").select(["b1", "b22", "b97"])
    warm = Panel(
        whole.data.loc[pd.IndexSlice[:, "2018-12-01":"2019-10-31"], ["observed_kw", "temp_air_c"]], whole.sites
    )
    found = profile(load_program("gb_dfs"), warm, warm, days)
    event = found.events.iloc[0]
    mean = warm.data.loc[event["site_id"], "temp_air_c"].tz_convert("Europe/London").resample("1D").mean()
    far = (mean - 15).abs()
    day = event["start"].tz_convert("Europe/London").normalize()
    usual = far.loc[day - pd.Timedelta("14D") : day - pd.Timedelta("1D")].mean()
    told = found.weather.iloc[0]
    assert told["gap_k"] == pytest.approx(far.loc[day] - usual, abs=1e-3)
    assert told["cooling_before_k"] == pytest.approx(max(mean.loc[day - pd.Timedelta("1D")] - 15, 0), abs=1e-3)
    assert told["cooling_k"] - told["heating_k"] == pytest.approx(mean.loc[day] - 15, abs=1e-3)


def test_sites_judged_some_at_a_time_are_judged_alike(panel, events, monkeypatch):
    whole = screen(panel, events, "gb_dfs"), over_events(panel, events, "gb_dfs", draws=200)
    monkeypatch.setattr("cblcast.integrity.pools.SITES_AT_ONCE", 2)
    parts = screen(panel, events, "gb_dfs"), over_events(panel, events, "gb_dfs", draws=200)
    for one, other in zip(whole, parts, strict=True):
        pd.testing.assert_frame_equal(one, other)
