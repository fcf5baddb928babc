"""Builders that say how far back they look: no row before that changes what they give, and the row just there may."""

import numpy as np
import pandas as pd
import pytest

from cblcast import registry
from cblcast.forecast.nowcast import intervals_back
from cblcast.frames.panel import Panel, panel_of
from cblcast.frames.rolling import rolling_origins

WIND = "wind_speed_100m_ms"
BUILDERS = [
    ("lags", {"ago": (1, 4), "means": (6,), "spreads": (5,), "ramps": (9,), "hold": 2}),
    ("lags", {"columns": ("wind_speed_10m_ms",), "ago": (30,), "hold": 0}),
    ("nwp", {"columns": (WIND,), "path": (WIND,), "hours": (-1.5, 1.0)}),
    ("nwp", {"columns": (WIND,)}),
    ("nwp_error", {"speed": WIND, "measured_speed": "wind_speed_10m_ms", "ago": (1, 5), "means": (7,), "hours": (-3.0,)}),
    ("unrest", {"hours": 4.0}),
    ("unrest", {"intervals": 40, "hours": 1.0}),
    ("power_deficit", {"pairs": (("observed_kw", "wind_speed_10m_ms", 20.0),), "ago": (2,), "means": (11,)}),
    ("origin_clock", {}),
]  # fmt: skip


@pytest.fixture(scope="module")
def farm():
    rng = np.random.default_rng(3)
    times = pd.date_range("2020-01-01", periods=300, freq="15min", tz="UTC").as_unit("us")
    frame = pd.concat([pd.DataFrame({"site_id": s, "time": times, "observed_kw": rng.gamma(4, 2, 300)}) for s in "ab"])
    frame.loc[rng.random(len(frame)) < 0.3, "observed_kw"] = np.nan
    frame = frame.assign(**{name: rng.gamma(4, 2, len(frame)) for name in (WIND, "wind_speed_10m_ms")})
    return panel_of(frame, rated_kw=20.0).declare({WIND: "forecast"})


@pytest.mark.parametrize(("name", "params"), BUILDERS)
def test_nothing_before_it_is_looked_at(farm, name, params):
    builder = registry.FEATURES.make(name, params)
    origin = pd.Timestamp("2020-01-03T12:00Z")
    cases = rolling_origins(farm, [15, 60], every_min=60, first="2020-01-03", last="2020-01-04")
    cases = cases[cases.index.get_level_values("origin") == origin]
    back = intervals_back([builder], 0.25)
    time = farm.data.index.get_level_values("time")
    cut = Panel(farm.data[time >= origin - (back + 1) * farm.step], farm.sites, sources=farm.sources)
    pd.testing.assert_frame_equal(builder(cut, cases), builder(farm, cases), rtol=1e-9)


def test_a_builder_that_does_not_say_looks_at_everything():
    made = [registry.FEATURES.make(name, {}) for name in ("lags", "reference_days")]
    assert intervals_back(made[:1], 0.25) == 9
    assert intervals_back(made, 0.25) is None
