"""OpenDSM's hourly model: one a building, from the year before the judged one; as it is, and times a same-day ratio."""

import pandas as pd
from exchange import TEMPERATURE, VIEWS, Exchange, beside_events, processor_seconds
from opendsm.eemeter import HourlyBaselineData, HourlyModel, HourlyReportingData

task = Exchange("opendsm", ["opendsm", "pandas", "numba"])
ZONE = "Europe/London"
# Of hours whose load is asked for: where it is missing, the library does not find the days of 23 and 25 hours and ends in an error.
PLACEHOLDER = 1.0


def as_wanted(rows):
    """The library's columns: local clock, degrees Fahrenheit."""
    frame = pd.DataFrame({"temperature": rows[TEMPERATURE].to_numpy() * 1.8 + 32}, index=pd.DatetimeIndex(rows["time"]))
    frame["observed"] = rows["observed_kw"].to_numpy() if "observed_kw" in rows else PLACEHOLDER
    return frame.tz_convert(ZONE)


train, weather = task.train(), task.weather()
train = train[train["time"] >= pd.Timestamp("2018-01-01", tz=ZONE)]  # 365 days are what the method asks for
weather = weather[weather["time"] >= pd.Timestamp("2019-01-01", tz=ZONE)]  # whole local days
parts = []
for site, rows in train.groupby("site_id"):
    try:
        with task.fit():
            began = processor_seconds()
            data = HourlyBaselineData(as_wanted(rows), is_electricity_data=True)
            task.seconds["data"] = task.seconds.get("data", 0.0) + processor_seconds() - began
            model = HourlyModel().fit(data, ignore_disqualification=True)
        with task.measured("predict"):
            asked = as_wanted(weather[weather["site_id"] == site])
            said = model.predict(HourlyReportingData(asked, is_electricity_data=True), ignore_disqualification=True)
    except Exception as error:  # noqa: BLE001 - what a library refuses is a finding
        task.refused[str(site)] = f"{type(error).__name__}: {error}"[:300]
        continue
    parts.append(
        pd.DataFrame({"site_id": site, "time": said.index.tz_convert("UTC"), "plain": said["predicted"].to_numpy()})
    )

if parts:
    model_says = pd.concat(parts)
for view in VIEWS if parts else ():
    with task.measured("predict"):
        seen = task.seen(view)
        asked = seen[seen["asked"]].merge(model_says, on=["site_id", "time"])
        beside = (
            beside_events(seen, view).merge(model_says, on=["site_id", "time"]).dropna(subset=["observed_kw", "plain"])
        )
        sums = beside.groupby(["site_id", "origin"])[["observed_kw", "plain"]].sum()
        ratio = (sums["observed_kw"] / sums["plain"]).rename("ratio").reset_index()
        asked = asked.merge(ratio, on=["site_id", "origin"], how="left")
    task.answer("OpenDSM hourly", view, asked.assign(predicted_kw=asked["plain"]))
    task.answer("OpenDSM hourly × ratio", view, asked.assign(predicted_kw=asked["plain"] * asked["ratio"]))
task.finish()
