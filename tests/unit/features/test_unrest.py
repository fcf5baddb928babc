"""How restless the power has been, beside a slow obvious loop."""

import numpy as np
import pandas as pd

from cblcast.features.unrest import Unrest
from cblcast.frames.panel import Panel
from cblcast.frames.rolling import rolling_origins


def test_spread_and_change_are_those_of_a_loop():
    rng = np.random.default_rng(3)
    times = pd.date_range("2020-01-01", periods=200, freq="30min", tz="UTC").as_unit("us")
    index = pd.MultiIndex.from_product([["a", "b"], times], names=["site_id", "time"])
    power = rng.gamma(2.0, 50.0, 400)
    power[rng.random(400) < 0.1] = np.nan
    panel = Panel(
        pd.DataFrame({"observed_kw": power}, index),
        pd.DataFrame({"tz": "UTC"}, index=pd.Index(["a", "b"], name="site_id")),
    )
    cases = rolling_origins(panel, [30], every_min=150)
    found = Unrest(intervals=4, hours=10.0)(panel, cases)
    for (site, origin, _), row in found.iloc[::7].iterrows():
        past = panel.data.loc[site, "observed_kw"].loc[: origin - pd.Timedelta(minutes=30)].to_numpy()
        last, changes = past[-4:], np.abs(np.diff(past))[-20:]
        # Of the first interval there is no change; a third of what was asked for must be there.
        spread = np.nanstd(last) if np.isfinite(last).sum() >= 4 / 3 else np.nan
        change = np.nanmean(changes) if np.isfinite(changes).sum() >= 20 / 3 else np.nan
        np.testing.assert_allclose(row.to_numpy(), [spread, change], rtol=1e-6, atol=1e-6)
