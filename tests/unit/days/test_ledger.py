"""Which days qualify, at the edges: real events that touch midnight or the record's ends, shares met exactly."""

import numpy as np
import pandas as pd
import pytest

from cblcast.days.ledger import reject_by_load
from cblcast.features.reference_days import ReferenceDays
from cblcast.frames.cases import EventArrays, View, make_cases
from cblcast.frames.events import Event
from cblcast.frames.panel import Panel, panel_of

TODAY = pd.Timestamp("2024-03-20", tz="UTC")  # a Wednesday
N_DAYS = 12  # full days before today


def made(loads=(), step="60min", tz="UTC", real=(), gaps=()):
    """A panel of 12 days and today; `loads` on the newest days before it, 8 kW on all others; `real` events in days."""
    today = TODAY.tz_localize(None).tz_localize(tz)
    times = pd.date_range(today - pd.Timedelta(days=N_DAYS), today + pd.Timedelta("1D"), freq=step, inclusive="left")
    load = pd.Series(8.0, times)
    for back, kw in enumerate(loads, start=1):
        load[times.normalize() == today - pd.Timedelta(days=back)] = kw
    for first, last in gaps:
        load[(times >= today + pd.Timedelta(days=first)) & (times < today + pd.Timedelta(days=last))] = np.nan
    frame = pd.DataFrame({"site_id": "a", "time": times.tz_convert("UTC"), "observed_kw": load.to_numpy()})
    panel = panel_of(frame, tz)
    if not real:
        return panel
    edges = [[today + pd.Timedelta(days=day) for day in pair] for pair in real]
    return panel.with_events(pd.DataFrame([("a", *pair) for pair in edges], columns=["site_id", "start", "stop"]))


def qualified(panel, hours=(12, 14), view=None, **params):
    """Ages of the days that qualify, newest first."""
    today = TODAY.tz_localize(None).tz_localize(panel.sites["tz"].iloc[0])
    start, stop = (today + pd.Timedelta(hours=hour) for hour in hours)
    cases = make_cases(panel, [Event("a", start, stop)], view or View.settlement())
    builder = ReferenceDays(**{"days": 20, "look_back_days": 20, "day_types": "all", **params})
    row = builder(panel, cases).iloc[0]
    ages = row[builder.columns("age_days")].dropna().astype(int).tolist()
    assert len(ages) == min(row["ref_qualified_days"], builder.days)
    return ages


def without(*ages):
    return [age for age in range(1, N_DAYS + 1) if age not in ages]


def test_every_day_of_the_record_qualifies_the_first_included():
    assert qualified(made()) == without()
    assert qualified(made(), look_back_days=5) == [1, 2, 3, 4, 5]
    assert qualified(made(), gap_days=2) == without(1, 2)
    assert qualified(made(), day_types="working") == [
        1,
        2,
        5,
        6,
        7,
        8,
        9,
        12,
    ]  # the 16th, 17th, 9th and 10th are weekends


HOUR = 1 / 24


@pytest.mark.parametrize(
    ("real", "taken"),
    [
        ((-3 + 0.5, -3 + 0.75), {3}),
        ((-3, -2), {3}),  # from midnight to midnight: neither the day before nor the day after
        ((-3 - HOUR, -3), {4}),
        ((-3, -3 + HOUR), {3}),
        ((-3 - HOUR, -3 + HOUR), {3, 4}),
        ((-5 + 0.5, -3 + 0.5), {3, 4, 5}),  # over three days: the one in the middle too
        ((-N_DAYS - 1, -N_DAYS + HOUR), {N_DAYS}),  # begun before the record
        ((-N_DAYS - 3, -N_DAYS), set()),  # over before the record
        ((-N_DAYS - 3, -N_DAYS - 2), set()),
        ((-N_DAYS, -N_DAYS + HOUR), {N_DAYS}),
        ((-1 + 23 * HOUR, 0.25), {1}),
        ((0.9, 4), set()),  # begins today, after the event, and ends beyond the record
        ((2, 3), set()),  # begins beyond the record
    ],
)
@pytest.mark.parametrize(("tz", "step"), [("UTC", "60min"), ("Asia/Kolkata", "30min")])
def test_a_real_event_takes_the_local_days_that_it_touches(real, taken, tz, step):
    assert qualified(made(real=[real], tz=tz, step=step)) == without(*taken)


def test_two_events_on_one_day_take_one_day():
    assert qualified(made(real=[(-3, -3 + HOUR), (-3 + 0.5, -3 + 0.75), (-6, -5)])) == without(3, 6)


@pytest.mark.parametrize(
    ("share", "ages"), [(0.75, without()), (0.7500001, without(3)), (0.76, without(3)), (1.0, without(3))]
)
def test_a_day_metered_in_exactly_the_least_share_qualifies(share, ages):
    # 18 of 24 hours were metered three days ago, none of the six others in the event hours.
    assert qualified(made(gaps=[(-3, -3 + 0.25)]), min_metered_share=share) == ages


def test_a_day_is_judged_in_the_hours_of_the_event_too():
    # Two hours of 24 leave the day 92 % metered, but half of the event of four hours unknown.
    panel = made(gaps=[(-3 + 12 * HOUR, -3 + 14 * HOUR)])
    assert qualified(panel, hours=(12, 16)) == without(3)
    assert qualified(panel, hours=(12, 16), min_metered_share=0.5) == without()
    assert qualified(panel, hours=(15, 18)) == without()
    assert qualified(panel, hours=(12, 14), min_metered_share=0.0) == without(3)  # of nothing, no share is enough


