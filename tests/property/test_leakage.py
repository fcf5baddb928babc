"""Leakage as ONE property: no feature changes when garbage is written where its case may not look."""

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast import registry
from cblcast.abilities import columns_ahead
from cblcast.errors import DataError
from cblcast.estimators.rules.similar_days import XofY
from cblcast.forecast.answer import answer
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.cases import View, make_cases
from cblcast.frames.events import Event, Window
from cblcast.frames.panel import Panel
from cblcast.frames.sources import Origin

# A spring and an autumn clock change, zones east and west, a zone of half hours, one without changes.
PLACES = [
    ("Europe/Madrid", "2019-03-31"),
    ("Europe/Madrid", "2019-10-27"),
    ("America/Los_Angeles", "2019-11-03"),
    ("America/Los_Angeles", "2019-03-10"),
    ("Asia/Kolkata", "2019-06-12"),
    ("Australia/Lord_Howe", "2019-04-07"),  # its clock moves by half an hour
]
VIEWS = {
    "real time": View.real_time(),
    "real time, notified half an hour before": View.real_time(lead_in=0.5),
    "settlement": View.settlement(),
    "settlement with lead-in and recovery": View.settlement(lead_in=1, recovery=1.5),
    "day ahead": View.day_ahead(),
    "nowcast": View.nowcast(),
    "nowcast, issued an hour before": View.nowcast(1.0),
}
# Every registered builder is called as it is registered, and again with what else it can look up.
FURTHER = {
    "reference_days": [
        {"days": 4, "day_types": "all", "min_metered_share": 0.5, "low_share": 0.5, "high_share": 1.3},
        {"days": 3, "day_types": "all", "similarity_hours": 3.0, "temperature": "temp_air_c", "prefix": "near"},
    ],
    "control_group": [{"donors": 1, "days": 5, "day_types": "all", "min_metered_share": 0.5}],
    "program_days": [
        {"day_types": "all", "rules": ({"x": 2, "y": 3, "rank": "nearest", "compare_day_before": True},)},
        {"day_types": "all", "rules": ({"x": 2, "y": 3, "rank": "high", "low_share": 0.8, "low_of": "seed"},)},
    ],
    "lags": [
        {
            "columns": ("observed_kw", "temp_air_c"),
            "ago": (1, 4),
            "means": (3, 30),
            "spreads": (6,),
            "ramps": (2,),
            "latest": (),
        }
    ],
    "nwp": [{"path": ("wind_speed_100m_ms",), "hours": (-1.0, 0.0, 2.0), "lead": True}],
    "nwp_error": [{"measured_speed": "wind_speed_10m_ms", "ago": (1, 3), "means": (6,), "hours": (0.0, 1.0)}],
    "power_deficit": [{"pairs": (("observed_kw", "wind_speed_10m_ms", 20.0),), "ago": (1, 2), "means": (4,)}],
    "occupancy": [{"known": "measured", "days": 2, "look_back_days": 6, "day_types": "all"}],
    "event_windows": [{"hours_before": 3, "hours_after": 3, "windows": ("WS", "BW", Window.before(1))}],
}


def builders():
    """Every registered builder with its defaults, and with the further parameters above."""
    for name in registry.FEATURES:
        for params in [{}, *FURTHER.get(name, [])]:
            yield pytest.param(name, params, id=f"{name}-{len(params)}")


def on_the_hour(date: str, tz: str) -> pd.Timestamp:
    """The full hour of UTC at or before local midnight: in a zone of half hours, meters keep hours of their own."""
    return pd.Timestamp(date, tz=tz).tz_convert("UTC").floor("h")


