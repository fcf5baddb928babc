"""The day rules of programs against the slow, obvious loop, on real load with holes and real events."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cblcast import datasets
from cblcast.days.day_rules import DayRule
from cblcast.days.placebo import placebo_events
from cblcast.estimators.rules.selected_days import SelectedDays
from cblcast.features.program_days import ProgramDays
from cblcast.frames.cases import View, make_cases
from cblcast.frames.panel import Panel
from cblcast.frames.schema import StudyError

SETTLEMENT = View.settlement()


@cache
def panel():
    """Two buildings with holes; every sixth placebo day is a real event."""
    whole = datasets.load("cambridge_sme").select(["b1", "b22"])
    data = whole.data.loc[pd.IndexSlice[:, "2019-01-01":"2019-06-30"], ["observed_kw", "temp_air_c"]].copy()
    rng = np.random.default_rng(3)
    holes = rng.choice(len(data), 60, replace=False)
    load = data["observed_kw"].to_numpy(copy=True)
    for first in holes[:12]:
        load[first : first + 5] = np.nan
    load[holes[12:20]] *= 0.1
    whole = Panel(data.assign(observed_kw=load), whole.sites)
    taken = placebo_events(whole, "16:00", "20:00", first="2019-01-02", last="2019-06-20").iloc[::6]
    return whole.with_events(taken)


@cache
def cases():
    found = placebo_events(
        panel(), "17:00", "20:00", first="2019-04-01", last="2019-06-21", days="all", labels=("any",)
    )
    mine = found[~np.isin(found["start"].dt.floor("D"), panel().events["start"].dt.floor("D"))]
    return make_cases(
        panel(), mine.groupby("site_id").sample(12, random_state=1).sort_values(["site_id", "start"]), SETTLEMENT
    )


def slow_baseline(rule, day_types, site, origin, times):
    """The rule of one event, as a person would do it with a calendar and a pencil."""
    tz = panel().sites.loc[site, "tz"]
    load = panel().data.loc[site, "observed_kw"].copy()
    load.index = load.index.tz_convert(tz).tz_localize(None)
    load = load.groupby(level=0).mean()
    bank = {
        pd.Timestamp("2019-01-01"),
        pd.Timestamp("2019-04-19"),
        pd.Timestamp("2019-04-22"),
        pd.Timestamp("2019-05-06"),
        pd.Timestamp("2019-05-27"),
    }

    def label(day):
        rest = day in bank or day.day_of_week >= 5
        return "any" if day_types == "all" else ("rest" if rest else "working")

    local = [time.tz_convert(tz).tz_localize(None) for time in times]
    today = origin.tz_convert(tz).tz_localize(None).normalize()
    events = panel().events[panel().events["site_id"] == site]
    taken = set(events["start"].dt.tz_convert(tz).dt.tz_localize(None).dt.normalize())

    def hours(day, which):
        return load.reindex([time - today + day for time in which])

    def event_mean(day):
        return hours(day, local).mean()

    def qualified(look_back):
        found = []
        for back in range(1, (rule.furthest_day) + 1):
            day = today - pd.Timedelta(days=back)
            inside = day >= load.index[0].normalize()
            if not inside or back <= rule.gap_days or label(day) != label(today) or day in taken:
                continue
            whole = load.reindex(pd.date_range(day, periods=24, freq="h"))
            if (
                whole.notna().mean() < rule.min_metered_share
                or hours(day, local).notna().mean() < rule.min_metered_share
            ):
                continue
            if (
                rule.candidate_days is not None
                and sum(label(today - pd.Timedelta(days=k)) == label(today) for k in range(1, back + 1))
                > rule.candidate_days
            ):
                continue
            if back <= look_back:
                found.append(day)
        if rule.low_share > 0 or rule.high_share is not None:
            means = [event_mean(day) for day in found]
            if means:
                level = max(means) if rule.low_of == "seed" else np.mean(means[: rule.y])
                found = [
                    day
                    for day, mean in zip(found, means, strict=True)
                    if not mean < rule.low_share * level
                    and (rule.high_share is None or not mean > rule.high_share * level)
                ]
        return found

    days = qualified(rule.look_back_days)
    if rule.extended_look_back_days and len(days) < rule.y:
        days = qualified(rule.extended_look_back_days)
    days = days[: rule.y]
    if len(days) < rule.least:
        return [np.nan] * len(times)

    def key(day):
        everything = pd.date_range(day, periods=24, freq="h")
        outside = [time for time in everything if time - day + today not in local]
        wanted = {
            "event_hours": [time - today + day for time in local],
            "whole_day": everything,
            "outside_event": outside,
        }
        return load.reindex(wanted[rule.ranked]).mean()

    keys = [key(day) for day in days]
    order = {
        "high": np.argsort([-k for k in keys], kind="stable"),
        "low": np.argsort(keys, kind="stable"),
        "middle": np.argsort(keys, kind="stable"),
        "recent": np.arange(len(days)),
    }[rule.rank]
    first = max(0, len(days) - rule.x) // 2 if rule.rank == "middle" else 0
    chosen = [days[k] for k in sorted(order[first : first + rule.x])]
    weights = rule.ordered_weights[: len(chosen)]
    answer = []
    for time in local:
        values = load.reindex([time - today + day for day in chosen]).to_numpy()
        known = np.isfinite(values)
        answer.append((values[known] * weights[known]).sum() / weights[known].sum() if known.any() else np.nan)
    return answer


@st.composite
def rules(draw):
    y = draw(st.integers(2, 12))
    x = draw(st.integers(1, y))
    look_back = draw(st.integers(12, 50))
    low_of = draw(st.sampled_from(["mean", "seed"]))
    return DayRule(
        applies_to=("working", "rest"),
        x=x,
        y=y,
        rank=draw(st.sampled_from(["high", "low", "middle", "recent"])),
        ranked=draw(st.sampled_from(["event_hours", "whole_day", "outside_event"])),
        decay=draw(st.sampled_from([None, 0.8])),
        minimum_days=draw(st.integers(1, y)),
        look_back_days=look_back,
        extended_look_back_days=draw(st.sampled_from([None, look_back + 15])),
        candidate_days=draw(st.sampled_from([None, 2 * y])),
        gap_days=draw(st.integers(0, 2)),
        low_share=draw(st.sampled_from([0.0, 0.5, 0.9])),
        high_share=draw(st.sampled_from([None, 1.1])) if low_of == "mean" else None,
        low_of=low_of,
    )


GAP_OVER_A_WEEKEND = DayRule(applies_to=("working", "rest"), x=1, y=2, rank="high", minimum_days=1, look_back_days=12,
                             candidate_days=4, gap_days=2)  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(rules())
@example(GAP_OVER_A_WEEKEND)  # the Sunday before a Tuesday is too close AND of another type: it is no candidate
def test_every_rule_is_that_of_the_slow_loop(rule):
    rule_set = SelectedDays((rule,), "working")
    X = ProgramDays((rule,), "working")(panel(), cases())
    fast = pd.Series(rule_set.fit(X).predict(X), index=X.index)
    for (site, origin), own in fast.groupby(["site_id", "origin"], sort=True):
        times = own.index.get_level_values("time")
        np.testing.assert_allclose(own.to_numpy(), slow_baseline(rule, "working", site, origin, times), rtol=2e-6)


@settings(max_examples=10, deadline=None)
@given(rules(), st.integers(0, 100))
def test_what_is_hidden_moves_nothing(rule, seed):
    # Garbage in the events asked for (they are hidden by the cases) leaves every feature as it is.
    builder = ProgramDays((rule,), "working")
    rng = np.random.default_rng(seed)
    load = panel().data["observed_kw"].copy()
    (site, _), rows = next(iter(cases().groupby(["site_id", "origin"])))
    own = rows.index.get_level_values("time")
    load.loc[(site, slice(own[0], own[-1]))] = rng.normal(1e4, 1e4, len(own))
    spoiled = Panel(panel().data.assign(observed_kw=load), panel().sites, panel().events)
    pd.testing.assert_frame_equal(builder(spoiled, rows), builder(panel(), rows))


def test_middle_lies_between_low_and_high():
    def mean(rank):
        rule = DayRule(applies_to=("working", "rest"), x=4, y=8, rank=rank, minimum_days=2)
        X = ProgramDays((rule,), "working")(panel(), cases())
        return pd.Series(SelectedDays((rule,)).predict(X), index=X.index).groupby(["site_id", "origin"]).mean()

    low, middle, high = mean("low"), mean("middle"), mean("high")
    assert (low <= middle + 1e-9).all()
    assert (middle <= high + 1e-9).all()


def test_weights_by_rank_give_the_first_weight_to_the_best_ranked():
    rule = DayRule(
        applies_to=("working", "rest"),
        x=3,
        y=8,
        rank="high",
        weights=(1.0, 0.0, 0.0),
        weights_by="rank",
        minimum_days=3,
    )
    X = ProgramDays((rule,), "working")(panel(), cases())
    top = DayRule(applies_to=("working", "rest"), x=1, y=8, rank="high", minimum_days=3)
    Z = ProgramDays((top,), "working")(panel(), cases())
    np.testing.assert_allclose(SelectedDays((rule,)).predict(X), SelectedDays((top,)).predict(Z))


def test_rules_of_other_day_types_do_not_touch_each_other():
    working = DayRule(applies_to="working", x=2, y=5, rank="high", minimum_days=1)
    rest = DayRule(applies_to="rest", x=3, y=4, rank="low", minimum_days=1)
    both = ProgramDays((working, rest), "working")(panel(), cases())
    together = pd.Series(SelectedDays((working, rest)).predict(both), index=both.index)
    for number, rule in enumerate((working, rest)):
        X = ProgramDays((rule,), "working")(panel(), cases())
        alone = pd.Series(SelectedDays((rule,)).predict(X), index=X.index)
        mine = both["program_rule"] == number
        assert mine.any()
        np.testing.assert_allclose(together[mine], alone[mine])
        assert alone[~mine].isna().all()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"rank": "hottest"}, "unknown rank 'hottest'"),
        ({"x": 0}, "x must be a whole number from 1"),
        ({"gap_days": 60}, "leaves no day"),
        ({"low_of": "mode"}, "unknown low_of"),
        ({"weights": (0.5, 0.6), "x": 2}, "2 that sum to 1.1"),
        ({"decay": 1.5}, "decay must be a number above 0 below 1"),
        ({"low_of": "seed", "high_share": 1.2}, "no upper limit"),
    ],
)
def test_a_rule_that_is_none_is_refused(params, message):
    with pytest.raises(StudyError, match=message):
        DayRule(**params)
