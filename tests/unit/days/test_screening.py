"""The fast kernel beside the slow obvious loop, and beside the long frame of cases."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.days.screening import xofy_backtest
from cblcast.estimators.rules.similar_days import XofY
from cblcast.estimators.wrappers.adjusted import Adjusted
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.cases import View
from cblcast.frames.cube import DayCube
from cblcast.frames.events import Window
from cblcast.frames.schema import DataWarning, StudyError


def slow_xofy(values, event, beside, x, y, select, limits, qualified, look_back_days):
    """Baseline (n_sites, n_days, n_event_slots) and factor: one site, one day, one reference day after the other."""
    n_sites, n_days, _ = values.shape
    values = values.astype(float)
    baseline = np.full((n_sites, n_days, len(event)), np.nan)
    factor = np.ones((n_sites, n_days))
    for site in range(n_sites):
        for day in range(n_days):
            reference = []
            for earlier in range(day - 1, max(day - look_back_days, 0) - 1, -1):
                load = values[site, earlier]
                if qualified[site, earlier] and np.isfinite(load[[*event, *beside]]).all():
                    reference.append(load)
                if len(reference) == y:
                    break
            if len(reference) < y:
                continue
            order = {
                "high": lambda load: -sum(load[slot] for slot in event),
                "low": lambda load: sum(load[slot] for slot in event),
                "middle": lambda load: sum(load[slot] for slot in event),
                "recent": lambda load: 0,
            }[select]
            ranked = sorted(reference, key=order)  # stable: of two alike the newer comes first
            skipped = (y - x) // 2 if select == "middle" else 0
            mean = np.mean(ranked[skipped : skipped + x], axis=0)
            baseline[site, day] = mean[event]
            if len(beside):
                metered, expected = sum(values[site, day, beside]), sum(mean[beside])
                if metered > 0 and expected > 0:
                    factor[site, day] = min(max(metered / expected, limits[0]), limits[1])
                baseline[site, day] *= factor[site, day]
    return baseline, factor


CASES = [
    ("high", 5, 10, "PBLM", 60),
    ("high", 3, 5, "WS", 12),
    ("low", 3, 5, "BW", 60),
    ("middle", 4, 6, None, 60),
    ("middle", 5, 10, Window.before(3, buffer=1), 60),
    ("recent", 10, 10, "PBLM", 60),
    ("recent", 2, 4, "PBLM", 60),
    ("high", 4, 4, "PBLM", 60),
    ("high", 1, 1, "PBLM", 60),
    ("high", 5, 10, "PBLM", 9),  # ten days never lie within nine
]


# Days that were not metered have no factor, which is warned about; what is judged here are the numbers.
@pytest.mark.filterwarnings("ignore::cblcast.frames.schema.DataWarning")
@pytest.mark.parametrize("share_missing", [0.0, 0.02])
@pytest.mark.parametrize(("select", "x", "y", "window", "look_back_days"), CASES)
def test_the_kernel_equals_the_slow_loop(select, x, y, window, look_back_days, share_missing):
    rng = np.random.default_rng(3)
    # Whole numbers are exact in float32, so that ties are real ties for both.
    values = rng.integers(1, 9, (5, 30, 24)).astype(np.float32)
    values[rng.random(values.shape) < share_missing] = np.nan
    working = (np.arange(30) % 7 < 5) if share_missing else np.ones(30, dtype=bool)
    spans = {None: [], "PBLM": [15, 16], "WS": [13, 14], "BW": [21, 22]}
    beside = spans[window] if not isinstance(window, Window) else [13, 14, 15]
    found = xofy_backtest(
        DayCube(values, 18000), 17, 20, x=x, y=y, select=select, window=window, qualified=working,
        look_back_days=look_back_days,
    )  # fmt: skip
    baseline, factor = slow_xofy(
        values, [17, 18, 19], beside, x, y, select, (0.8, 1.2), np.broadcast_to(working, (5, 30)), look_back_days
    )
    np.testing.assert_allclose(found.baseline_kw, baseline, rtol=1e-5)
    known = np.isfinite(baseline[:, :, 0])
    np.testing.assert_allclose(found.factor[known], factor[known], rtol=1e-5)
    assert known.any() == (look_back_days >= y)


# Days that were not metered have no factor: counted, and not what is judged here.
@pytest.mark.filterwarnings("ignore::cblcast.frames.schema.DataWarning")
def test_the_block_of_sites_does_not_show(monkeypatch):
    values = np.random.default_rng(5).gamma(9, 1, (7, 25, 24)).astype(np.float32)
    values[3, 12] = np.nan  # one block goes the general way, the others the short one
    whole = xofy_backtest(DayCube(values, 0), 8, 13, window=Window.after(3, buffer=2)).baseline_kw
    monkeypatch.setattr("cblcast.days.screening._SITE_DAYS_AT_ONCE", 2)
    np.testing.assert_array_equal(
        xofy_backtest(DayCube(values, 0), 8, 13, window=Window.after(3, buffer=2)).baseline_kw, whole
    )


# Days that were not metered have no factor, which is warned about; what is judged here are the numbers.
@pytest.mark.filterwarnings("ignore::cblcast.frames.schema.DataWarning")
def test_screening_says_what_the_forecaster_says():
    panel = datasets.load("cambridge_sme")
    panel = panel.select(list(panel.site_ids[:3]))
    data = panel.data[panel.data.index.get_level_values("time") < "2016-05-01"]
    panel = type(panel)(data, panel.sites)
    events = placebo_events(panel, "17:00", "20:00", first="2016-02-15")
    method = Forecaster(
        Adjusted(XofY(5, 10), "PBLM", limits=(0.8, 1.2)),
        {"reference_days": {"day_types": "all", "min_metered_share": 1.0}},
        View.settlement(),
    )
    cases = method.cases(panel, events)
    X = method.matrix(panel, cases)
    method.fit_matrix(X, np.ones(len(X)), panel.sites)
    long = method.predict_matrix(X, cases["scored"].to_numpy(dtype=bool))["predicted_kw"]
    cube = panel.cube()
    whole_days = np.isfinite(cube.values).all(axis=2)
    found = xofy_backtest(cube, 17, 20, qualified=whole_days)
    local = long.index.get_level_values("time").tz_convert("Europe/London")
    day = np.asarray(local.tz_localize(None).normalize().as_unit("s").asi8 // 86400 - cube.first_day)
    site = panel.site_codes(long.index.get_level_values("site_id"))
    np.testing.assert_allclose(long, found.baseline_kw[site, day, local.hour - 17], rtol=1e-4)
    assert len(long) > 100
    assert long.notna().mean() > 0.9


def test_days_without_a_usable_window_are_counted_and_left_alone():
    values = np.ones((1, 14, 24), dtype=np.float32)
    values[0, 12, 15:17] = 0
    values[0, 13, 15] = -3
    with pytest.warns(DataWarning, match="2 of 14 site days are not adjusted"):
        found = xofy_backtest(DayCube(values, 0), 17, 20)
    np.testing.assert_array_equal(found.factor, 1)
    np.testing.assert_array_equal(found.baseline_kw[0, 10:], 1)


@pytest.mark.parametrize(("start", "stop", "options", "message"), [
    (22, 26, {}, "within one day"),
    (17.5, 20, {}, "intervals of 1 h"),
    (1, 3, {}, "the window from -1 h"),
    (17, 20, {"x": 6, "y": 5}, "1 <= x <= y"),
    (17, 20, {"select": "hihg"}, "'high'"),
    (17, 20, {"limits": (1.1, 1.2)}, "enclose 1"),
])  # fmt: skip
def test_what_cannot_be_screened_is_said(start, stop, options, message):
    with pytest.raises(StudyError, match=message):
        xofy_backtest(DayCube(np.ones((1, 14, 24), dtype=np.float32), 0), start, stop, **options)


def test_dates_stay_those_of_the_cube():
    cube = DayCube(np.ones((1, 12, 24), dtype=np.float32), int(pd.Timestamp("2019-03-25").value // 86_400_000_000_000))
    found = xofy_backtest(cube, 17, 20)
    assert list(cube.days[np.isfinite(found.baseline_kw[0, :, 0])]) == list(cube.days[10:])
