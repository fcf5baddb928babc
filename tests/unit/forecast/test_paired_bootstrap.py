"""Better by more than noise: the days are drawn, the same for all methods."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cblcast.forecast.evaluation import evaluate
from cblcast.forecast.paired_bootstrap import paired_bootstrap
from cblcast.frames.schema import DataError, StudyError

ZONES = pd.Series({"a": "Europe/Rome", "b": "Europe/Rome"})


def scored(
    errors: dict[str, np.ndarray], sites: tuple[str, ...] = ("a",), n_days: int = 60, seed: int = 0
) -> pd.DataFrame:
    """Events of three hours on `n_days` days, and methods with given errors of shape (n_sites, n_days, 3)."""
    rng = np.random.default_rng(seed)
    origin = pd.date_range("2023-03-01 16:00", periods=n_days, tz="UTC").as_unit("us")
    load = 50 + 10 * rng.random((len(sites), n_days, 3))
    index = pd.MultiIndex.from_tuples(
        [(site, day, day + pd.Timedelta(hours=h)) for site in sites for day in origin for h in range(3)],
        names=["site_id", "origin", "time"],
    )
    parts = [
        pd.DataFrame({"method": name, "observed_kw": load.ravel(), "predicted_kw": (load + error).ravel()}, index=index)
        for name, error in errors.items()
    ]
    return pd.concat(parts)


def slow_nrmse(frame: pd.DataFrame, days: list[pd.Timestamp]) -> float:
    """nRMSE of the drawn days, row by row."""
    values = []
    for _, own in frame.groupby("site_id"):
        drawn = pd.concat([own.xs(day, level="origin") for day in days])
        error = drawn["predicted_kw"] - drawn["observed_kw"]
        values.append(100 * np.sqrt((error**2).mean()) / drawn["observed_kw"].mean())
    return float(np.mean(values))


@pytest.mark.parametrize("aggregate", ["per_site", "pooled", "per_event"])
def test_the_whole_is_what_evaluate_says(aggregate):
    rng = np.random.default_rng(1)
    frame = scored({"x": rng.normal(1, 3, (2, 60, 3)), "y": rng.normal(0, 5, (2, 60, 3))}, ("a", "b"))
    found = paired_bootstrap(frame, ZONES, aggregate=aggregate, draws=20).table
    told = evaluate(frame, ["method"], ["nrmse", "mpe"], aggregate)
    for name in ("x", "y"):
        assert found.loc[name, "nrmse"] == pytest.approx(told.loc[name, "nrmse"])
        assert found.loc[name, "mpe"] == pytest.approx(told.loc[name, "mpe"])


def test_a_draw_is_the_measure_of_the_drawn_days():
    rng = np.random.default_rng(2)
    frame = scored({"x": rng.normal(0, 3, (2, 12, 3))}, ("a", "b"), n_days=12)
    found = paired_bootstrap(frame, ZONES, draws=200, level=0.9, seed=5).table.loc["x"]
    days = list(frame.index.get_level_values("origin").unique())
    weight = np.random.default_rng(5).multinomial(12, np.full(12, 1 / 12), size=200)
    drawn = [
        slow_nrmse(frame, [day for day, n in zip(days, row, strict=True) for _ in range(n)]) for row in weight[:40]
    ]
    fast = paired_bootstrap(frame, ZONES, draws=200, level=0.9, seed=5)
    assert fast.table.loc["x", "nrmse_low"] == found["nrmse_low"]  # the same seed, the same draws
    assert found["nrmse_low"] < np.mean(drawn) < found["nrmse_high"]
    all_drawn = [slow_nrmse(frame, [day for day, n in zip(days, row, strict=True) for _ in range(n)]) for row in weight]
    assert found["nrmse_low"] == pytest.approx(np.quantile(all_drawn, 0.05))
    assert found["nrmse_high"] == pytest.approx(np.quantile(all_drawn, 0.95))


def test_what_methods_share_cancels():
    """Two methods whose errors are nearly the same differ surely, though each alone is uncertain."""
    rng = np.random.default_rng(3)
    common = rng.normal(0, 6, (1, 60, 3)) * rng.lognormal(0, 1, (1, 60, 1))
    found = paired_bootstrap(scored({"worse": 1.05 * common, "better": common}), ZONES, draws=400)
    row = found.table.loc["worse"]
    assert found.best == "better"
    assert found.as_good() == ["better"]
    assert row["behind_low"] > 0
    assert row["nrmse_low"] < found.table.loc["better", "nrmse_high"]  # by themselves the intervals overlap


def test_noise_is_told_as_noise():
    rng = np.random.default_rng(4)
    errors = {name: rng.normal(0, 5, (1, 60, 3)) for name in ("x", "y")}
    found = paired_bootstrap(scored(errors), ZONES, draws=400)
    assert len(found.as_good()) == 2
    assert found.table["wins"].sum() == pytest.approx(100)


def test_choosing_the_best_of_many_equal_ones_flatters():
    rng = np.random.default_rng(5)
    errors = {f"m{number}": rng.normal(0, 5, (1, 30, 3)) for number in range(12)}
    found = paired_bootstrap(scored(errors, n_days=30), ZONES, draws=400)
    assert found.chosen_nrmse > found.table["nrmse"].iloc[0]


def test_only_events_that_all_estimated_count():
    rng = np.random.default_rng(6)
    frame = scored({"x": rng.normal(0, 3, (1, 60, 3)), "y": rng.normal(0, 3, (1, 60, 3))})
    gone = frame.index.get_level_values("origin").unique()[:20]
    dropped = (frame["method"] == "y").to_numpy() & frame.index.get_level_values("origin").isin(gone)
    found = paired_bootstrap(frame[~dropped], ZONES, draws=20)
    assert (found.n_days, found.n_events, found.left_out) == (40, 40, ())
    dropped = (frame["method"] == "y").to_numpy() & ~frame.index.get_level_values("origin").isin(gone)
    found = paired_bootstrap(frame[~dropped], ZONES, draws=20)
    assert (found.n_events, found.left_out) == (60, ("y",))


def test_bad_input():
    frame = scored({"x": np.ones((1, 5, 3))}, n_days=5)
    with pytest.raises(DataError, match="5 days that every method estimated are too few"):
        paired_bootstrap(frame, ZONES)
    with pytest.raises(StudyError, match="unknown aggregate 'per_sites'"):
        paired_bootstrap(frame, ZONES, aggregate="per_sites")
