"""Directions, sums, means and flags: each joined over time by its kind, at every door."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.frames.panel import panel_of
from cblcast.io.align import Rows, resample
from cblcast.io.column_kinds import ColumnKind, between, join, kind_of
from cblcast.io.nwp import attach
from cblcast.io.tabular import read_panel


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("observed_kw", ColumnKind.MEAN),
        ("temp_air_c", ColumnKind.MEAN),
        ("ghi_wm2", ColumnKind.MEAN),
        ("wind_speed_10m_ms", ColumnKind.MEAN),
        ("Niederschlag [mm/h]", ColumnKind.MEAN),
        ("wind_dir_nacelle_deg", ColumnKind.CIRCULAR),
        ("Windrichtung [°]", ColumnKind.CIRCULAR),
        ("yaw", ColumnKind.CIRCULAR),
        ("wind direction", ColumnKind.CIRCULAR),
        ("heading_rad", ColumnKind.CIRCULAR),
        ("rain_mm", ColumnKind.SUM),
        ("Niederschlag", ColumnKind.SUM),
        ("meter_kwh", ColumnKind.SUM),
        ("holiday", ColumnKind.NEAREST),
        ("is_workday", ColumnKind.NEAREST),
        ("alarm_code", ColumnKind.NEAREST),
        ("temp_degc", ColumnKind.MEAN),
    ],
)
def test_the_kind_of_a_column_is_told_by_its_name(column: str, kind: ColumnKind) -> None:
    assert kind_of(column) is kind


def beside(values: dict[str, list[float]], step: str = "10min") -> pd.DataFrame:
    times = pd.date_range("2024-01-01", periods=len(next(iter(values.values()))), freq=step, tz="UTC")
    return pd.DataFrame({"time": times, "site_id": "T1", "observed_kw": 500.0, **values})


def test_a_coarser_step_joins_each_column_by_its_kind() -> None:
    values = {
        "wind_dir_deg": [350.0, 10.0, 0.0] * 2,
        "rain_mm": [1.0, 2.0, 3.0] * 2,
        "temp_air_c": [1.0, 2.0, 3.0] * 2,
        "holiday": [1.0, 1.0, 0.0] * 2,
    }
    panel = read_panel(beside(values), tz="UTC", step="30min")
    found = panel.data.iloc[0]
    assert found["wind_dir_deg"] == pytest.approx(0.0, abs=1e-9)
    assert found[["rain_mm", "temp_air_c", "holiday"]].tolist() == [6.0, 2.0, 1.0]


def test_repeats_of_a_direction_are_averaged_on_the_circle() -> None:
    frame = pd.concat([beside({"wind_dir_deg": [350.0] * 4}), beside({"wind_dir_deg": [20.0] * 4})])
    panel = read_panel(frame, tz="UTC", on_duplicates="mean")
    assert panel.data["wind_dir_deg"].tolist() == pytest.approx([5.0] * 4)


def test_weather_between_its_hours_by_kind() -> None:
    load = pd.DataFrame({"time": pd.date_range("2024-01-01", periods=5, freq="15min"), "load_kw": 1.0})
    weather = pd.DataFrame(
        {
            "time": pd.date_range("2024-01-01", periods=3, freq="60min"),
            "wind_dir_10m_deg": [350.0, 30.0, 30.0],
            "rain_mm": [4.0, 8.0, 0.0],
            "holiday": [0.0, 1.0, 1.0],
            "temp_air_c": [0.0, 4.0, 4.0],
        }
    )
    found = read_panel(load, tz="UTC", weather=weather).data
    assert found["wind_dir_10m_deg"].tolist() == pytest.approx([350.0, 0.0, 10.0, 20.0, 30.0])
    assert found["rain_mm"].tolist() == [1.0, 1.0, 1.0, 1.0, 2.0]
    assert found["holiday"].tolist() == [0.0, 0.0, 1.0, 1.0, 1.0]
    assert found["temp_air_c"].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_a_forecast_turns_the_short_way_round_whatever_its_column_is_called() -> None:
    panel = panel_of(
        pd.DataFrame(
            {
                "site_id": "a",
                "time": pd.date_range("2024-01-01", periods=3, freq="60min", tz="UTC", unit="us"),
                "observed_kw": 1.0,
            }
        )
    )
    nwp = pd.DataFrame(
        {"wind direction": [350.0, 10.0, 10.0, 10.0]},
        index=pd.date_range("2024-01-01", periods=4, freq="60min", tz="UTC"),
    )
    assert attach(panel, nwp).data["wind direction"].iloc[0] % 360 == pytest.approx(0.0, abs=1e-6)


angles = st.lists(st.floats(0, 359.9), min_size=1, max_size=8)


@settings(max_examples=100, deadline=None)
@given(angles, st.floats(0, 359))
def test_a_mean_direction_turns_with_its_directions(values: list[float], turn: float) -> None:
    group = np.zeros(len(values), dtype=np.int64)
    mean = join("dir_deg", np.array(values), group, 1)[0][0]
    turned = join("dir_deg", np.mod(np.array(values) + turn, 360), group, 1)[0][0]
    if np.isnan(mean) or np.hypot(*(np.mean(part(np.radians(values))) for part in (np.sin, np.cos))) < 1e-3:
        return  # directions that cancel out have no mean
    assert (turned - mean - turn + 180) % 360 - 180 == pytest.approx(0.0, abs=1e-4)


@settings(max_examples=100, deadline=None)
@given(st.floats(0, 359.9), st.floats(-179, 179), st.floats(0, 1))
def test_between_two_directions_lies_the_short_arc(left: float, turn: float, share: float) -> None:
    found = between("dir_deg", np.array([left]), np.array([(left + turn) % 360]), np.array([share]))[0]
    assert (found - left - share * turn + 180) % 360 - 180 == pytest.approx(0.0, abs=1e-6)


def slow_resample(
    us: list[int], lengths: list[int], power: list[float], rain: list[float], step: int
) -> dict[int, tuple[float, float]]:
    """One second at a time."""
    seconds: dict[int, list[tuple[float, float]]] = {}
    for start, length, kw, mm in zip(us, lengths, power, rain, strict=True):
        for second in range(start, start + length):
            seconds.setdefault(second // step * step, []).append((kw, mm / length))
    return {
        at: (float(np.mean([kw for kw, _ in seen])), sum(mm for _, mm in seen) * step / len(seen))
        for at, seen in seconds.items()
        if len(seen) >= step / 2
    }


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([5, 10, 15, 20, 30, 60]), min_size=1, max_size=12),
    st.sampled_from([15, 30, 60]),
    st.integers(0, 40),
)
def test_resampling_equals_a_count_of_seconds(lengths: list[int], step: int, start: int) -> None:
    # One unit here is a minute; the kernel counts in microseconds that it never looks into.
    begin = (start + np.r_[0, np.cumsum(lengths)[:-1]]).astype(np.int64)
    rng = np.random.default_rng(len(lengths) * 100 + step)
    power, rain = rng.random(len(lengths)), rng.random(len(lengths))
    minute = 60_000_000
    rows = Rows(
        np.zeros(len(lengths), dtype=np.int64),
        begin * minute,
        {"observed_kw": power, "rain_mm": rain},
        np.arange(len(lengths)),
    )
    made, _ = resample(rows, step * minute, np.array(lengths) * minute, np.zeros(1, dtype=np.int64))
    expected = slow_resample(begin.tolist(), lengths, power.tolist(), rain.tolist(), step)
    for at, kw, mm in zip(made.us // minute, made.values["observed_kw"], made.values["rain_mm"], strict=True):
        if int(at) in expected:
            assert (kw, mm) == pytest.approx(expected[int(at)])
        else:
            assert np.isnan(kw)
            assert np.isnan(mm)