def test_a_day_that_is_hidden_in_part_does_not_qualify():
    for lead_in, ages in ((12, without()), (13, without(1)), (36, without(1)), (37, without(1, 2))):
        assert qualified(made(), view=View.real_time(lead_in)) == ages


def test_an_event_on_the_last_day_of_the_record_looks_back_as_far_as_asked():
    assert qualified(made(), hours=(22, 24), look_back_days=N_DAYS) == without()
    assert qualified(made(), hours=(0, 1), look_back_days=40) == without()


@pytest.mark.parametrize(
    ("loads", "params", "ages"),
    [
        # The level is the mean of the first two that qualify, 8 and 4 kW: 6.
        ((8, 4, 6, 3, 9), {"days": 2, "low_share": 0.5}, [1, 2]),
        ((8, 4, 6, 3, 9), {"days": 2, "low_share": 0.75}, [1, 3]),
        ((8, 4, 6, 3, 9), {"days": 2, "low_share": 1.0}, [1, 3]),  # 6 is not below 6
        ((8, 4, 6, 3, 9), {"days": 2, "high_share": 1.0}, [2, 3]),  # nor above
        ((8, 4, 6, 3, 9), {"days": 2, "low_share": 0.9, "high_share": 1.0}, [3]),
        ((5,), {"days": 1, "look_back_days": 1, "high_share": 1.1, "low_share": 0.9}, [1]),
        ((4, 4, 4), {"days": 3, "look_back_days": 3, "low_share": 1.0, "high_share": 1.0}, [1, 2, 3]),
    ],
)
def test_days_far_from_the_mean_load_fall_out(loads, params, ages):
    # Among the other days the load is 8 kW, above 6.
    panel = made(loads)
    assert qualified(panel, **params)[: len(ages)] == ages


def test_no_day_at_all_has_no_mean_to_be_far_from():
    assert qualified(made(), look_back_days=3, gap_days=2, min_metered_share=0.9, low_share=0.5) == [3]
    assert qualified(made(gaps=[(-3, 0)]), look_back_days=3, low_share=0.5, high_share=1.5) == []


def test_the_ledger_tells_each_reason_by_name():
    panel = made((8, 8, 2, 8, 90), real=[(-2 + 0.5, -2 + 0.6)], gaps=[(-7, -6)])
    start = TODAY + pd.Timedelta("12h")
    cases = make_cases(panel, [Event("a", start, start + pd.Timedelta("2h"))], View.real_time(13))
    builder = ReferenceDays(days=4, look_back_days=14, day_types="all", low_share=0.5, high_share=1.5)
    tally = builder.ledger(panel, EventArrays.of(panel, cases)).tally(0)
    # Level: the newest four that qualify, 2, 8, 90 and 8 kW → 27.
    assert tally == {
        "hidden from this event": 1,
        "day of a real event": 1,
        "not enough metered": 1,
        "load too low": 8,
        "load too high": 1,
        "outside the data": 2,
    }


def test_rejecting_by_load_leaves_the_given_ledger_as_it_was():
    panel = made((8, 1, 8))
    start = TODAY + pd.Timedelta("12h")
    cases = make_cases(panel, [Event("a", start, start + pd.Timedelta("2h"))], View.settlement())
    ledger = ReferenceDays(days=3, look_back_days=3, day_types="all").ledger(panel, EventArrays.of(panel, cases))
    judged = reject_by_load(ledger, np.array([[8.0, 1.0, 8.0]]), 3, 0.5, None)
    assert (ledger.tally(0), judged.tally(0)) == ({"qualified": 3}, {"qualified": 2, "load too low": 1})
    assert judged.newest(3)[0].tolist() == [ledger.position[0, 0], ledger.position[0, 2], -1]


def test_two_sites_in_two_zones_lose_each_their_own_day():
    times = pd.date_range("2024-03-10", "2024-03-21", freq="h", tz="UTC", inclusive="left").as_unit("us")
    index = pd.MultiIndex.from_product([["india", "utc"], times], names=["site_id", "time"])
    sites = pd.DataFrame({"tz": ["Asia/Kolkata", "UTC"]}, index=pd.Index(["india", "utc"], name="site_id"))
    stamp = pd.Timestamp("2024-03-17 19:00", tz="UTC")  # 00:30 on the 18th in India
    real = pd.DataFrame({"site_id": ["india", "utc"], "start": stamp, "stop": stamp + pd.Timedelta("1h")})
    panel = Panel(pd.DataFrame({"observed_kw": 1.0}, index=index), sites).with_events(real)
    start = TODAY + pd.Timedelta("6h")
    cases = make_cases(
        panel, [Event(site, start, start + pd.Timedelta("1h")) for site in ("india", "utc")], View.settlement()
    )
    builder = ReferenceDays(days=5, look_back_days=5, day_types="all")
    ages = builder(panel, cases)[builder.columns("age_days")]
    assert ages.iloc[0].dropna().tolist() == [1, 3, 4, 5]
    assert ages.iloc[1].dropna().tolist() == [1, 2, 4, 5]
