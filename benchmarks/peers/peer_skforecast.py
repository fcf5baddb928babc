"""skforecast: a direct forecaster of three hours a building, LightGBM inside."""

import pandas as pd
from exchange import CALENDAR, HOURS, TEMPERATURE, VIEWS, Exchange, filled
from lightgbm import LGBMRegressor
from skforecast.direct import ForecasterDirect

task = Exchange("skforecast", ["skforecast", "lightgbm", "pandas"])
LAGS = [*range(1, 25), 48, 72, 96, 120, 144, 168, 336]
EVENING = ["evening_1_kw", "evening_2_kw"]


def series_of(rows, load, exogenous):
    """Load and exogenous columns on an hourly index."""
    index = pd.DatetimeIndex(rows["time"], freq="h")
    exog = pd.DataFrame(rows[exogenous].to_numpy(dtype="float64"), index=index, columns=exogenous)
    return pd.Series(load.to_numpy(), index=index, name="y"), exog


train = task.train()
train["filled"] = filled(train, ["site_id"])
for view in VIEWS:
    exogenous = [TEMPERATURE, *CALENDAR, *(EVENING if view == "settlement" else [])]
    seen = task.seen(view)
    seen["filled"] = filled(seen, ["site_id", "origin"])
    found = []
    for site, rows in train.groupby("site_id"):
        y, exog = series_of(rows, rows["filled"], exogenous)
        exog = exog.ffill()  # an evening that was not metered, and those of the last day
        forecaster = ForecasterDirect(estimator=LGBMRegressor(n_jobs=1, verbosity=-1), steps=HOURS, lags=LAGS, n_jobs=1)
        with task.fit():
            forecaster.fit(y=y, exog=exog)
        with task.measured("predict"):
            for _origin, window in seen[seen["site_id"] == site].groupby("origin"):
                before, asked = window[window["time"] < window["origin"]], window[window["asked"]]
                last, _ = series_of(before, before["filled"], exogenous)
                _, ahead = series_of(asked, asked["filled"], exogenous)
                said = forecaster.predict(HOURS, last, ahead, check_inputs=False, suppress_warnings=True)
                found.append(asked.assign(predicted_kw=said.to_numpy()))
    task.answer("skforecast LightGBM", view, pd.concat(found))
task.finish()
