"""What every registered feature builder keeps."""

import dataclasses
import inspect

import numpy as np
import pandas as pd
import pytest

from cblcast import registry
from cblcast.errors import StudyError
from cblcast.frames.cases import View, make_cases
from cblcast.frames.events import Event
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED

ZONES = {"madrid": "Europe/Madrid", "los_angeles": "America/Los_Angeles", "kolkata": "Asia/Kolkata"}
every_builder = pytest.mark.parametrize("name", sorted(registry.FEATURES))


@pytest.fixture(scope="module")
def panel():
    """Three zones across the European clock change of 2019-10-27; a control group for whoever asks for one."""
    times = pd.date_range("2019-10-05", "2019-11-06", freq="h", tz="UTC", inclusive="left").as_unit("us")
    sites = [*ZONES, *(f"control{k}" for k in range(6))]
    index = pd.MultiIndex.from_product([sites, times], names=["site_id", "time"])
    rng = np.random.default_rng(2)
    data = pd.DataFrame({OBSERVED: rng.gamma(9, 1, len(index)), "temp_air_c": rng.normal(12, 5, len(index))}, index)
    for column in ("wind_speed_10m_ms", "wind_speed_100m_ms", "wind_u_100m_ms", "wind_v_100m_ms"):
        data[column] = rng.gamma(4, 1, len(index))
    data["occupants"] = rng.integers(0, 40, len(index))
    table = pd.DataFrame(
        {"tz": [ZONES.get(site, "Europe/Madrid") for site in sites]}, index=pd.Index(sites, name="site_id")
    )
    table["group"] = ["asked" if site in ZONES else "control" for site in sites]
    return Panel(data, table.assign(rated_kw=50.0, contract_kw=50.0)).declare({"wind_*_100m_ms": "forecast"})


@pytest.fixture(scope="module")
def cases(panel):
    """Evening events, and one in the night of the change: its local day has 25 hours."""
    events = []
    for site, tz in ZONES.items():
        for day in ("2019-10-25", "2019-10-26", "2019-10-27", "2019-10-28", "2019-11-03"):
            start = pd.Timestamp(f"{day} 17:00", tz=tz).tz_convert("UTC").floor("h")
            events.append(Event(site, start, start + pd.Timedelta(hours=3)))
    night = pd.Timestamp("2019-10-27 00:00", tz="UTC")
    events.append(Event("madrid", night, night + pd.Timedelta(hours=3)))
    return make_cases(panel, events, View.settlement())


def build(name):
    return registry.FEATURES.make(name, {})


@every_builder
def test_it_is_a_frozen_value(name):
    builder = build(name)
    assert dataclasses.is_dataclass(builder)
    assert hash(builder) == hash(build(name))
    assert builder == build(name)
    field = dataclasses.fields(builder)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(builder, field, None)
    for parameter in inspect.signature(type(builder)).parameters.values():
        assert parameter.default is not parameter.empty, "a builder stands in a study without parameters too"


@every_builder
def test_it_answers_with_the_index_asked_in_float64(name, panel, cases):
    found = build(name)(panel, cases)
    pd.testing.assert_index_equal(found.index, cases.index)
    assert all(dtype == np.float64 for dtype in found.dtypes)
    assert found.columns.is_unique
    assert not np.isinf(found.to_numpy()).any()


@every_builder
def test_it_keeps_no_state(name, panel, cases):
    builder = build(name)
    before, frame, load = repr(builder), cases.copy(), panel.data.copy()
    first = builder(panel, cases)
    builder(panel, cases.iloc[: len(cases) // 2])
    pd.testing.assert_frame_equal(builder(panel, cases), first, check_exact=True)
    assert repr(builder) == before
    pd.testing.assert_frame_equal(cases, frame)
    pd.testing.assert_frame_equal(panel.data, load)


@every_builder
def test_a_site_does_not_see_its_neighbours_in_other_zones(name, panel, cases):
    # The control group is what a control group sees; everybody else's answer is one's own.
    kept = [site for site in panel.site_ids if site == "kolkata" or site.startswith("control")]
    own = cases[cases.index.get_level_values("site_id") == "kolkata"]
    alone = build(name)(panel.select(kept), own)
    among = build(name)(panel, cases).loc[["kolkata"]]
    np.testing.assert_allclose(alone.to_numpy(), among.to_numpy(), rtol=1e-9, atol=1e-9)


@every_builder
def test_an_event_does_not_see_which_others_are_asked(name, panel, cases):
    whole = build(name)(panel, cases)
    for _, own in list(cases.groupby(level=["site_id", "origin"]))[::4]:
        found = build(name)(panel, own)
        np.testing.assert_allclose(found.to_numpy(), whole.loc[own.index].to_numpy(), rtol=1e-9, atol=1e-9)


def test_local_hours_are_those_of_the_wall(panel, cases):
    hours = build("calendar")(panel, cases)["hour"]
    assert hours.loc["madrid"].groupby("origin").first().tolist() == [17, 17, 2, 17, 17, 17]
    assert hours.loc["kolkata"].groupby("origin").first().tolist() == [16.5] * 5
    # 00:00-03:00 UTC of 27 October is 2, 2 and 3 o'clock in Madrid.
    night = hours.loc["madrid"].loc[pd.Timestamp("2019-10-27", tz="UTC")]
    assert night.tolist() == [2, 2, 3]


@pytest.mark.parametrize(("name", "params"), [
    ("weather", {"columns": (OBSERVED,)}),
    ("weather", {"temperature": OBSERVED}),
    ("reference_days", {"temperature": OBSERVED}),
    ("program_days", {"temperature": OBSERVED}),
    ("given", {"panel_columns": (OBSERVED,)}),
    ("occupancy", {"column": OBSERVED}),
])  # fmt: skip
def test_metered_load_is_no_weather(name, params):
    with pytest.raises(StudyError, match="blindfold"):
        registry.FEATURES.make(name, params)


def test_windows_written_as_mappings_can_still_be_shared():
    builder = registry.FEATURES.make("event_windows", {"windows": ({"side": "before", "hours": 2},)})
    assert {builder: 1}[builder] == 1
