"""Identities of the rules, of the adjustment and of the error measures, whatever the load."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cblcast import metrics
from cblcast.errors import DataWarning
from cblcast.estimators.rules.rule import Rule
from cblcast.estimators.rules.similar_days import SimpleAverage, XofY
from cblcast.estimators.wrappers.adjusted import Adjusted

quick = settings(max_examples=40, deadline=None, derandomize=True)
DAYS, ROWS = 10, 4  # rows of one event, the first two of them in the window before it
# A window below a twentieth of the event would be near zero beside it, of which no ratio is taken: within 18 times none is.
loads = arrays(float, (DAYS, ROWS), elements=st.floats(5, 90, width=32))
meters = arrays(float, (ROWS,), elements=st.floats(5, 90, width=32))


def event(load, metered=None):
    """Features of one event: two hours before it and two hours of it; newest day first."""
    index = pd.MultiIndex.from_tuples([("a", 0, hour) for hour in range(ROWS)], names=["site_id", "origin", "time"])
    columns = {f"ref_kw_{k + 1:02d}": load[k] for k in range(DAYS)}
    columns |= {f"ref_event_kw_{k + 1:02d}": np.full(ROWS, load[k, 2:].mean()) for k in range(DAYS)}
    columns |= {f"ref_age_days_{k + 1:02d}": np.full(ROWS, k + 1.0) for k in range(DAYS)}
    seen = np.full(ROWS, np.nan)
    if metered is not None:
        seen[:2] = metered[:2]
    columns |= {
        "hours_since_start": np.arange(ROWS) - 2.0,
        "hours_since_stop": np.arange(ROWS) - 4.0,
        "metered_kw": seen,
    }
    return pd.DataFrame(columns, index=index)


def estimate(rule, X):
    return rule.fit(X, np.zeros(len(X))).predict(X)


@quick
@given(loads, st.integers(1, DAYS))
def test_high_middle_low(load, x):
    X = event(load)
    high, middle, low = (estimate(XofY(x, DAYS, select), X)[2:].mean() for select in ("high", "middle", "low"))
    assert high >= middle - 1e-9
    assert middle >= low - 1e-9


@quick
@given(loads)
def test_all_of_the_days_is_their_mean_whatever_the_selection(load):
    X = event(load)
    for rule in [SimpleAverage(DAYS), *(XofY(DAYS, DAYS, select) for select in ("high", "middle", "low", "recent"))]:
        np.testing.assert_allclose(estimate(rule, X), load.mean(0))


@quick
@given(loads, st.sampled_from([0.25, 2.0, 1024.0]), st.sampled_from(["high", "middle", "low", "recent"]))
def test_the_baseline_scales_with_the_load(load, factor, select):  # powers of two keep every tie
    rule = XofY(5, DAYS, select)
    np.testing.assert_allclose(estimate(rule, event(factor * load)), factor * estimate(rule, event(load)), rtol=1e-12)


@quick
@given(loads)
def test_the_chosen_days_do_not_depend_on_the_order_of_rows(load):
    X, order = event(load, load[0]), np.array([2, 0, 3, 1])
    rule = Adjusted(XofY(5, DAYS))
    np.testing.assert_allclose(estimate(rule, X.iloc[order]), estimate(rule, X)[order], rtol=1e-12)


@quick
@given(loads, st.sampled_from(["multiplicative", "additive"]))
def test_adjusting_a_perfect_baseline_changes_nothing(load, mode):
    plain = estimate(XofY(5, DAYS), event(load))
    np.testing.assert_allclose(estimate(Adjusted(XofY(5, DAYS), mode=mode), event(load, plain)), plain, rtol=1e-9)


@quick
@given(loads, meters, st.sampled_from(["multiplicative", "additive"]))
def test_an_adjustment_meets_the_meter_and_is_idempotent(load, metered, mode):
    X = event(load, metered)
    once = Adjusted(XofY(5, DAYS), mode=mode)
    np.testing.assert_allclose(estimate(once, X)[:2].sum(), metered[:2].sum(), rtol=1e-9)
    np.testing.assert_allclose(estimate(Adjusted(once, mode=mode), X), estimate(once, X), rtol=1e-6, atol=1e-6)


@quick
@given(loads, meters)
def test_limits_floor_and_upward_only_are_respected(load, metered):
    X = event(load, metered)
    plain = estimate(XofY(5, DAYS), X)
    ratio = estimate(Adjusted(XofY(5, DAYS), limits=(0.8, 1.2)), X) / plain
    assert ((ratio >= 0.8 - 1e-9) & (ratio <= 1.2 + 1e-9)).all()
    shift = estimate(Adjusted(XofY(5, DAYS), mode="additive", limits=(-0.1, 0.1)), X) - plain
    assert (np.abs(shift) <= 0.1 * plain[2:].mean() + 1e-9).all()
    for mode in ("multiplicative", "additive"):
        assert (estimate(Adjusted(XofY(5, DAYS), mode=mode, upward_only=True), X) >= plain - 1e-9).all()
    assert (estimate(Adjusted(XofY(5, DAYS), mode="additive", floor=20.0), X) >= 20).all()


@quick
@given(loads, meters, st.floats(0.0, 0.05, exclude_max=True))
def test_a_window_near_zero_beside_the_event_changes_nothing_without_a_cap(load, metered, share):
    small = load.copy()
    small[:, :2] = share * load[:, 2:].min() * np.ones((DAYS, 2))
    X = event(small, metered)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        found = estimate(Adjusted(XofY(DAYS, DAYS)), X)
    np.testing.assert_array_equal(found, estimate(XofY(DAYS, DAYS), X))


class Zero(Rule):
    """A baseline of nothing."""

    def predict(self, X):
        return np.zeros(len(X))


@pytest.mark.parametrize("seen", [0.0, -4.0, np.nan])
def test_a_ratio_needs_load_above_zero_and_counts_where_there_is_none(seen):
    load = np.arange(1.0, 41.0).reshape(DAYS, ROWS)
    X = event(load, np.full(ROWS, seen))
    plain = estimate(XofY(5, DAYS), X)
    rule = Adjusted(XofY(5, DAYS)).fit(X, None)
    with pytest.warns(DataWarning, match="1 of 1 events are not adjusted"):
        np.testing.assert_array_equal(rule.predict(X), plain)
    assert (rule.explain(X)["applied"] == 1).all()
    with pytest.warns(DataWarning, match="1 of 1"):
        assert (Adjusted(Zero()).fit(X, None).predict(X) == 0).all()


def test_an_event_without_a_baseline_is_no_event_without_a_window():
    X = event(np.full((DAYS, ROWS), np.nan), np.ones(ROWS))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(estimate(Adjusted(XofY(5, DAYS)), X)).all()


@quick
@given(loads, meters)
def test_the_cap_does_not_depend_on_rows_beside_the_event(load, metered):
    X = event(load, metered)
    far = X.iloc[[0]].rename(index={0: -9}, level="time").assign(hours_since_start=-11.0, hours_since_stop=-13.0)
    far.loc[:, [f"ref_kw_{k + 1:02d}" for k in range(DAYS)]] = 1e5
    rule = Adjusted(XofY(5, DAYS), mode="additive", limits=(-0.1, 0.1))
    np.testing.assert_allclose(estimate(rule, pd.concat([X, far]))[:ROWS], estimate(rule, X), rtol=1e-9)


@quick
@given(meters, meters)
def test_the_measures_stand_in_order_on_one_scale(observed, predicted):
    assume(observed.mean() > 0)
    mpe, mape, nrmse = (f(observed, predicted) for f in (metrics.mpe, metrics.mape, metrics.nrmse))
    assert abs(mpe) <= mape + 1e-9
    assert mape <= nrmse * (1 + 1e-9) + 1e-9
    assert metrics.mpe(observed, observed) == 0


@quick
@given(arrays(float, (3, 8, 2), elements=st.floats(-50, 50, width=32)), st.sampled_from(["multiplicative", "additive"]))
def test_adjustments_equal_the_slow_loop(values, mode):
    rng = np.random.default_rng(int(abs(values.sum())) % 1000)
    predicted, metered = values.reshape(-1, 2).T
    metered = np.where(rng.random(24) < 0.3, np.nan, metered)
    rows = [("a", event_number, hour) for event_number in range(3) for hour in range(8)]
    X = pd.DataFrame(
        {
            "hours_since_start": np.tile(np.arange(8) - 4.0, 3),
            "hours_since_stop": np.tile(np.arange(8) - 6.0, 3),
            "metered_kw": metered,
            "predicted": predicted,
        },
        index=pd.MultiIndex.from_tuples(rows, names=["site_id", "origin", "time"]),
    )

    class Given(Rule):
        def predict(self, X):
            return X["predicted"].to_numpy()

    expected = []
    for number in range(3):
        part = X.iloc[8 * number : 8 * number + 8]
        pairs = [(m, p) for m, p in zip(part["metered_kw"][2:4], part["predicted"][2:4], strict=True) if np.isfinite(m)]
        actual, base = sum(m for m, _ in pairs), sum(p for _, p in pairs)
        if mode == "multiplicative":
            factor = actual / base if pairs and actual > 0 and base > 0 else 1.0
            expected.extend(part["predicted"] * factor)
        else:
            expected.extend(part["predicted"] + ((actual - base) / len(pairs) if pairs else 0.0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        found = estimate(Adjusted(Given(), mode=mode), X.sample(frac=1, random_state=1)).tolist()
    order = X.reset_index(drop=True).sample(frac=1, random_state=1).index
    np.testing.assert_allclose(found, np.asarray(expected)[order], rtol=1e-9, atol=1e-9)
