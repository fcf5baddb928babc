"""Rules as forecasters against the oracle: what a study trains, a backtest scores and a registered model serves."""

import warnings

import numpy as np
import pandas as pd
import pytest

from cblcast.estimators.rules.similar_days import ExponentialMovingAverage, SimpleAverage, XofY
from cblcast.estimators.wrappers.adjusted import Adjusted
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.cases import View
from cblcast.frames.events import Window
from cblcast.frames.panel import Panel

METHODS = [  # the estimator, the rule as the oracle reads it, the adjustment, the view
    (SimpleAverage(5), {"x": 5, "y": 5, "rank": "recent"}, None, View.day_ahead()),
    (XofY(3, 5, "high"), {"x": 3, "y": 5, "rank": "high"}, None, View.real_time()),
    (XofY(2, 6, "low", minimum_days=3), {"x": 2, "y": 6, "rank": "low", "minimum_days": 3}, None, View.settlement()),
    (XofY(3, 6, "nearest", minimum_days=2), {"x": 3, "y": 6, "rank": "nearest", "minimum_days": 2}, None,
     View.settlement()),
    (ExponentialMovingAverage(0.5, 4, 2), {"x": 4, "y": 4, "rank": "recent", "minimum_days": 2,
     "newest_first": (1, 0.5, 0.25, 0.125)}, None, View.real_time()),
    (Adjusted(XofY(4, 6, "middle"), Window.before(2, 1), limits=(0.5, 1.5)), {"x": 4, "y": 6, "rank": "middle"},
     {"kind": "ratio", "cap": (0.5, 1.5), "windows": [("before", 2, 1)]}, View.real_time(lead_in=1)),
    (Adjusted(XofY(2, 4, "high", weights=(0.25, 0.75)), (Window.before(1), Window.after(2, 1)), "additive",
     (-0.3, 0.3), floor=1.0), {"x": 2, "y": 4, "rank": "high", "newest_first": (0.75, 0.25)},
     {"kind": "additive", "cap": (-0.3, 0.3), "floor": 1.0, "windows": [("before", 1, 0), ("after", 2, 1)]},
     View.settlement(recovery=1)),
]  # fmt: skip
WORLDS = [("Europe/Rome", "60min", "2019-04-02"), ("America/St_Johns", "30min", "2019-11-05"),
          ("Asia/Kolkata", "15min", "2019-06-14")]  # fmt: skip


def drawn(tz, step, until, seed):
    """Two sites of drawn net load [kW] with gaps, real events that are masked, and placebo events to be asked for."""
    rng = np.random.default_rng(seed)
    last = pd.Timestamp(until, tz=tz) + pd.Timedelta("1D")
    times = pd.date_range(
        (last - pd.Timedelta("36D")).tz_convert("UTC").floor("1D"), last.tz_convert("UTC"), freq=step, unit="us"
    )
    day, loads, real, asked = pd.Timedelta("1D") // pd.Timedelta(step), {}, [], []
    for site in "ab":
        load = rng.integers(-40, 160, len(times)) / 4
        for first in rng.choice(len(times) - 6 * day, 8):
            load[first : first + rng.integers(1, day // 2)] = np.nan
        loads[site] = pd.Series(load, times)
        for back in (1, 2, 3, 4, 7, 9, 10):
            start = times[-back * day + int(rng.integers(-day // 4, day // 4))]
            stop = start + int(rng.integers(1, 8)) * pd.Timedelta(step)
            (real if back in (4, 9) else asked).append((site, start, stop))
    columns = ["site_id", "start", "stop"]
    return loads, pd.DataFrame(real, columns=columns), pd.DataFrame(asked, columns=columns).query("stop <= @times[-1]")


# An event whose window shows nothing keeps its baseline and says so; the oracle does the same without a word.
@pytest.mark.filterwarnings("ignore::cblcast.errors.DataWarning")
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: "-".join(world[:2]))
def test_a_forecaster_is_the_oracle(oracle, world):
    tz, step, until = world
    loads, real, asked = drawn(tz, step, until, seed=WORLDS.index(world))
    data = pd.concat({site: load.rename("observed_kw") for site, load in loads.items()}, names=["site_id", "time"])
    panel = Panel(data.to_frame(), pd.DataFrame({"tz": tz}, index=pd.Index(["a", "b"], name="site_id")))
    masked = panel.with_events(real)
    meters = {
        site: oracle.Meter(
            load, tz, pd.Timedelta(step), real.loc[real["site_id"] == site, ["start", "stop"]].to_numpy()
        )
        for site, load in loads.items()
    }
    n_known = 0
    for estimator, rule, how, view in METHODS:
        made = Forecaster(estimator, view=view)
        cases = made.cases(masked, asked)
        with warnings.catch_warnings(record=True):  # that an event is not adjusted is told, and tried elsewhere
            found = made.fit(masked, cases).predict(masked, cases)["predicted_kw"]
        for (site, start), own in found.groupby(level=["site_id", "origin"]):
            stop = asked.loc[(asked["site_id"] == site) & (asked["start"] == start), "stop"].iloc[0]
            seen = meters[site] if view.recovery is not None else meters[site].until(hidden_from(view, start, tz))
            told = forecast(oracle, seen, start, stop, {"look_back_days": 60, **rule}, how)
            np.testing.assert_allclose(own, told, rtol=1e-9, atol=1e-9, err_msg=f"{estimator} {site} {start} {stop}")
            n_known += np.isfinite(told).all()
    assert n_known > 5 * len(METHODS)


def hidden_from(view, start, tz):
    midnight = start.tz_convert(tz).normalize().tz_convert("UTC")
    return midnight if view.whole_day else start - pd.Timedelta(hours=view.lead_in)


def forecast(oracle, meter, start, stop, rule, how):
    plain = oracle.baseline(meter, start, stop, rule, oracle.intervals(start, stop, meter.step))
    if how is None:
        return plain
    beside = [t for t in oracle.window_times(start, stop, how["windows"], meter.step) if t in meter.load.index]
    expected = oracle.baseline(meter, start, stop, rule, beside)
    raw = oracle.factor_of(meter.seen.reindex(beside), expected, plain, how)
    return oracle.adjusted(plain, raw, how)[0]
