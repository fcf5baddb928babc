"""Rules carried out from days by site, beside the long frame, which is the oracle: every rule, and worlds that are drawn."""

import numpy as np
import pandas as pd
import pytest
from drawn_worlds import GAPS, HOW, RULES, assert_alike, dispatched, drawn, made
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
from cblcast.settlement import Wishes, settle
from cblcast.settlement.conductor import settle_part
from cblcast.settlement.direct import panel_of_days, why_not_by_days
from cblcast.settlement.result import finish

pytestmark = pytest.mark.filterwarnings("ignore::cblcast.errors.DataWarning")  # of calendars: told elsewhere
NAMES = [program.name for program in list_programs()]
LONG = {  # and nothing else: whoever adds a rule that needs the long frame says so here
    "caiso_control_group", "caiso_mgo", "elia_declared", "ercot_regression", "pjm_fsl", "rte_nebef_forecast",
    "rte_nebef_panel", "submetered_battery", "taipower_demand_bidding",
}  # fmt: skip


def long_only(*_):
    return "the oracle is asked"


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
