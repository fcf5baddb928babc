"""A wind farm's next three hours, every ten minutes, beside persistence: ``python examples/nowcast.py``."""

import pandas as pd

import cblcast as cb
from cblcast.frames.rolling import issue_events

farm = cb.datasets.load("la_haute_borne")  # 8.2 MW, 2014-2015, 10 min
train = issue_events(farm, 180, 180, "2014-02-01", "2014-04-30")  # issued every three hours for the next three
test = issue_events(farm, 180, 180, "2014-05-01", "2014-05-31")
features = {"lags": {"columns": ["observed_kw", "wind_speed_nacelle_ms"], "ago": [1, 2, 3, 6], "means": [6]}}
methods = {
    "Persistence": cb.Forecaster(cb.make_estimator("Persistence")),
    "LR_obs": cb.Forecaster(cb.make_estimator({"estimator": "ByLead", "of": "StepwiseRegression"}), features),
}
result = cb.backtest(farm, methods, test, train)

scored = result.scored.reset_index()
lead = (scored["time"] - scored["origin"]) / pd.Timedelta("1min") + 10  # to the END of the interval, as leads are told
rows = scored.assign(lead_min=lead.astype(int), error=scored["predicted_kw"] - scored["observed_kw"])
rmse = (rows["error"] ** 2).groupby([rows["lead_min"], rows["method"]]).mean() ** 0.5
print("RMSE in % of rated power (8200 kW), May 2014, by lead [min]")
print((100 * rmse / 8200).unstack().loc[[10, 30, 60, 120, 180]].round(2).to_string())
print(f"{len(result.excluded)} issues are left out")
