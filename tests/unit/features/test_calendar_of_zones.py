"""The calendar of sites in several zones is that of each site alone."""

import numpy as np
import pandas as pd

from cblcast.features.calendar import Calendar
from cblcast.frames.cases import View, make_cases
from cblcast.frames.panel import Panel

ZONES = ("Europe/London", "America/New_York", "Europe/London")


def test_a_clock_that_is_read_once_a_zone_is_that_of_each_site():
    times = pd.date_range("2018-10-26", "2018-11-06", freq="h", tz="UTC", unit="us", name="time")
    ids = ["a", "b", "c"]
    index = pd.MultiIndex.from_product([ids, times], names=["site_id", "time"])
    sites = pd.DataFrame({"tz": ZONES, "country": ("GB", "US", "GB")}, index=pd.Index(ids, name="site_id"))
    panel = Panel(pd.DataFrame({"observed_kw": 1.0}, index=index), sites)
    events = pd.DataFrame({"site_id": ids, "start": times[2], "stop": times[-3]})
    together = Calendar()(panel, make_cases(panel, events, View.real_time()))
    for number, site in enumerate(ids):
        alone = panel.select([site])
        own = events.iloc[[number]].reset_index(drop=True)
        one = Calendar()(alone, make_cases(alone, own, View.real_time()))
        pd.testing.assert_frame_equal(together.loc[[site]], one)
    local = times[2:-3].tz_convert("America/New_York")
    np.testing.assert_array_equal(together.loc["b", "hour"], local.hour)
    assert list(together.columns[6:8]) == ["day_of_year", "holiday"]
