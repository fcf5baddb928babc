"""Settlement on real load: the bundled Cambridge buildings and the Turin building."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.frames.panel import Panel
from cblcast.frames.schema import DataError, StudyError
from cblcast.programs import load_program
from cblcast.settlement import Wishes, settle, settle_file
from cblcast.settlement.estimate import estimate
from cblcast.value.contract import Contract

RULES = ["caiso_10in10", "pjm_economic", "gb_dfs"]


@pytest.fixture(scope="module")
def panel():
    whole = datasets.load("cambridge_sme").select(["b1", "b14", "b22"])
    rows = whole.data.loc[pd.IndexSlice[:, "2019-02-01":"2019-07-31"], ["observed_kw"]]
    return Panel(rows, whole.sites)


@pytest.fixture(scope="module")
def events(panel):
    return placebo_events(panel, "17:00", "20:00", first="2019-06-10", last="2019-06-12")


@pytest.fixture(scope="module")
def settled(panel, events):
    return settle(panel, events, RULES, coverage=0.9, keep_intervals=True)


def test_energies_are_those_of_the_intervals(panel, settled):
    assert not settled.partial
    sums = settled.intervals.groupby(["program", "site_id", "start"])[
        ["metered_kw", "baseline_kw", "delivered_kw"]
    ].sum()
    table = settled.events.set_index(["program", "site_id", "start"]).sort_index()
    assert len(table) == 3 * 9
    np.testing.assert_allclose(table["metered_kwh"], sums["metered_kw"] * panel.step_hours)
    np.testing.assert_allclose(table["delivered_kwh"], sums["delivered_kw"] * panel.step_hours)
    np.testing.assert_allclose(table["delivered_kwh"], table["baseline_kwh"] - table["metered_kwh"])
    np.testing.assert_allclose(table["delivered_kw"] * 3, table["delivered_kwh"])
    metered = panel.data.loc[("b1", pd.Timestamp("2019-06-10 16:00", tz="UTC")), "observed_kw"]
    first = settled.intervals[settled.intervals["site_id"] == "b1"].iloc[0]
    assert first["metered_kw"] == pytest.approx(metered)


def test_negative_delivery_is_reported_not_clipped(settled):
    # No event took place: about half of the delivered energies must be negative.
    share = (settled.events["delivered_kwh"] < 0).mean()
    assert 0.2 < share < 0.8


def test_a_factor_is_within_its_cap_and_told_before_it(settled):
    ratio = settled.events[settled.events["program"] == "caiso_10in10"]
    assert ratio["factor"].between(0.8, 1.2).all()
    np.testing.assert_allclose(ratio["factor"], ratio["factor_raw"].clip(0.8, 1.2))
    np.testing.assert_allclose(ratio["baseline_kwh"], ratio["unadjusted_kwh"] * ratio["factor"])


def test_an_event_is_hidden_from_its_own_baseline_and_from_others(panel, events):
    rule = load_program("caiso_10in10")
    spoiled = panel.data["observed_kw"].copy()
    for event in events.itertuples():
        spoiled.loc[(event.site_id, slice(event.start, event.stop - pd.Timedelta("1us")))] *= 50
    one, other = (
        settle(Panel(panel.data.assign(observed_kw=load), panel.sites), events, [rule]).events
        for load in (panel.data["observed_kw"], spoiled)
    )
    np.testing.assert_allclose(one["baseline_kwh"], other["baseline_kwh"])


def test_portfolio_sums_its_sites_in_both_orders(panel, events, settled):
    own = settled.portfolio.set_index(["program", "start"])
    by_event = settled.events.groupby(["program", "start"])["delivered_kwh"].sum()
    np.testing.assert_allclose(own["delivered_kwh"].sort_index(), by_event.sort_index())
    # An additive shift without cap is linear, so both orders are one.
    np.testing.assert_allclose(
        own.loc["pjm_economic", "delivered_sum_then_adjust_kwh"], own.loc["pjm_economic", "delivered_kwh"]
    )
    # A ratio is not: adjust the sum by hand for one event.
    masked = panel.with_events(events)
    rows = estimate(
        load_program("caiso_10in10"), masked, events.sort_values(["site_id", "start"], ignore_index=True)
    ).rows
    start = rows.index.get_level_values("origin")
    day = rows[start == start[0]]
    window, inside = day[~day["scored"].astype(bool)], day[day["scored"].astype(bool)]
    factor = np.clip(window["seen_kw"].sum() / window["unadjusted_kw"].sum(), 0.8, 1.2)
    first = own.loc["caiso_10in10"].iloc[0]
    assert first["factor_of_sum"] == pytest.approx(factor)
    assert first["delivered_sum_then_adjust_kwh"] == pytest.approx(
        factor * inside["unadjusted_kw"].sum() - first["metered_kwh"]
    )


def test_limits_enclose_what_placebo_days_say_and_respect_correlation(settled):
    table = settled.events
    assert (table["placebo_days"] >= 60).all()
    assert (table["lower_kwh"] < table["upper_kwh"]).all()
    whole = settled.portfolio
    half = (whole["upper_kwh"] - whole["lower_kwh"]) / 2
    alone = table.assign(half=(table["upper_kwh"] - table["lower_kwh"]) / 2).groupby(["program", "start"])["half"].sum()
    # Between sites that err independently and sites that all err alike.
    assert (half > 0.5 * whole["independent_halfwidth_kwh"]).all()
    assert (
        half.to_numpy() <= alone.reindex(pd.MultiIndex.from_frame(whole[["program", "start"]])).to_numpy() * 1.001
    ).all()


def test_the_adjusted_sum_has_limits_of_its_own(settled):
    whole = settled.portfolio
    low, high = whole["lower_sum_then_adjust_kwh"], whole["upper_sum_then_adjust_kwh"]
    assert (low < high).all()
    # An additive shift is the same in both orders, and so are its limits on days on which all sites are known.
    additive = whole["program"] == "pjm_economic"
    np.testing.assert_allclose(low[additive], whole.loc[additive, "lower_kwh"])
    np.testing.assert_allclose(high[additive], whole.loc[additive, "upper_kwh"])
    ratio = whole["program"] == "caiso_10in10"
    assert not np.allclose(low[ratio], whole.loc[ratio, "lower_kwh"])


def test_too_few_placebo_days_give_no_interval_rather_than_a_narrow_one(panel, events):
    few = settle(panel, events, ["caiso_10in10"], coverage=0.9, calibration="ordinary", days_around=5).events
    assert few["lower_kwh"].isna().all()
    assert (few["placebo_days"] < 19).all()


def test_a_site_that_is_not_in_the_data_is_listed_and_the_others_settled(panel, events):
    more = pd.concat([events, events.iloc[:1].assign(site_id="nobody")], ignore_index=True)
    told = settle(panel, more, ["caiso_10in10"])
    assert told.partial
    assert told.problems[["site_id", "reason"]].to_numpy().tolist() == [["nobody", "the site is not in the data"]]
    assert len(told.events) == len(events)
    with pytest.raises(DataError, match=r"no site of the events is in the data, e\.g\. 'nobody'"):
        settle(panel, more.iloc[-1:], ["caiso_10in10"])


def test_an_event_outside_the_metered_span_is_listed(panel, events):
    later = events.iloc[:1].assign(
        start=events["start"].iloc[:1] + pd.Timedelta("365D"), stop=events["stop"].iloc[:1] + pd.Timedelta("365D")
    )
    told = settle(panel, pd.concat([events, later], ignore_index=True), ["caiso_10in10"])
    assert told.problems["reason"].tolist() == ["the event lies outside the metered span"]


def test_a_look_back_beyond_the_data_is_told_with_the_days_that_qualified(panel):
    early = placebo_events(panel, "17:00", "20:00", first="2019-02-08", last="2019-02-08")
    told = settle(panel, early, ["caiso_10in10", "pjm_economic"])
    reasons = told.problems.set_index("program")["reason"]
    assert set(reasons.index) == {"caiso_10in10"}
    # 1-7 February 2019 hold five working days; the other 38 of 45 lie before the data.
    assert reasons.iloc[0].startswith("5 of at least 10 days qualified within 45 days (38 outside the data")
    assert set(told.events["program"]) == {"pjm_economic"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stop": 0}, "stops at or before it starts"),
        ({"stop": -1}, "stops at or before it starts"),
    ],
)
def test_events_of_no_length_are_refused(panel, events, change, message):
    bad = events.iloc[:1].copy()
    for edge, hours in change.items():
        bad[edge] = bad["start"] + pd.Timedelta(hours=hours)
    with pytest.raises(DataError, match=message):
        settle(panel, bad, ["caiso_10in10"])


def test_overlapping_events_and_naive_times_are_refused(panel, events):
    twice = pd.concat([events.iloc[:1], events.iloc[:1]], ignore_index=True)
    with pytest.raises(DataError, match="overlaps the event before it"):
        settle(panel, twice, ["caiso_10in10"])
    naive = events.assign(start=events["start"].dt.tz_localize(None), stop=events["stop"].dt.tz_localize(None))
    with pytest.raises(DataError, match="times without a zone"):
        settle(panel, naive, ["caiso_10in10"])
    with pytest.raises(DataError, match="no program is named"):
        settle(panel, events, [])


def test_a_window_in_another_event_is_counted_from_the_first_of_the_day_or_listed(panel):
    day = placebo_events(panel, "17:00", "20:00", first="2019-06-12", last="2019-06-12")
    before = day.assign(start=day["start"] - pd.Timedelta("4h"), stop=day["start"] - pd.Timedelta("3h"))
    both = pd.concat([day, before], ignore_index=True)
    told = settle(panel, both, ["gb_dfs"])
    # The three hours before 17 h hold nothing of 13-14 h; a window of pjm_economic (13-16 h) does.
    assert not told.partial
    rule = load_program("pjm_economic")
    told = settle(panel, both, [rule])
    assert not told.partial
    shifts = told.events.pivot(index="site_id", columns="start", values="factor")
    # Both events of the day are shifted by what the hours 9-12 h show, an hour before the first of them.
    masked = panel.with_events(both)
    rows = estimate(rule, masked, both.sort_values(["site_id", "start"], ignore_index=True)).rows
    window = rows[~rows["scored"].astype(bool)]
    assert (window.index.get_level_values("time").tz_convert("Europe/London").hour < 12).all()
    assert shifts.shape == (3, 2)
    late = told.events["start"] == day["start"].iloc[0]
    assert (
        told.events["remarks"] == np.where(late, "its window stands beside the first or last event of the day", "")
    ).all()
    for how, n_settled, reason in (
        ("unadjusted", 6, None),
        ("refuse", 3, "its adjustment window reaches into another event"),
    ):
        own = rule.model_copy(update={"adjustment": rule.adjustment.model_copy(update={"beside_other_events": how})})
        told = settle(panel, both, [own])
        assert len(told.events) == n_settled
        assert set(told.problems["reason"]) == ({reason} if reason else set())
        late = told.events[told.events["start"] == day["start"].iloc[0]]
        assert (late["remarks"].str.contains("no window of its own")).all() if len(late) else how == "refuse"


def test_an_event_across_midnight_meets_the_same_clock(panel):
    night = placebo_events(panel, "22:00", "02:00", first="2019-06-12", last="2019-06-12")
    told = settle(panel, night, ["isone_10of10"], keep_intervals=True)
    rows = told.intervals[told.intervals["site_id"] == "b1"]
    assert len(rows) == 4
    load = panel.data.loc["b1", "observed_kw"]
    # Ten weekdays before Wednesday the 12th; the hours after midnight are those of the day after each.
    days = [
        d for d in pd.date_range("2019-05-20", "2019-06-11") if d.day_of_week < 5 and str(d.date()) != "2019-05-27"
    ][-10:]
    for hour, estimated in zip((22, 23, 24, 25), rows["baseline_kw"], strict=True):
        stamps = pd.DatetimeIndex(
            [(d + pd.Timedelta(hours=hour)).tz_localize("Europe/London") for d in days]
        ).tz_convert("UTC")
        assert estimated == pytest.approx(load.reindex(stamps).mean(), rel=1e-5)


@pytest.mark.parametrize(("day", "hours"), [("2019-03-31", 3), ("2019-10-27", 5)])
def test_an_event_over_a_clock_change_lasts_as_long_as_it_does(day, hours):
    one = datasets.load("cambridge_sme").select(["b1"])
    start, stop = (
        pd.Timestamp(f"{day} {clock}", tz="Europe/London").tz_convert("UTC").as_unit("us")
        for clock in ("00:00", "04:00")
    )
    event = pd.DataFrame({"site_id": "b1", "start": [start], "stop": [stop]})
    told = settle(one, event, ["aemo_wdrm_all_days"], keep_intervals=True)
    assert told.events["hours"].iloc[0] == hours
    assert len(told.intervals) == hours
    # Both readings of autumn's repeated hour meet the same wall clock of the days before.
    clock = told.intervals["time"].dt.tz_convert("Europe/London").dt.hour
    assert told.intervals["unadjusted_kw"].groupby(clock.to_numpy()).nunique().eq(1).all()
    assert clock.tolist() == ([0, 2, 3] if hours == 3 else [0, 1, 1, 2, 3])


def test_payments_follow_the_intervals(panel, events):
    contract = Contract(energy_price={17: 0.1, 18: 0.2, 19: 0.4}, negative="unpaid")
    told = settle(panel, events, ["caiso_10in10"], contract, keep_intervals=True)
    rows = told.intervals.assign(hour=told.intervals["time"].dt.tz_convert("Europe/London").dt.hour)
    paid = rows["delivered_kw"].clip(lower=0) * rows["hour"].map({17: 0.1, 18: 0.2, 19: 0.4})
    by_event = paid.groupby([rows["site_id"], rows["start"]]).sum()
    table = told.events.set_index(["site_id", "start"]).sort_index()
    # Money is rounded to cents line by line, the energies are not.
    np.testing.assert_allclose(table["energy_payment"].astype(float), by_event.sort_index(), atol=0.005001)
    lost = rows["delivered_kw"].clip(upper=0).groupby([rows["site_id"], rows["start"]]).sum()
    np.testing.assert_allclose(table["unpaid_negative_kwh"], lost.sort_index(), atol=2e-6)
    assert (table["unpaid_negative_kwh"] < 0).any()


def test_an_adjustment_may_end_at_the_notification(panel, events):
    rule = load_program("gb_dfs")
    until = rule.model_copy(update={"adjustment": rule.adjustment.model_copy(update={"ends_at": "notification"})})
    notified = events.assign(notified=events["start"] - pd.Timedelta("3h"))
    spoiled = panel.data["observed_kw"].copy()
    for event in notified.itertuples():
        spoiled.loc[(event.site_id, slice(event.notified, event.start - pd.Timedelta("1us")))] *= 1.5
    gamed = Panel(panel.data.assign(observed_kw=spoiled), panel.sites)
    honest_start, honest_until = (settle(panel, notified, [each]).events["baseline_kwh"] for each in (rule, until))
    gamed_start, gamed_until = (settle(gamed, notified, [each]).events["baseline_kwh"] for each in (rule, until))
    assert (gamed_start > honest_start).all()
    np.testing.assert_allclose(gamed_until, honest_until)
    assert settle(panel, notified, [until], coverage=0.9).events["lower_kwh"].notna().all()
    with pytest.raises(DataError, match="add the column notified"):
        settle(panel, events, [until])
    with pytest.raises(DataError, match="notified after it started"):
        settle(panel, notified.assign(notified=notified["stop"]), [until])


def test_a_file_in_parts_settles_as_the_panel_does(panel, events, settled, tmp_path):
    panel.data.reset_index().to_parquet(tmp_path / "panel.parquet", index=False)
    more = pd.concat([events, events.iloc[:1].assign(site_id="nobody")], ignore_index=True)
    told = settle_file(tmp_path / "panel.parquet", panel.sites, more, RULES, Wishes(coverage=0.9), sites_at_once=2)
    key = ["program", "site_id", "start"]
    pd.testing.assert_frame_equal(
        told.events.sort_values(key, ignore_index=True),
        settled.events.sort_values(key, ignore_index=True),
        check_dtype=False,
    )
    pd.testing.assert_frame_equal(told.portfolio, settled.portfolio, check_dtype=False)
    assert told.problems["reason"].tolist() == ["the site is not in the data"]


def test_a_control_group_is_not_torn_apart(panel, events, tmp_path):
    sites = panel.sites.assign(group=["treated", "control", "control"])
    own = events[events["site_id"] == "b1"]
    rule = load_program("caiso_control_group").model_copy(update={"model_params": {"minimum_members": 2}})
    alone = settle(Panel(panel.data, sites), own, ["caiso_control_group"])
    assert set(alone.problems["reason"]) == {"2 control customers match, fewer than the 200 asked for"}
    told = settle(Panel(panel.data, sites), own, [rule], coverage=0.9)
    assert not told.partial
    assert told.events["lower_kwh"].notna().all()
    with pytest.raises(StudyError, match="needs all its customers at once"):
        settle_file(tmp_path / "panel.parquet", sites, own, [rule])


def test_a_learned_baseline_is_trained_before_the_first_event(panel, events):
    whole = datasets.load("cambridge_sme").select(["b1"])
    warm = Panel(
        whole.data.loc[pd.IndexSlice[:, "2019-02-01":"2019-07-31"], ["observed_kw", "temp_air_c"]], whole.sites
    )
    own = events[events["site_id"] == "b1"]
    one = settle(warm, own, ["ercot_regression"]).events
    later = warm.data["observed_kw"].where(
        warm.data.index.get_level_values("time") < own["start"].min().floor("D"), 1.0
    )
    again = settle(Panel(warm.data.assign(observed_kw=later), warm.sites), own, ["ercot_regression"]).events
    np.testing.assert_allclose(one["unadjusted_kwh"], again["unadjusted_kwh"])
    early = own.assign(start=own["start"] - pd.Timedelta("117D"), stop=own["stop"] - pd.Timedelta("117D"))
    with pytest.raises(DataError, match="needs 20 whole days without events before the first event"):
        settle(warm, early, ["ercot_regression"])


def test_a_settlement_is_written_as_csv_and_parquet(settled, tmp_path):
    for name, read in (("s.csv", pd.read_csv), ("s.parquet", pd.read_parquet)):
        settled.write(tmp_path / name)
        assert len(read(tmp_path / name)) == len(settled.events)
    with pytest.raises(DataError, match=r"neither \.csv nor \.parquet"):
        settled.write(tmp_path / "s.xlsx")
