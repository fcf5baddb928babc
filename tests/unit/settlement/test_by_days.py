"""Rules carried out from days by site, beside the long frame, which is the oracle: every rule, and worlds that are drawn."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cblcast.errors import DataError, StudyError
from cblcast.features.event_classes import classes_of_events
from cblcast.frames.cases import EventArrays
from cblcast.frames.cube import DayCube
from cblcast.frames.day_panel import DayPanel
from cblcast.frames.panel import Panel
from cblcast.programs import estimate as estimating
from cblcast.programs import list_programs, load_program
from cblcast.programs.direct import why_long
from cblcast.programs.model import Adjustment, Program
from cblcast.programs.terms import GapPolicy
from cblcast.settlement import Wishes, settle
from cblcast.settlement.conductor import settle_part
from cblcast.settlement.direct import panel_of_days, why_not_by_days
from cblcast.settlement.result import finish

pytestmark = pytest.mark.filterwarnings("ignore::cblcast.errors.DataWarning")  # of calendars: told elsewhere
RTOL = 1e-9  # of all figures: the two paths differ by rounding alone
NAMES = [program.name for program in list_programs()]
LONG = {  # and nothing else: whoever adds a rule that needs the long frame says so here
    "caiso_control_group", "caiso_mgo", "elia_declared", "ercot_regression", "pjm_fsl", "rte_nebef_forecast",
    "rte_nebef_panel", "submetered_battery", "taipower_demand_bidding",
}  # fmt: skip


def drawn(
    seed,
    zones=("Europe/London", "Europe/Rome"),
    step="60min",
    days=75,
    until="2019-04-20",
    gaps=0.004,
    first_days=(0, 3, 5),
):
    """A panel of a site a zone and one more, whose records begin on different days, with gaps and a missing week."""
    rng = np.random.default_rng(seed)
    last = pd.Timestamp(until, tz="UTC")
    times = pd.date_range(last - pd.Timedelta(days=days), last, freq=step, inclusive="left", unit="us")
    parts, per_day = {}, pd.Timedelta("1D") // pd.Timedelta(step)
    for number in range(3):
        own = times[first_days[number] * per_day :]
        load = rng.integers(8, 160, len(own)) / 4 + 5 * np.sin(np.arange(len(own)) * 2 * np.pi / per_day)
        load[rng.random(len(own)) < gaps] = np.nan
        if gaps:
            begin = int(rng.integers(len(own) // 3))
            load[begin : begin + 7 * per_day * (number == 2)] = np.nan
        warm = 15 + 8 * np.sin(np.arange(len(own)) / 50) + rng.normal(size=len(own))
        parts["abc"[number]] = pd.DataFrame({"observed_kw": load.astype(np.float32), "temp_air_c": warm}, own)
    tz = [zones[number % len(zones)] for number in range(3)]
    sites = {"tz": tz, "country": ["GB", "IT", None], "contract_kw": [20.0, np.nan, 25.0], "plc_kw": 30.0}
    return Panel(
        pd.concat(parts, names=["site_id", "time"]), pd.DataFrame(sites, index=pd.Index(list("abc"), name="site_id"))
    )


def dispatched(panel, seed, count=7, within_days=14):
    """Events alike at all sites and of one site, twice on a day, over midnight, between two readings."""
    rng = np.random.default_rng(seed)
    end, rows = pd.Timestamp(panel.last_times_us.max(), unit="us", tz="UTC").floor("1D"), []
    for back in rng.choice(np.arange(1, within_days), count, replace=False):
        start = end - pd.Timedelta(days=int(back)) + pd.Timedelta(hours=int(rng.integers(0, 24)))
        if rng.random() < 0.3:
            start += pd.Timedelta(minutes=20)
        length = pd.Timedelta(hours=int(rng.integers(1, 6)))
        rows += [(site, start, start + length) for site in panel.site_ids if rng.random() < 0.8]
        if rows and rng.random() < 0.4:
            rows.append((rows[-1][0], start + length + pd.Timedelta("3h"), start + length + pd.Timedelta("5h")))
    table = pd.DataFrame(rows, columns=["site_id", "start", "stop"]).sort_values(["site_id", "start"])
    table = table[~(table["start"] < table.groupby("site_id")["stop"].shift()) & (table["stop"] < end)]
    return table.assign(notified=table["start"] - pd.Timedelta("2h")).reset_index(drop=True)


def long_only(*_):
    return "the oracle is asked"


def assert_alike(one, other):
    if isinstance(one, str) or isinstance(other, str):
        assert one == other  # a refusal, in the same words
        return
    pd.testing.assert_frame_equal(one.events, other.events, rtol=RTOL)
    pd.testing.assert_frame_equal(one.problems, other.problems)
    pd.testing.assert_frame_equal(one.portfolio, other.portfolio, rtol=RTOL)
    pd.testing.assert_frame_equal(one.scored, other.scored, rtol=RTOL)


def both_ways(monkeypatch, panel, events, program, **wishes):
    found = settled(panel, events, program, wishes)
    monkeypatch.setattr(estimating, "why_long", long_only)
    slow = settled(panel, events, program, wishes)
    monkeypatch.undo()
    return found, slow


def settled(panel, events, program, wishes):
    try:
        return settle(panel, events, [program], keep_intervals=True, **wishes)
    except (DataError, StudyError) as refusal:
        return str(refusal)


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_goes_by_days_and_agrees_or_says_why_not(name, monkeypatch):
    program = load_program(name)
    reason = why_long(program)
    assert (reason != "") == (name in LONG), reason
    if reason:
        return
    quarter = name == "elia_last_quarter_hour"
    panel = drawn(3, step="15min" if quarter else "60min", days=20 if quarter else 130, gaps=0.002)
    if program.channel != "observed_kw":
        panel = Panel(panel.data.assign(**{program.channel: panel.data["observed_kw"] / 2}), panel.sites)
    found, slow = both_ways(monkeypatch, panel, dispatched(panel, 4), program)
    assert not isinstance(found, str)
    assert len(found.events) > 0
    assert_alike(found, slow)


RULES = [
    {"x": 3, "y": 5, "rank": "high", "gap_days": 1, "minimum_days": 3},
    {"x": 2, "y": 5, "rank": "low", "minimum_days": 2, "ranked": "whole_day"},
    {"x": 4, "y": 6, "rank": "middle", "minimum_days": 1, "ranked": "outside_event"},
    {"x": 3, "y": 6, "rank": "nearest", "minimum_days": 2, "compare_day_before": True},
    {"x": 3, "y": 6, "rank": "temperature", "minimum_days": 2},
    {"x": 4, "y": 4, "rank": "recent", "low_share": 0.9, "high_share": 1.2, "weights": (0.1, 0.2, 0.3, 0.4), "minimum_days": 1,
     "extended_look_back_days": 28},
    {"x": 5, "y": 5, "rank": "recent", "decay": 0.9, "candidate_days": 8, "minimum_days": 3},
    {"x": 3, "y": 8, "rank": "high", "look_back_days": 6, "weights": (0.5, 0.3, 0.2), "weights_by": "rank",
     "fallback": [{"look_back_days": 9}, {"minimum_days": 5}, {"event_days": "highest"}]},
    {"x": 6, "y": 6, "rank": "recent", "look_back_days": 7, "fallback": [{"minimum_days": 4}, {"day_types": ["rest", "working"]}]},
]  # fmt: skip
HOW = [
    None,
    {"kind": "ratio", "cap": (0.8, 1.2), "windows": [{"side": "before", "hours": 3, "buffer": 1}]},
    {"kind": "ratio", "upward_only": True, "where_no_ratio": "additive",
     "windows": [{"side": "before", "hours": 1, "buffer": 0}, {"side": "after", "hours": 2, "buffer": 0}]},
    {"kind": "additive", "cap": (-0.2, 0.2), "floor": 2.0, "windows": [{"side": "after", "hours": 1, "buffer": 1}]},
    {"kind": "additive", "ends_at": "notification", "windows": [{"side": "before", "hours": 2, "buffer": 0}]},
    {"kind": "ratio", "beside_other_events": "unadjusted", "windows": [{"start": "22:00", "stop": "24:00"}]},
]  # fmt: skip
GAPS = [{}, {"fill": "interpolate", "max_missing_share": 0.5}, {"fill": "leave_out", "max_missing_share": 0.7}]


def made(rule, how, gaps, day_types="working"):
    return Program(
        name="own", title="own", day_types=day_types, gaps=GapPolicy(**gaps), adjustment=None if how is None else Adjustment(**how),
        days=({"applies_to": sorted({"working", "rest"}), "look_back_days": 21, **rule},),
        evidence={"selection": {"source": "this test", "as_of": "2026-11", "confidence": "own"}},
    )  # fmt: skip


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    zones=st.sampled_from(
        [("Europe/London",), ("Europe/Rome", "America/St_Johns"), ("Asia/Kolkata",), ("Australia/Lord_Howe", "UTC")]
    ),
    until=st.sampled_from(["2019-04-05", "2019-11-03", "2019-06-14"]),
    days=st.integers(16, 50),
    rule=st.sampled_from(RULES),
    how=st.sampled_from(HOW),
    gaps=st.sampled_from(GAPS),
    share=st.sampled_from([0.0, 0.01, 0.15]),
)
def test_drawn_worlds_agree(monkeypatch, seed, zones, until, days, rule, how, gaps, share):
    panel = drawn(seed, zones, days=days, until=until, gaps=share)
    events = dispatched(panel, seed + 1)
    if events.empty:
        return
    others = dispatched(panel, seed + 2, count=3).assign(kind="outage" if seed % 2 else "event")
    found, slow = both_ways(monkeypatch, panel, events, made(rule, how, gaps), other_events=others)
    assert_alike(found, slow)


def by_day(panel):
    names = [name for name in panel.names if name in ("observed_kw", "temp_air_c")]
    spans = panel.first_times_us, panel.last_times_us
    return DayPanel({name: panel.cube(name) for name in names}, panel.sites, panel.step_us, spans=spans)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["rank"])
def test_days_alone_settle_as_the_panel_does(rule):
    # Spring has an hour too few, which days keep; autumn's hour too many is their mean.
    panel = drawn(11, ("Europe/London", "America/St_Johns"), until="2019-04-12", days=60)
    events, programs = dispatched(panel, 12), (made(rule, HOW[1], GAPS[1]),)
    parts = [settle_part(each, events, programs, Wishes(keep_intervals=True)) for each in (panel, by_day(panel))]
    assert_alike(*(finish(programs, [part], Wishes(keep_intervals=True)) for part in parts))


def test_what_days_are_not_enough_for_is_settled_from_the_intervals():
    panel = drawn(5)
    events, programs = dispatched(panel, 6), (load_program("caiso_mgo"), load_program("caiso_10in10"))
    asked = []
    long = [settle_part(by_day(panel), events, programs, Wishes(), long=lambda: asked.append(1) or panel)]
    assert asked == [1]
    assert_alike(finish(programs, long, Wishes()), settle(panel, events, programs))
    one = drawn(5, ("Europe/Rome",), first_days=(0, 0, 0), until="2019-03-20")  # days say the rest too
    own = dispatched(one, 6)
    told = finish(programs, [settle_part(by_day(one), own, programs, Wishes())], Wishes())
    assert_alike(told, settle(one, own, programs))
    for wishes in (Wishes(evidence=True), Wishes(coverage=0.9)):
        assert why_not_by_days(programs[1], wishes)
    assert not why_not_by_days(programs[1], Wishes())


def test_days_make_the_panel_that_they_were_made_of():
    panel = drawn(8, ("Europe/Rome",), first_days=(0, 0, 0), until="2019-04-12")
    again = panel_of_days(by_day(panel))
    whole = again.data["observed_kw"].reindex(panel.data.index)
    np.testing.assert_array_equal(whole, panel.data["observed_kw"].astype(np.float32))


def test_sites_are_of_one_class_only_where_their_gaps_are_the_same():
    values = np.ones((6, 20, 24), dtype=np.float32)
    values[1, 4, 3] = values[2, 4, 3] = np.nan  # the same slot
    values[3, 4, 5] = np.nan  # as many, another slot
    sites = pd.DataFrame({"tz": "UTC", "country": ["IT"] * 5 + ["GB"]}, index=pd.Index(list("abcdef"), name="site_id"))
    panel = DayPanel({"observed_kw": DayCube(values, 18_000)}, sites, 3_600_000_000)
    start = np.full(6, 18_015 * 86_400_000_000, dtype=np.int64)
    numbers = np.arange(6)
    event = EventArrays(numbers, numbers, numbers, start, start + 1, start, start + 1, start, np.ones(6, dtype=bool))
    assert classes_of_events(panel, event).like.tolist() == [0, 1, 1, 2, 0, 3]
    other = pd.DataFrame(
        {
            "site_id": ["e"],
            "start": pd.to_datetime(["2019-04-18 12:00Z"]),
            "stop": pd.to_datetime(["2019-04-18 13:00Z"]),
        }
    )
    assert classes_of_events(panel.with_events(other), event).like.tolist() == [0, 1, 1, 2, 3, 4]


def test_metered_slots_are_counted_whatever_their_values():
    values = np.random.default_rng(0).normal(size=(3, 5, 24)).astype(np.float32)
    values[0, 0, :3] = values[1, 2] = np.nan
    values[2, 4] = 3e38  # a sum without end is no gap
    assert (DayCube(values, 0).finite_count == np.isfinite(values).sum(2)).all()


def test_days_look_up_and_mask_as_the_panel_does():
    panel = drawn(2, ("Asia/Kolkata", "Europe/London"), until="2019-04-12")
    days, site = by_day(panel), np.array([0, 1, 2])
    times = np.repeat(panel.last_times_us[:, None] - np.arange(50) * panel.step_us, 1, axis=1)
    expected = panel.values_at("observed_kw", site[:, None], times).astype(np.float32)
    np.testing.assert_array_equal(days.values_at("observed_kw", site[:, None], times), expected)
    events = dispatched(panel, 3)
    masked, long = days.with_events(events), panel.with_events(events)
    np.testing.assert_array_equal(masked.cube().values, long.cube().values)
    own = DayPanel(days.cubes, days.sites, days.step_us)  # without spans: from the first reading to the last
    known = np.isfinite(panel.data["observed_kw"].to_numpy())
    read = panel.times_us[known], np.asarray(panel.data.index.codes[0])[known]
    first = [read[0][read[1] == code].min() for code in site]
    last = [read[0][read[1] == code].max() for code in site]
    # Where the wall clock is half an hour beside the meter's, a slot says when it begins, not when the reading does.
    assert (np.abs(own.first_times_us - first) < panel.step_us).all()
    assert (np.abs(own.last_times_us - last) < panel.step_us).all()


def test_bad_days_are_refused():
    sites = pd.DataFrame({"tz": ["UTC"]}, index=pd.Index(["a"], name="site_id"))
    cube = DayCube(np.ones((1, 3, 24), dtype=np.float32), 18_000)
    with pytest.raises(DataError, match="days of 24 slots for 1 sites do not fit"):
        DayPanel({"observed_kw": cube}, sites, 1_800_000_000)
    days = DayPanel({"observed_kw": cube}, sites, 3_600_000_000)
    with pytest.raises(DataError, match="the days have no column 'temp_air_c'"):
        days.cube("temp_air_c")
    with pytest.raises(DataError, match="site 'b' is not in the panel"):
        days.site_codes(pd.Index(["b"]))
