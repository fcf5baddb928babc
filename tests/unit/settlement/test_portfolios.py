"""Portfolios and their limits on quarter hours of a real building, cut into sites that differ by a day."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.frames.panel import Panel
from cblcast.settlement import settle

RULE = "gb_dfs"  # the mean of ten working days, shifted to the meter
EVERY_DAY = "caiso_10in10"  # ten working days or four others, and a factor


@pytest.fixture(scope="module")
def panel():
    """Three sites: the Turin building of one, two and three weeks ago, a quarter of it, and its half."""
    load = datasets.load("turin").data.loc["turin_building", "observed_kw"]
    span = pd.date_range("2019-05-01", "2019-09-30", freq="15min", tz="UTC", unit="us")
    shifted = {
        site: (load.shift(96 * 7 * weeks) * share).reindex(span).interpolate(limit=8)
        for site, weeks, share in (("a", 1, 1.0), ("b", 2, 0.25), ("c", 3, 0.5))
    }
    data = pd.concat(shifted, names=["site_id", "time"]).rename("observed_kw").to_frame()
    return Panel(
        data, pd.DataFrame({"tz": "Europe/Rome", "country": "none"}, index=pd.Index(list("abc"), name="site_id"))
    )


def events(*rows):
    local = [(site, f"2019-07-{day:02d} {start}", f"2019-07-{day:02d} {stop}") for site, day, start, stop in rows]
    table = pd.DataFrame(local, columns=["site_id", "start", "stop"])
    for edge in ("start", "stop"):
        table[edge] = pd.DatetimeIndex(table[edge]).tz_localize("Europe/Rome").tz_convert("UTC").as_unit("us")
    return table


def portfolio(panel, table, rule=RULE, **wishes):
    return settle(panel, table, [rule], **wishes).portfolio.set_index(["start", "stop"])


def test_events_that_share_only_a_start_or_only_a_stop_are_portfolios_of_their_own(panel):
    table = events(("a", 16, "15:00", "18:00"), ("b", 16, "17:00", "18:00"), ("c", 16, "17:00", "19:00"))
    whole = portfolio(panel, table)
    assert whole["n_sites"].tolist() == [1, 1, 1]
    # Of one site alone, the order of adding and adjusting cannot matter.
    np.testing.assert_allclose(whole["delivered_sum_then_adjust_kwh"], whole["delivered_kwh"])
    for row, site in enumerate("abc"):
        alone = portfolio(panel, table[table["site_id"] == site])
        np.testing.assert_allclose(whole.iloc[row]["delivered_kwh"], alone["delivered_kwh"].iloc[0])


COLUMNS = [
    "delivered_kwh", "lower_kwh", "upper_kwh", "lower_sum_then_adjust_kwh", "upper_sum_then_adjust_kwh",
    "placebo_days", "independent_halfwidth_kwh",
]  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [
        ("c", 16, "10:00", "12:00"),  # another clock on the same kind of day
        ("c", 20, "17:00", "19:00"),  # the same clock on another kind of day: a Saturday
    ],
)
def test_limits_are_those_of_the_same_clock_on_the_same_kind_of_day(panel, other):
    pair = [("a", 16, "17:00", "19:00"), ("b", 16, "17:00", "19:00")]
    alone, beside = (portfolio(panel, events(*rows), EVERY_DAY, coverage=0.8) for rows in (pair, [*pair, other]))
    mine = beside[beside["n_sites"] == 2]
    assert len(beside) == 2
    assert alone[COLUMNS].notna().all(axis=None)
    pd.testing.assert_frame_equal(mine[COLUMNS], alone[COLUMNS])


@pytest.mark.parametrize(("day", "start", "stop"), [(17, "10:00", "12:00"), (20, "17:00", "19:00")])
def test_limits_do_not_mix_what_the_same_sites_did_at_other_hours(panel, day, start, stop):
    pair = events(("a", 16, "17:00", "19:00"), ("b", 16, "17:00", "19:00"))
    other = events(("a", day, start, stop), ("b", day, start, stop))
    alone = portfolio(panel, pair, EVERY_DAY, coverage=0.8, other_events=other)
    both = portfolio(panel, pd.concat([pair, other]), EVERY_DAY, coverage=0.8)
    assert len(both) == 2
    pd.testing.assert_frame_equal(both.loc[alone.index, COLUMNS], alone[COLUMNS])


def test_the_adjusted_sum_has_limits_only_where_the_portfolio_is_all_sites_of_these_hours(panel):
    table = events(*((site, day, "17:00", "19:00") for day, sites in ((16, "ab"), (18, "abc")) for site in sites))
    part, whole = (row for _, row in portfolio(panel, table, coverage=0.8).iterrows())
    assert (part["n_sites"], whole["n_sites"]) == (2, 3)
    assert np.isfinite([part["lower_kwh"], whole["lower_kwh"], whole["lower_sum_then_adjust_kwh"]]).all()
    assert np.isnan(part["lower_sum_then_adjust_kwh"])


def test_limits_of_a_shift_are_the_same_in_both_orders_on_quarter_hours(panel):
    whole = portfolio(panel, events(("a", 16, "17:00", "19:15"), ("b", 16, "17:00", "19:15")), coverage=0.8)
    np.testing.assert_allclose(whole["delivered_sum_then_adjust_kwh"], whole["delivered_kwh"])
    np.testing.assert_allclose(whole["lower_sum_then_adjust_kwh"], whole["lower_kwh"])
    np.testing.assert_allclose(whole["upper_sum_then_adjust_kwh"], whole["upper_kwh"])
    assert (whole["lower_kwh"] < whole["delivered_kwh"]).all()
    assert (whole["delivered_kwh"] < whole["upper_kwh"]).all()


def test_limits_of_a_site_are_the_errors_of_its_own_placebo_days(panel):
    # The rule settles each working day around the event as if it had been one; 4 of 5 of these errors lie within.
    event = events(("a", 16, "17:00", "19:00"))
    told = settle(panel, event, [RULE], coverage=0.8, calibration="ordinary", days_around=20).events.iloc[0]
    around = pd.date_range("2019-06-26", "2019-08-05", tz="Europe/Rome")
    days = [day for day in around if day.day_of_week < 5 and day != pd.Timestamp("2019-07-16", tz="Europe/Rome")]
    starts = pd.DatetimeIndex([day + pd.Timedelta("17h") for day in days]).tz_convert("UTC").as_unit("us")
    masked = panel.with_events(event)
    errors = []
    for start in starts:
        day = pd.DataFrame({"site_id": "a", "start": [start], "stop": start + pd.Timedelta("2h")})
        settled = settle(masked, day, [RULE]).events
        errors += settled["delivered_kwh"].tolist()
    errors = np.sort(errors)
    rank = int(np.ceil((len(errors) + 1) * 0.9 - 1e-9))
    assert told["placebo_days"] == len(errors)
    assert told["lower_kwh"] == pytest.approx(told["delivered_kwh"] - errors[rank - 1])
    assert told["upper_kwh"] == pytest.approx(told["delivered_kwh"] - errors[len(errors) - rank])


def test_a_window_that_one_site_did_not_meter_is_not_a_response_of_the_sum(panel):
    table = events(("a", 16, "17:00", "19:00"), ("b", 16, "17:00", "19:00"))
    data = panel.data.copy()
    dark = pd.date_range("2019-07-16 14:00", periods=6, freq="15min", tz="Europe/Rome")
    data.loc[("b", slice(dark[0].tz_convert("UTC"), dark[-1].tz_convert("UTC"))), "observed_kw"] = np.nan
    found = settle(Panel(data, panel.sites), table, [RULE], keep_intervals=True)
    whole = found.portfolio.iloc[0]
    # Where both are metered, the shift of the sum is the sum of the shifts; here it stands on the quarter hours of both.
    full = settle(panel, table, [RULE])
    assert full.portfolio["factor_of_sum"].iloc[0] == pytest.approx(full.events["factor"].sum())
    assert whole["factor_of_sum"] != pytest.approx(found.events["factor"].sum())
    plain = found.intervals["unadjusted_kw"].sum() / 4
    assert whole["delivered_sum_then_adjust_kwh"] == pytest.approx(
        plain + whole["factor_of_sum"] * 2 - whole["metered_kwh"]
    )


def test_a_portfolio_of_one_site_has_the_limits_of_the_site(panel):
    told = settle(panel, events(("b", 16, "17:00", "17:45")), [RULE], coverage=0.8)
    own, whole = told.events.iloc[0], told.portfolio.iloc[0]
    for limit in ("lower_kwh", "upper_kwh"):
        assert whole[limit] == pytest.approx(own[limit])
        assert whole[limit.replace("_kwh", "_sum_then_adjust_kwh")] == pytest.approx(own[limit])
    assert whole["independent_halfwidth_kwh"] == pytest.approx((own["upper_kwh"] - own["lower_kwh"]) / 2)
    assert list(told.portfolio.columns[:3]) == ["program", "start", "stop"]
    assert list(told.events.columns[:4]) == ["program", "site_id", "start", "stop"]


def test_one_quarter_hour_without_an_adjustment_is_a_portfolio_too(panel):
    told = settle(panel, events(("a", 16, "17:00", "17:15")), ["isone_10of10"])
    assert told.portfolio["delivered_sum_then_adjust_kwh"].iloc[0] == pytest.approx(
        told.events["delivered_kwh"].iloc[0]
    )
    assert told.events["hours"].iloc[0] == 0.25
    assert told.events["delivered_kw"].iloc[0] == pytest.approx(4 * told.events["delivered_kwh"].iloc[0])


def all_day():
    return events(("a", 16, "10:00", "12:00")).assign(stop=lambda table: table["start"] + pd.Timedelta("24h"))


def test_an_event_of_a_day_has_no_clock_to_compare_with(panel):
    told = settle(panel, all_day(), ["isone_10of10"], coverage=0.8, portfolio=False).events
    assert told[["lower_kwh", "upper_kwh"]].isna().all(axis=None)
    assert told["placebo_days"].tolist() == [0]


def test_a_portfolio_of_events_of_a_day_has_no_limits(panel):
    told = settle(panel, all_day(), ["isone_10of10"], coverage=0.8).portfolio
    assert told[["lower_kwh", "upper_kwh"]].isna().all(axis=None)
