"""Same-day adjustment by hand, at its edges: one interval, rows right after the stop, nothing to see."""

import warnings

import numpy as np
import pandas as pd
import pytest

from cblcast.errors import DataWarning, StudyError
from cblcast.estimators.ranges import Choice
from cblcast.estimators.rules.declared import Declared
from cblcast.estimators.wrappers.adjusted import Adjusted
from cblcast.frames.events import Window

BEFORE, AFTER = Window.before(1), Window.after(1)


def event(baseline, metered, since_start, length, site="a"):
    """Rows of one event; hours are counted to the start of each interval."""
    since_start = np.asarray(since_start, dtype=float)
    index = pd.MultiIndex.from_arrays(
        [[site] * len(baseline), [0] * len(baseline), since_start], names=["site_id", "origin", "time"]
    )
    columns = {"declared_kw": baseline, "metered_kw": metered, "hours_since_start": since_start}
    return pd.DataFrame({**columns, "hours_since_stop": since_start - length}, index=index, dtype=float)


def adjusted(X, window=BEFORE, mode="multiplicative", **params):
    return Adjusted(Declared(), window, mode, **params).fit(X, np.zeros(len(X)))


@pytest.mark.parametrize("step", [1.0, 0.25, 1 / 12])
@pytest.mark.parametrize("mode", ["multiplicative", "additive"])
def test_a_window_of_any_number_of_intervals(step, mode):
    # The meter stands 2 kW above a baseline of 8 kW in the hour before: 1.25, or 2 kW, whatever the step.
    since_start = np.arange(-1, 2, step)
    baseline = np.where(since_start < 0, 8.0, 12.0)
    X = event(baseline, np.where(since_start < 0, 10.0, np.nan), since_start, length=2)
    found = adjusted(X, mode=mode).predict(X)
    assert found[since_start >= 0] == pytest.approx(12 * 1.25 if mode == "multiplicative" else 14)


def test_small_loads_make_a_ratio_too():
    X = event([0.5, 4.0], [0.25, np.nan], [-1, 0], length=1)
    assert adjusted(X).predict(X).tolist() == [0.25, 2.0]


@pytest.mark.parametrize("mode", ["multiplicative", "additive"])
def test_nothing_seen_is_told_and_changes_nothing(mode):
    seen = event([8.0, 4.0], [10.0, np.nan], [-1, 0], length=1, site="a")
    dark = event([8.0, 4.0], [np.nan, np.nan], [-1, 0], length=1, site="b")
    X = pd.concat([seen, dark])
    rule = adjusted(X, mode=mode)
    with pytest.warns(DataWarning, match="1 of 2 events are not adjusted"):
        found = rule.predict(X)
    assert found[2:].tolist() == [8.0, 4.0]
    assert rule.explain(X)["usable"].tolist() == [True, True, False, False]
    told = rule.explain(X)
    assert np.isnan(told["raw"][2:]).all()  # not 1, which would look like a meter that met its baseline
    assert told["applied"].tolist()[2:] == [1.0 if mode == "multiplicative" else 0.0] * 2
    assert told["seen_share"].tolist() == [1, 1, 0, 0]


def test_a_zero_or_negative_window_makes_no_ratio_but_a_shift():
    X = event([-2.0, -3.0, 4.0], [-3.0, -4.0, np.nan], [-2, -1, 0], length=1)
    with pytest.warns(DataWarning, match="1 of 1"):
        assert adjusted(X, Window.before(2)).predict(X).tolist() == [-2.0, -3.0, 4.0]
    assert adjusted(X, Window.before(2), "additive").predict(X).tolist() == [-3.0, -4.0, 3.0]


