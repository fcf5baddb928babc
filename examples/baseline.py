"""Which baseline fits this building? Judged on days on which nothing was dispatched: ``python examples/baseline.py``."""

import cblcast as cb

panel = cb.datasets.load(
    "turin"
)  # an office building of 2019, 15 min; your own: cb.read_meter("meter.csv", tz="Europe/Rome")
events = cb.placebo_events(panel, "17:00", "20:00", first="2019-11-01")
names = ("10of10", "High5of10", "Nearest5of10", "PBLM-High5of10", "PBLM-Nearest5of10")
methods = {name: cb.Forecaster(cb.make_estimator(name)) for name in names}
result = cb.backtest(panel, methods, events)

print(f"{len(events)} placebo events, 17:00-20:00 on working days, Europe/Rome")
print(cb.evaluate(result.scored).sort_values("nrmse").round(2).to_string())
print(f"{len(result.excluded)} event estimates are left out; mpe > 0 overestimates; nrmse in % of the mean load")
