"""What did two events deliver, by two programs' rules, and by how much may that be wrong? ``python examples/settlement.py``."""

import pandas as pd

import cblcast as cb
from cblcast.programs import explain_event, load_program

panel = cb.datasets.load("turin")
events = pd.DataFrame(
    {
        "site_id": "turin_building",
        "start": pd.to_datetime(["2019-07-09T14:00+02:00", "2019-07-17T14:00+02:00"], utc=True),
        "stop": pd.to_datetime(["2019-07-09T17:00+02:00", "2019-07-17T17:00+02:00"], utc=True),
    }
)
settled = cb.settle(panel, events, ["caiso_10in10", "pjm_economic"], coverage=0.9)

columns = ["program", "start", "baseline_kwh", "metered_kwh", "delivered_kwh", "lower_kwh", "upper_kwh"]
table = settled.events[columns].assign(start=settled.events["start"].dt.tz_convert("Europe/Rome"))
print(table.to_string(index=False, float_format="{:.1f}".format))
print("delivered > 0: less was drawn than the baseline says; 90 % limits from the rule's errors on days without events")
print(f"{len(settled.problems)} events could not be settled")
print()
others = panel.with_events(events.iloc[[1]])  # the meter of the event that is explained is shown
print(explain_event(load_program("caiso_10in10"), others, events.iloc[[0]]).text())
