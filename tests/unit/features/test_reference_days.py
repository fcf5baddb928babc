"""Slow obvious loops beside the ledger of days, the reference load and the likeness of days."""

import numpy as np
import pandas as pd
import pytest

from cblcast.days.ledger import Reason
from cblcast.features.reference_days import ReferenceDays
from cblcast.frames.cases import EventArrays, View, make_cases
from cblcast.frames.events import Event
from cblcast.frames.panel import Panel

ZONE = "Europe/Madrid"
FIRST, LAST = "2019-03-04", "2019-04-20"


def make_panel(seed, share_missing, masked=()):
    times = pd.date_range(FIRST, LAST, freq="h", tz=ZONE, inclusive="left").tz_convert("UTC").as_unit("us")
    rng = np.random.default_rng(seed)
    load = rng.integers(1, 60, len(times)).astype(float)
    load[rng.random(len(times)) < share_missing] = np.nan
    index = pd.MultiIndex.from_product([["shop"], times], names=["site_id", "time"])
    data = pd.DataFrame({"observed_kw": load, "temp_air_c": rng.integers(0, 30, len(times)).astype(float)}, index)
    panel = Panel(data, pd.DataFrame({"tz": ZONE}, index=pd.Index(["shop"], name="site_id")))
    return panel.with_events(pd.DataFrame(list(masked), columns=["site_id", "start", "stop"])) if masked else panel


def wall(panel):
    """Load by local date and hour, the plain way."""
    series = panel.data["observed_kw"].droplevel("site_id").tz_convert(ZONE)
    return series.groupby([series.index.date, series.index.hour]).mean()


def slow_reasons(panel, builder, start, stop, hidden_from, masked_days):
    """Reason of every calendar day of the look-back, newest first: one day, one rule after the other."""
    load, day = wall(panel), start.date()
    data_days = {date for date, _ in load.index}
    hours = [(start + pd.Timedelta(hours=h)).hour for h in range(int((stop - start) / pd.Timedelta(hours=1)))]
    reasons = []
    for back in range(1, builder.look_back_days + 1):
        then = (pd.Timestamp(day) - pd.Timedelta(days=back)).date()
        values = [load.get((then, hour), np.nan) for hour in range(24)]
        in_event = [load.get((then, hour), np.nan) for hour in hours]
        if then not in data_days:
            reasons.append("outside the data")
        elif then >= hidden_from.date():
            reasons.append("hidden from this event")
        elif back <= builder.gap_days:
            reasons.append("too close to the event")
        elif (then.weekday() < 5) != (day.weekday() < 5):
            reasons.append("another day type")
        elif then in masked_days:
            reasons.append("day of a real event")
        elif min(np.mean(np.isfinite(values)), np.mean(np.isfinite(in_event))) < builder.min_metered_share:
            reasons.append("not enough metered")
        else:
            reasons.append("qualified")
    means = [
        np.nanmean([load.get(((pd.Timestamp(day) - pd.Timedelta(days=back)).date(), hour), np.nan) for hour in hours])
        if reasons[back - 1] == "qualified" else np.nan
        for back in range(1, builder.look_back_days + 1)
    ]  # fmt: skip
    newest = [mean for mean in means if np.isfinite(mean)][: builder.days]
    for place, mean in enumerate(means):
        if np.isfinite(mean) and mean < builder.low_share * np.mean(newest):
            reasons[place] = "load too low"
        elif np.isfinite(mean) and builder.high_share and mean > builder.high_share * np.mean(newest):
            reasons[place] = "load too high"
    return reasons


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("lead_in", [0, 30])
def test_ledger_and_load_equal_the_slow_loop(seed, lead_in):
    # A masked event over three days disqualifies the day in its middle too.
    masked = [("shop", pd.Timestamp("2019-03-19 10:00", tz=ZONE), pd.Timestamp("2019-03-21 12:00", tz=ZONE))]
    panel = make_panel(seed, 0.03, masked)
    taken = {pd.Timestamp(f"2019-03-{day}").date() for day in (19, 20, 21)}
    builder = ReferenceDays(days=6, look_back_days=30, gap_days=seed % 2, low_share=0.5, high_share=1.6)
    load = wall(panel)
    for date, hours in (("2019-04-17", 3), ("2019-04-01", 1), ("2019-03-30", 2), ("2019-03-12", 4)):
        start = pd.Timestamp(f"{date} 17:00", tz=ZONE)
        stop = start + pd.Timedelta(hours=hours)
        cases = make_cases(panel, [Event("shop", start, stop)], View.real_time(lead_in))
        ledger = builder.ledger(panel, EventArrays.of(panel, cases))
        slow = slow_reasons(panel, builder, start, stop, start - pd.Timedelta(hours=lead_in), taken)
        assert [Reason(code).words for code in ledger.reason[0]] == slow
        assert ledger.tally(0) == dict(pd.Series(slow).value_counts())

        found = builder(panel, cases)
        ages = [back for back, reason in enumerate(slow, start=1) if reason == "qualified"][:6]
        expected = np.full((hours, 6), np.nan)
        for place, back in enumerate(ages):
            for hour in range(hours):
                expected[hour, place] = load[((start - pd.Timedelta(days=back)).date(), 17 + hour)]
        np.testing.assert_allclose(found[builder.columns("kw")], expected)
        assert found["ref_qualified_days"].iloc[0] == slow.count("qualified")
        age = found[builder.columns("age_days")].iloc[0].to_numpy()
        np.testing.assert_array_equal(age, [*ages, *[np.nan] * (6 - len(ages))])


