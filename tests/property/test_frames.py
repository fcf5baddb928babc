"""Properties of panel, cube, events and readers that hold for any data."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.frames.cases import View, make_cases
from cblcast.frames.events import Window
from cblcast.frames.panel import Panel, panel_of
from cblcast.io.tabular import read_panel

ZONES = ["Europe/Madrid", "America/Los_Angeles", "Asia/Kolkata", "Australia/Lord_Howe", "America/Havana", "UTC"]
STARTS = ["2019-03-09", "2019-03-30", "2019-06-01", "2019-10-26", "2019-11-02", "2019-12-31"]


@st.composite
def panels(draw: st.DrawFn) -> Panel:
    """A few sites, each with its own span and gaps, around a clock change."""
    step = draw(st.sampled_from(["30min", "60min"]))
    start = pd.Timestamp(draw(st.sampled_from(STARTS)), tz="UTC")
    seed = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    parts = []
    for site in "abc"[: draw(st.integers(1, 3))]:
        times = pd.date_range(
            start + draw(st.integers(0, 5)) * pd.Timedelta(step),
            periods=draw(st.integers(60, 120)),
            freq=step,
            unit="us",
        )
        kept = times[seed.random(len(times)) > 0.1].union(times[[0, 1, 2, -1]])
        parts.append(pd.DataFrame({"site_id": site, "time": kept, "observed_kw": seed.normal(10, 20, len(kept))}))
    return panel_of(pd.concat(parts), draw(st.sampled_from(ZONES)))


@settings(max_examples=25, deadline=None)
@given(panel=panels())
def test_the_cube_loses_nothing_and_invents_nothing(panel: Panel) -> None:
    cube = panel.cube()
    values = panel.data["observed_kw"].dropna()
    for code, site in enumerate(panel.site_ids):
        mine = values.loc[site]
        local = mine.index.tz_convert(panel.sites.loc[site, "tz"]).tz_localize(None)
        slots = (
            mine.groupby(local.floor(panel.step)).mean()
            if panel.step_hours < 1
            else mine.groupby(local.floor("60min")).mean()
        )
        found = cube.values[code][np.isfinite(cube.values[code])]
        np.testing.assert_allclose(found, slots.sort_index(), rtol=1e-5, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(panel=panels())
def test_a_panel_of_a_panel_is_the_same_and_every_value_is_found(panel: Panel) -> None:
    again = Panel(panel.data.sample(frac=1, random_state=0), panel.sites)
    pd.testing.assert_frame_equal(again.data, panel.data)
    code = np.asarray(panel.data.index.codes[0])
    np.testing.assert_array_equal(panel.values_at("observed_kw", code, panel.times_us), panel.data["observed_kw"])
    np.testing.assert_array_equal(panel.locate(code, panel.times_us), np.arange(len(panel.data)))
    assert (panel.locate(code, panel.times_us + panel.step_us // 2) == -1).all()


@settings(max_examples=25, deadline=None)
@given(
    panel=panels(), at=st.integers(8, 40), length=st.integers(1, 6), hours=st.integers(1, 4), buffer=st.integers(0, 3)
)
def test_windows_lie_beside_the_event_and_are_seen(panel: Panel, at: int, length: int, hours: int, buffer: int) -> None:
    start = panel.data.index[0][1] + at * panel.step
    events = pd.DataFrame({"site_id": [panel.site_ids[0]], "start": [start], "stop": [start + length * panel.step]})
    windows = [Window.before(hours, buffer), Window.after(hours, buffer)]
    cases = make_cases(panel, events, View.settlement(), windows)
    time = cases.index.get_level_values("time")
    inside = (time >= events["start"][0]) & (time < events["stop"][0])
    np.testing.assert_array_equal(cases["scored"], inside)
    hidden = (time >= cases["hidden_from"]) & (time < cases["hidden_until"])
    np.testing.assert_array_equal(hidden, inside)
    since_start = (time - events["start"][0]) / pd.Timedelta("1h")
    since_stop = (time - events["stop"][0]) / pd.Timedelta("1h")
    beside = sum(window.contains(np.asarray(since_start), np.asarray(since_stop)) for window in windows)
    np.testing.assert_array_equal(beside, ~inside)


@settings(max_examples=25, deadline=None)
@given(
    panel=panels(),
    unit=st.sampled_from(["kW", "kWh", "MWh", "W"]),
    label=st.sampled_from(["start", "end"]),
    seed=st.integers(0, 99),
)
def test_a_panel_written_in_any_unit_and_order_reads_back(panel: Panel, unit: str, label: str, seed: int) -> None:
    factor = {"kW": 1.0, "kWh": panel.step_hours, "MWh": panel.step_hours / 1000, "W": 1000.0}[unit]
    table = (panel.data["observed_kw"] * factor).rename("value").reset_index()
    table["time"] = table["time"] + (panel.step if label == "end" else pd.Timedelta(0))
    read = read_panel(table.sample(frac=1, random_state=seed), tz=panel.sites["tz"].iloc[0], unit=unit, label=label)
    pd.testing.assert_frame_equal(read.data, panel.data)


@settings(max_examples=25, deadline=None)
@given(panel=panels())
def test_a_panel_written_on_the_wall_clock_reads_back(panel: Panel) -> None:
    tz = panel.sites["tz"].iloc[0]
    table = panel.data.reset_index()
    table["time"] = table["time"].dt.tz_convert(tz).dt.tz_localize(None)
    if tz == "Australia/Lord_Howe" and panel.step_hours == 1:
        return  # an hourly clock cannot show a shift by half an hour
    pd.testing.assert_frame_equal(read_panel(table, tz=tz).data, panel.data)
