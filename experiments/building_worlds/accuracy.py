"""How well the physically based load model estimates real buildings, beside time of week and temperature."""

from __future__ import annotations

import os
import time
import warnings

import numpy as np
import pandas as pd

from cblcast import datasets
from cblcast.datasets import ENVIRONMENT_VARIABLE
from cblcast.days.placebo import placebo_events
from cblcast.errors import DataWarning
from cblcast.estimators.learners.physical_load import PhysicallyBasedLoad
from cblcast.estimators.learners.time_of_week_temperature import TimeOfWeekTemperature
from cblcast.features.matrix import matrix
from cblcast.forecast.forecaster import truth
from cblcast.frames.cases import View, make_cases
from cblcast.frames.known import known_mean, known_mean_by
from cblcast.frames.panel import Panel

DAYS, HALF_LIFE = 10, 4.0
BUILDINGS = ("turin", "b6", "b33", "b14", "b22", "b70")  # the first four are those of the target
OF_TARGET = {"turin": 0.21, "b6": 0.12, "b33": 0.12, "b14": 0.27}


def hourly(panel: Panel) -> Panel:
    """The same panel by hours."""
    data = panel.data.groupby([pd.Grouper(level="site_id"), pd.Grouper(level="time", freq="1h")]).mean()
    return Panel(data.set_axis(data.index.set_levels(data.index.levels[1].as_unit("us"), level=1)), panel.sites)


def building(name: str) -> tuple[Panel, list[tuple[tuple[str, str], tuple[str, str]]]] | None:
    """A building by the hour and its (train, test) spans; None where its set is not at hand."""
    if name == "turin":  # one year: each half of the fortnights is judged by what the other half taught
        return hourly(datasets.load("turin")), []
    bundled = datasets.load("cambridge_sme")
    if name in bundled.site_ids:
        panel = bundled
    elif os.environ.get(ENVIRONMENT_VARIABLE):
        panel = datasets.load("cambridge")
    else:
        return None
    return panel.select([name]), [(("2017-01-01", "2018-12-31"), ("2019-01-01", "2019-12-31"))]


def folds(
    name: str,
) -> tuple[Panel, list[tuple[np.ndarray, np.ndarray]], pd.DataFrame, pd.DataFrame, np.ndarray] | None:
    """Panel, (train, test) masks, features of all days as whole-day events issued day-ahead, cases and the load."""
    found = building(name)
    if found is None:
        return None
    panel, spans = found
    first = None if not spans else "2017-01-01"
    events = placebo_events(panel, "00:00", "24:00", days="all", labels=("any",), first=first)
    cases = make_cases(panel, events, View.day_ahead())
    wished = PhysicallyBasedLoad(days=DAYS).required_features() | {"weather": {}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        X = matrix(panel, cases, wished)
    load = truth(panel, cases)
    day = cases.index.get_level_values("time").tz_convert(panel.sites["tz"].iloc[0]).tz_localize(None).normalize()
    if spans:
        masks = [tuple((day >= a) & (day <= b) for a, b in span) for span in spans]
    else:
        odd = np.asarray((day - pd.Timestamp("1970-01-05")).days // 14 % 2 == 1)
        masks = [(odd, ~odd), (~odd, odd)]
    return panel, [(np.asarray(a), np.asarray(b)) for a, b in masks], X, cases, load


def corrected(model: TimeOfWeekTemperature, X: pd.DataFrame, half_life: float | None) -> np.ndarray:
    """Time of week and temperature with the correction of the physically based model: the same days, the same weights."""
    out = model.predict(X)
    missed, weight = np.empty((len(X), DAYS)), np.empty((len(X), DAYS))
    for k in range(DAYS):
        key = f"_{k + 1:02d}"
        day = X[f"thermal_day{key}"].to_numpy()
        then = X.assign(hour_of_week=np.nan_to_num(day) * 24 + X["hour"], temp_air_c=X[f"thermal_0h_c{key}"])
        missed[:, k] = X[f"thermal_kw{key}"].to_numpy() - np.where(np.isfinite(day), model.predict(then), np.nan)
        age = X[f"thermal_age_days{key}"].to_numpy()
        weight[:, k] = 1.0 if half_life is None else 0.5 ** (np.nan_to_num(age, nan=1e6) / half_life)
    correction = known_mean(missed, weight=weight)
    return out + np.where(np.isfinite(correction), correction, 0.0)


def nrmse(predicted: np.ndarray, load: np.ndarray) -> float:
    known = np.isfinite(predicted) & np.isfinite(load)
    error = predicted[known] - load[known]
    return float(np.sqrt((error**2).mean()) / load[known].mean())


def shape_error(predicted: np.ndarray, load: np.ndarray, day: np.ndarray) -> float:
    """nRMSE of the daily shape: each day's estimate and load over their own means of the day."""
    known = np.isfinite(predicted) & np.isfinite(load)
    _, code = np.unique(day[known], return_inverse=True)
    estimate, metered = (
        value[known] / known_mean_by(value[known], code, code.max() + 1)[code] for value in (predicted, load)
    )
    return float(np.sqrt(((estimate - metered) ** 2).mean()))


def measure() -> pd.DataFrame:
    """One row a building: errors of the models, identification time, ranges of the time constants."""
    rows = []
    for name in BUILDINGS:
        found = folds(name)
        if found is None:
            continue
        _, masks, X, cases, load = found
        predicted = {
            key: np.full(len(X), np.nan) for key in ("pblm", "pblm_equal", "towt", "towt_weighted", "ten_days")
        }
        test_all, seconds, ranges = np.zeros(len(X), dtype=bool), [], []
        of_week = np.nan_to_num(X["thermal_day"]) * 24 + X["hour"]  # holidays as Sundays for both models
        X = X.assign(hour_of_week=of_week)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            for train, test in masks:
                known = train & np.isfinite(load) & np.isfinite(X["temp_air_c"].to_numpy())
                begun = time.process_time()
                model = PhysicallyBasedLoad(days=DAYS, half_life_days=HALF_LIFE).fit(X[known], load[known])
                years = known.sum() / 8760
                seconds.append((time.process_time() - begun) / years)
                ranges.append(model.time_constant_range_h_[0])
                towt = TimeOfWeekTemperature().fit(X[known], load[known])
                predicted["pblm"][test] = model.predict(X[test])
                predicted["pblm_equal"][test] = model.set_params(half_life_days=None).predict(X[test])
                predicted["towt"][test] = corrected(towt, X[test], None)
                predicted["towt_weighted"][test] = corrected(towt, X[test], HALF_LIFE)
                predicted["ten_days"][test] = known_mean(
                    X[test][[f"thermal_kw_{k:02d}" for k in range(1, DAYS + 1)]].to_numpy()
                )
                test_all |= test
        day = np.asarray(cases.index.get_level_values("origin").asi8)  # a case is a local day
        row = {key: nrmse(value[test_all], load[test_all]) for key, value in predicted.items()}
        row["shape"] = shape_error(predicted["pblm"][test_all], load[test_all], day[test_all])
        low, high = np.min([r[:, 0] for r in ranges], axis=0), np.max([r[:, 1] for r in ranges], axis=0)
        rows.append({
            "building": name, **row, "seconds_per_year": max(seconds),
            "heating_h": f"{low[0]:g}-{high[0]:g}", "cooling_h": f"{low[1]:g}-{high[1]:g}",
        })  # fmt: skip
    return pd.DataFrame(rows).set_index("building")


if __name__ == "__main__":
    print(measure().round(4).to_string())