@cache
def panel_around(tz: str, date: str, minutes: int) -> Panel:
    """Sixteen days of load with gaps around `date`, two sites."""
    start = on_the_hour(date, tz) - pd.Timedelta(days=12)
    times = pd.date_range(start, periods=16 * 1440 // minutes, freq=f"{minutes}min").as_unit("us")
    rng = np.random.default_rng(7)
    index = pd.MultiIndex.from_product([["a", "b"], times], names=["site_id", "time"])
    load = rng.gamma(9.0, 1.0, len(index))
    load[rng.random(len(index)) < 0.01] = np.nan
    weather = {name: rng.normal(8.0, 3.0, len(index)) for name in ("temp_air_c", "wind_speed_100m_ms")}
    weather |= {"occupants": rng.integers(0, 40, len(index)).astype(float)}
    weather |= {"wind_speed_10m_ms": rng.gamma(4.0, 1.0, len(index)), "wind_dir_100m_deg": rng.random(len(index)) * 360}
    data = pd.DataFrame({"observed_kw": load, **weather}, index=index)
    sites = pd.DataFrame(
        {"tz": tz, "group": ["treated", "control"], "rated_kw": 20.0}, index=pd.Index(["a", "b"], name="site_id")
    )
    return Panel(data, sites).declare({"wind_*_100m_*": "forecast"})


def spoilt(panel: Panel, cases: pd.DataFrame, spared: tuple[str, ...] = ()) -> Panel:
    """The panel with garbage wherever the (single) case may not look, in the load and in all weather measured but what is `spared`."""
    data = panel.data.copy()
    time = data.index.get_level_values("time")
    case = cases.iloc[0]
    hidden = (time >= case["hidden_from"]) & (time < case["hidden_until"])
    hidden &= data.index.get_level_values("site_id") == cases.index[0][0]
    assert hidden.any()
    measured = [c for c in data.columns if panel.source(c).origin is Origin.MEASURED and c not in spared]
    assert "observed_kw" in measured
    for column in measured:
        data.loc[hidden, column] = np.where(np.arange(hidden.sum()) % 3 == 0, np.nan, 1e6)
    return replace(panel, data=data)


def assert_blind(name: str, params: dict, panel: Panel, event: Event, view: View) -> None:
    """The builder's answer is the same, bit by bit, before and after the garbage."""
    cases = make_cases(panel, [event], view)
    builder = registry.FEATURES.make(name, params)
    ahead = [column for column in columns_ahead(builder) if panel.source(column).origin is Origin.MEASURED]
    if ahead and not view.perfect_weather:  # a nowcast refuses what is measured, and takes it where it was forecast
        with pytest.raises(DataError, match="after the origin of a nowcast"):
            Forecaster(XofY(2, 3), {name: params}, view).matrix(panel, cases)
        panel = panel.declare(dict.fromkeys(ahead, "forecast"))
    # What a builder says that it reads ahead is weather as of perfect forecasts, which only nowcasts refuse.
    found = builder(spoilt(panel, cases, () if not view.perfect_weather else columns_ahead(builder)), cases)
    pd.testing.assert_frame_equal(builder(panel, cases), found, check_exact=True)


@pytest.mark.parametrize(("name", "params"), list(builders()))
@settings(max_examples=10, deadline=None, derandomize=True)
@given(
    place=st.sampled_from(PLACES),
    minutes=st.sampled_from([15, 60]),
    view=st.sampled_from(sorted(VIEWS)),
    begin=st.integers(-30, 40),  # hours from midnight of the day of the clock change
    hours=st.integers(1, 9),  # so that some events cross midnight
)
def test_garbage_behind_the_blindfold_changes_nothing(name, params, place, minutes, view, begin, hours):
    panel = panel_around(*place, minutes)
    start = on_the_hour(place[1], place[0]) + pd.Timedelta(hours=begin)
    assert_blind(name, params, panel, Event("a", start, start + pd.Timedelta(hours=hours)), VIEWS[view])


@pytest.mark.parametrize(("view", "minutes"), list(product(sorted(VIEWS), [15, 60])))
@pytest.mark.parametrize("place", [PLACES[1], PLACES[2], PLACES[5]], ids=lambda place: place[0])
def test_the_double_hour_shows_nothing_of_its_second_half(place, view, minutes):
    # The cube holds the mean of both readings of the double hour; an event that begins or ends between the two
    # hides one of them, so the mean must not be seen.
    panel = panel_around(*place, minutes)
    for minute in range(60 if minutes == 60 else 105, 240, minutes):  # the clocks go back at two or three
        start = on_the_hour(place[1], place[0]) + pd.Timedelta(minutes=minute)
        event = Event("a", start, start + pd.Timedelta(hours=1))
        assert_blind("reference_days", {"days": 2, "day_types": "all", "prefix": "r"}, panel, event, VIEWS[view])


@pytest.mark.parametrize("view", sorted(VIEWS))
@settings(max_examples=4, deadline=None, derandomize=True)
@given(
    place=st.sampled_from(PLACES),
    minutes=st.sampled_from([15, 60]),
    begin=st.integers(-30, 90),
    hours=st.integers(1, 9),
)
def test_what_adapts_to_a_site_learns_from_nothing_behind_the_blindfold(view, place, minutes, begin, hours):
    # Rows of earlier days carry the metered load, and features of their own: neither may know what the event may not.
    panel = panel_around(*place, minutes)
    start = on_the_hour(place[1], place[0]) + pd.Timedelta(hours=begin)
    event = Event("a", start, start + pd.Timedelta(hours=hours))
    adapted = Forecaster(registry.ESTIMATORS.make("Adapted", {"estimator": XofY(2, 3)}), view=VIEWS[view])
    cases = adapted.cases(panel, [event])
    found = answer(adapted, spoilt(panel, cases), [event]).rows
    rows = answer(adapted, panel, [event]).rows
    # The sums are those of other numbers of rows where a spoilt day is no day any more, hence not the same bit by bit.
    pd.testing.assert_frame_equal(rows, found, rtol=1e-9)


def test_the_adaptation_does_learn_from_earlier_days():
    panel = panel_around(*PLACES[0], 60)
    start = pd.Timestamp("2019-04-03 12:00", tz="Europe/Madrid")
    event = Event("a", start, start + pd.Timedelta(hours=2))
    plain = Forecaster(XofY(2, 3))
    adapted = Forecaster(registry.ESTIMATORS.make("Adapted", {"estimator": XofY(2, 3)}))
    predicted = [answer(each, panel, [event]).rows["predicted_kw"].to_numpy() for each in (plain, adapted)]
    assert np.abs(predicted[0] - predicted[1]).max() > 1e-3


def test_the_property_can_fail():
    class Peeks:
        def __call__(self, panel, cases):
            return pd.DataFrame({"peek": panel.data["observed_kw"].sum()}, index=cases.index)

    panel = panel_around(*PLACES[0], 60)
    start = pd.Timestamp("2019-03-31 12:00", tz="Europe/Madrid")
    cases = make_cases(panel, [Event("a", start, start + pd.Timedelta(hours=2))], View.real_time())
    assert not Peeks()(panel, cases).equals(Peeks()(spoilt(panel, cases), cases))