@pytest.mark.parametrize("view", [View.real_time(), View.settlement(), View.settlement(1, 2), View.day_ahead()])
@pytest.mark.parametrize("hours", [None, 4.0])
def test_likeness_equals_the_slow_loop(view, hours):
    panel, builder = make_panel(9, 0.02), ReferenceDays(days=4, day_types="all", similarity_hours=hours)
    load = wall(panel)
    start = pd.Timestamp("2019-04-11 12:00", tz=ZONE)
    stop = start + pd.Timedelta(hours=3)
    cases = make_cases(panel, [Event("shop", start, stop)], view)
    found = builder(panel, cases).iloc[0]
    seen = list(range(0, 12 - int(view.lead_in)))
    if view.whole_day:
        seen = []
    if view.recovery is not None and not view.whole_day:
        seen += range(15 + int(view.recovery), 24)
    if hours is not None:
        seen = [hour for hour in seen if 8 <= hour < 12]
    for k in range(1, 5):
        then = (start - pd.Timedelta(days=int(found[f"ref_age_days_{k:02d}"]))).date()
        gaps = [load.get((then, h), np.nan) - load.get((start.date(), h), np.nan) for h in seen]
        gaps = [gap for gap in gaps if np.isfinite(gap)]
        assert found[f"ref_gap_kw_{k:02d}"] == pytest.approx(np.mean(np.abs(gaps)) if gaps else 0)
        assert found[f"ref_total_gap_kw_{k:02d}"] == pytest.approx(abs(np.mean(gaps)) if gaps else 0)
        whole = [load.get((then, h), np.nan) for h in range(24)]
        assert found[f"ref_day_kw_{k:02d}"] == pytest.approx(np.nanmean(whole))


def test_a_day_without_readings_to_compare_is_not_the_nearest():
    panel = make_panel(1, 0.0)
    data = panel.data.copy()
    gap = pd.date_range("2019-04-10 00:00", periods=2, freq="h", tz=ZONE)
    data.loc[data.index.get_level_values("time").isin(gap), "observed_kw"] = np.nan
    start = pd.Timestamp("2019-04-11 02:00", tz=ZONE)
    panel = Panel(data, panel.sites)
    cases = make_cases(panel, [Event("shop", start, start + pd.Timedelta(hours=2))], View.real_time())
    found = ReferenceDays(days=3, day_types="all")(panel, cases).iloc[0]
    assert np.isnan(found["ref_gap_kw_01"])
    assert found["ref_gap_kw_02"] > 0


def test_temperature_compares_daily_maxima():
    panel, start = make_panel(2, 0.0), pd.Timestamp("2019-04-11 12:00", tz=ZONE)
    cases = make_cases(panel, [Event("shop", start, start + pd.Timedelta(hours=2))], View.real_time())
    found = ReferenceDays(days=3, temperature="temp_air_c", day_types="all")(panel, cases).iloc[0]
    warm = panel.data["temp_air_c"].droplevel("site_id").tz_convert(ZONE)
    daily = warm.groupby(warm.index.date).max()
    for k in (1, 2, 3):
        then = (start - pd.Timedelta(days=k)).date()
        assert found[f"ref_temp_gap_c_{k:02d}"] == pytest.approx(abs(daily[then] - daily[start.date()]))