def test_the_cap_of_a_shift_is_a_share_of_the_mean_baseline_of_the_event_alone():
    # Event hours 0 and 1 at 10 and 30 kW: mean 20, so ±10 % are 2 kW; the windows right beside it do not count.
    X = event([100.0, 10.0, 30.0, 100.0], [150.0, np.nan, np.nan, 150.0], [-1, 0, 1, 2], length=2)
    for window in (BEFORE, AFTER, (BEFORE, AFTER)):
        rule = adjusted(X, window, "additive", limits=(-0.1, 0.1))
        assert rule.predict(X).tolist() == [102.0, 12.0, 32.0, 102.0]
        assert set(rule.explain(X)["raw"]) == {50.0}
    # One interval of net generation: the share is one of its size.
    X = event([5.0, -20.0], [95.0, np.nan], [-1, 0], length=1)
    assert adjusted(X, mode="additive", limits=(-0.1, 0.1)).predict(X).tolist() == [7.0, -18.0]
    X = event([95.0, -20.0], [5.0, np.nan], [-1, 0], length=1)
    assert adjusted(X, mode="additive", limits=(-0.1, 0.1)).predict(X).tolist() == [93.0, -22.0]


def test_the_cap_of_a_factor_and_what_is_never_adjusted_downwards():
    X = event([8.0, 4.0], [16.0, np.nan], [-1, 0], length=1)
    down = X.assign(metered_kw=[2.0, np.nan])
    assert adjusted(X, limits=(0.5, 1.5)).predict(X)[1] == 6.0
    assert adjusted(down, limits=(0.5, 1.5)).predict(down)[1] == 2.0
    assert adjusted(X, upward_only=True).predict(X)[1] == 8.0
    assert adjusted(down, upward_only=True).predict(down)[1] == 4.0
    assert adjusted(down, mode="additive", upward_only=True).predict(down)[1] == 4.0
    assert adjusted(down, mode="additive", floor=0.0).predict(down)[1] == 0.0
    assert adjusted(down, mode="additive").predict(down)[1] == -2.0


def test_limits_may_touch_the_adjustment_that_changes_nothing():
    X = event([8.0, 4.0], [16.0, np.nan], [-1, 0], length=1)
    for mode, limits in (("multiplicative", (1.0, 1.2)), ("multiplicative", (0.8, 1.0)), ("additive", (0.0, 0.1))):
        adjusted(X, mode=mode, limits=limits)
    for mode, limits in (("multiplicative", (1.01, 1.2)), ("multiplicative", (0.8, 0.99)), ("additive", (0.01, 0.1))):
        with pytest.raises(StudyError, match="must enclose"):
            adjusted(X, mode=mode, limits=limits)


def test_an_event_without_a_baseline_is_not_counted_as_unadjusted():
    X = pd.concat([
        event([np.nan, np.nan], [5.0, np.nan], [-1, 0], length=1, site="a"),
        event([8.0, 4.0], [16.0, np.nan], [-1, 0], length=1, site="b"),
    ])  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = adjusted(X).predict(X)
    assert np.isnan(found[:2]).all()
    assert found[2:].tolist() == [16.0, 8.0]


def test_what_a_tuning_searches_and_needs():
    assert Adjusted.search_space() == {"mode": Choice(("multiplicative", "additive"))}
    assert Adjusted(Declared(), ("PBLM", "BW")).windows() == (Window.before(2), Window.after(2, buffer=1))


@pytest.mark.parametrize(("baseline", "metered"), [(0.0, 5.0), (-0.5, 0.5), (0.5, -0.5), (0.5, 0.0), (-2.0, -4.0)])
def test_a_ratio_needs_both_above_zero(baseline, metered):
    X = event([baseline, 4.0], [metered, np.nan], [-1, 0], length=1)
    with pytest.warns(DataWarning, match="1 of 1 events are not adjusted") as told:
        assert adjusted(X).predict(X).tolist() == [baseline, 4.0]
    assert told[0].filename == __file__  # it points at who asked


