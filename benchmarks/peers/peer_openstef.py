"""OpenSTEF 4: its XGBoost workflow, one a building and hour ahead, the median as the estimate.

A model of the horizon h reads loads of h hours before and older alone, so all of the year can be asked in one call. The library gives
its forecasts for a whole span; the loads of the event's hours are hidden by these lags, and not there at all on the last day.
"""

from datetime import timedelta

import pandas as pd
from exchange import CALENDAR, HOURS, TEMPERATURE, VIEWS, Exchange
from openstef_core.datasets import TimeSeriesDataset
from openstef_core.types import LeadTime, Q
from openstef_models.presets import ForecastingWorkflowConfig, create_forecasting_workflow

task = Exchange("openstef", ["openstef-core", "openstef-models", "xgboost-cpu", "pandas"])
HOUR = timedelta(hours=1)
EVENING = ["evening_1_kw", "evening_2_kw"]


def dataset(rows, columns):
    """The library's data set: load and columns on an hourly index, UTC."""
    frame = rows.set_index(pd.DatetimeIndex(rows["time"], name="timestamp"))[["observed_kw", *columns]]
    return TimeSeriesDataset(data=frame.astype("float64").rename(columns={"observed_kw": "load"}), sample_interval=HOUR)


def workflow_of(site, view, hours):
    """The preset as it comes, less MLflow, whose default store it cannot open."""
    return create_forecasting_workflow(
        config=ForecastingWorkflowConfig(
            model_id=f"{site}_{view}_{hours}", model="xgboost", horizons=[LeadTime(timedelta(hours=hours))], quantiles=[Q(0.5)],
            sample_interval=HOUR, target_column="load", temperature_column=TEMPERATURE, mlflow_storage=None, verbosity=0,
        )
    )  # fmt: skip


train = task.train()
for view in VIEWS:
    columns = [TEMPERATURE, *CALENDAR, *(EVENING if view == "settlement" else [])]
    seen = task.seen(view).sort_values(["site_id", "time", "origin"])
    since = (seen["time"] - seen["origin"]) // HOUR
    found = []
    for site, rows in train.groupby("site_id"):
        own = seen[seen["site_id"] == site]
        # Every hour once: of an event's hours what later events see of them, and the columns as the event itself sees them.
        load = own.dropna(subset=["observed_kw"]).drop_duplicates("time").set_index("time")["observed_kw"]
        year = own.sort_values("asked").drop_duplicates("time", keep="last").sort_values("time")
        year = year.assign(observed_kw=year["time"].map(load))
        for hours in range(1, HOURS + 1):
            try:
                workflow = workflow_of(site, view, hours)
                with task.fit():
                    workflow.fit(dataset(rows, columns))
                with task.measured("predict"):
                    start = own["origin"].min().to_pydatetime()
                    said = workflow.predict(dataset(year, columns), forecast_start=start).median_series
            except Exception as error:  # noqa: BLE001 - what a library refuses is a finding
                task.refused[f"{site}, {view}"] = f"{type(error).__name__}: {error}"[:300]
                break
            asked = own[own["asked"] & (since.loc[own.index] == hours - 1)]
            found.append(asked.assign(predicted_kw=asked["time"].map(said).to_numpy()))
    if found:
        task.answer("OpenSTEF xgboost", view, pd.concat(found))
task.finish()
