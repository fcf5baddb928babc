"""mlforecast: one LightGBM for each hour ahead (direct), over all buildings, loads divided by the mean of the building."""

import lightgbm as lgb
from exchange import CALENDAR, HOURS, TEMPERATURE, VIEWS, Exchange, filled
from mlforecast import MLForecast
from mlforecast.lag_transforms import RollingMean

task = Exchange("mlforecast", ["mlforecast", "lightgbm", "pandas"])
LAGS = [*range(1, 25), 48, 72, 96, 120, 144, 168, 336]
# At settlement the two hours after the event are seen: of the hour h of three they are the hours 3 - h + 1 and 3 - h + 2 later.
LEADS = {h: [f"lead_{HOURS - h + k}" for k in (1, 2)] for h in range(1, HOURS + 1)}
ALL_LEADS = sorted({name for names in LEADS.values() for name in names})

train = task.train()
level = train.groupby("site_id")["observed_kw"].mean()
codes = {site: code for code, site in enumerate(level.index)}


def long_frame(rows, load, unique_id, more):
    """The library's own columns, and the load of hours to come by the name of how far they lie ahead."""
    frame = rows[["time", TEMPERATURE, *CALENDAR]].rename(columns={"time": "ds"}).astype({"holiday": "float64"})
    frame["ds"] = frame["ds"].dt.tz_localize(None)
    scale = rows["site_id"].map(level)
    metered = rows["observed_kw"].groupby(unique_id)
    for name in more:
        frame[name] = metered.shift(-int(name.removeprefix("lead_"))) / scale
    return frame.assign(y=load / scale, unique_id=unique_id, site=rows["site_id"].map(codes))


for view in VIEWS:
    more = ALL_LEADS if view == "settlement" else []
    taught = long_frame(train, filled(train, ["site_id"]), train["site_id"], more)
    if more:
        taught[more] = taught.groupby("unique_id")[more].ffill()  # the last hours of a building
    model = lgb.LGBMRegressor(n_estimators=300, learning_rate=0.05, n_jobs=1, verbosity=-1)
    transforms = {1: [RollingMean(24), RollingMean(168)]}
    forecast = MLForecast(models={"said": model}, freq="h", lags=LAGS, lag_transforms=transforms, num_threads=1)
    own = {"horizon_features": LEADS} if more else {}
    with task.fit():
        forecast.fit(taught, static_features=["site"], max_horizon=HOURS, **own)

    with task.measured("predict"):
        seen = task.seen(view)
        rows = long_frame(
            seen, filled(seen, ["site_id", "origin"]), seen["site_id"] + "|" + seen["origin"].astype("str"), more
        )
        past, future = rows[seen["time"] < seen["origin"]], rows[seen["asked"]]
        said = forecast.predict(
            h=HOURS, new_df=past, X_df=future.drop(columns=["y", "site"]).fillna(dict.fromkeys(more, -1.0))
        )
        said = future[["unique_id", "ds"]].merge(said, on=["unique_id", "ds"], how="left")
        answer = seen.loc[seen["asked"], ["site_id", "origin", "time"]].reset_index(drop=True)
        answer["predicted_kw"] = said["said"].to_numpy() * answer["site_id"].map(level)
    task.answer("mlforecast LightGBM", view, answer)
task.finish()