def test_a_ratio_does_not_enlarge_an_export():
    # Solar site: imports in the morning (baseline 10, meter 15 kW), exports 40 kW in the event. A factor of 1.5 would claim
    # an export of 60 kW; the day took MORE load, so the export should be smaller, if anything.
    X = event([10.0, -40.0], [15.0, np.nan], [-1, 0], length=1)
    with pytest.warns(DataWarning, match="1 of 1 events are not adjusted"):
        assert adjusted(X).predict(X)[1] == -40.0
    net = adjusted(X, otherwise="additive")
    assert net.predict(X)[1] == -35.0
    told = net.explain(X).iloc[1]
    assert (told["raw"], told["applied"], told["shift"], told["usable"]) == (5.0, 5.0, True, True)


def test_a_window_that_nets_to_almost_nothing_makes_no_factor_of_57():
    # Baseline of the window +5 and -4.9 kW: 0.05 kW on average; the meter stood at 2.85 kW, 57 times as much.
    X = event([5.0, -4.9, 3.0, 3.0], [5.7, 0.0, np.nan, np.nan], [-2, -1, 0, 1], length=2)
    window = Window.before(2)
    with pytest.warns(DataWarning, match="too little beside the event's"):
        assert adjusted(X, window).predict(X)[2:].tolist() == [3.0, 3.0]
    assert adjusted(X, window, otherwise="additive").predict(X)[2] == pytest.approx(3 + 2.8)
    # A cap of the program bounds what such a window can do: the rule is then carried out as it stands.
    assert adjusted(X, window, limits=(0.8, 1.2)).predict(X)[2] == pytest.approx(3.6)


def test_a_net_meter_shifts_wherever_a_sign_changes_and_keeps_the_cap():
    X = event([10.0, 20.0, -1.0], [12.0, np.nan, np.nan], [-1, 0, 1], length=2)
    assert adjusted(X).predict(X)[1] == 24.0  # the event nets to import, so a plain ratio stands
    net = adjusted(X, otherwise="additive")
    assert net.predict(X)[1:].tolist() == [22.0, 1.0]
    # 0.8-1.2 of a factor is a fifth of the mean baseline (9.5 kW) of a shift.
    assert adjusted(X, otherwise="additive", limits=(0.9, 1.1)).predict(X)[1] == pytest.approx(20.95)
    plain = event([10.0, 20.0, 1.0], [12.0, np.nan, np.nan], [-1, 0, 1], length=2)
    assert adjusted(plain, otherwise="additive").predict(plain)[1] == 24.0


def test_a_window_metered_to_a_third_is_told_or_not_used():
    # 1 of 3 hours is metered: 1.2 rests on that hour alone.
    X = event([10.0, 10.0, 10.0, 20.0], [np.nan, np.nan, 12.0, np.nan], [-3, -2, -1, 0], length=1)
    told = adjusted(X, Window.before(3)).explain(X).iloc[0]
    assert (told["raw"], told["seen_share"]) == pytest.approx((1.2, 1 / 3))
    strict = adjusted(X, Window.before(3), least_seen=0.5)
    with pytest.warns(DataWarning, match="1 of 1"):
        assert strict.predict(X)[3] == 20.0
    assert not strict.explain(X)["usable"].any()
    # Hours that the record does not reach have no rows: they count as unseen all the same.
    assert adjusted(X[2:], Window.before(3)).explain(X[2:])["seen_share"].iloc[0] == pytest.approx(1 / 3)
    with pytest.raises(StudyError, match="least_seen is a share"):
        adjusted(X, least_seen=1.5)
    with pytest.raises(StudyError, match="unknown otherwise 'shift'"):
        adjusted(X, otherwise="shift")


def test_windows_that_share_hours_count_them_once():
    X = event([10.0] * 3 + [20.0], [12.0] * 3 + [np.nan], [-3, -2, -1, 0], length=1)
    told = adjusted(X, (Window.before(3), Window.before(2, buffer=1))).explain(X)
    assert told["seen_share"].iloc[0] == 1.0
