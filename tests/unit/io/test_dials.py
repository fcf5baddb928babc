"""Dial readings are no energies: refused or told, and differenced on request."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.frames.schema import DataError, DataWarning
from cblcast.io.dials import looks_like_dial
from cblcast.io.formats import read_with_report
from cblcast.io.options import ReaderOptions
from cblcast.io.tabular import read_panel


def dial(energies: np.ndarray, start: float = 6199.762, digits: int | None = None) -> np.ndarray:
    shown = start + np.r_[0.0, np.cumsum(energies)]
    return np.round(shown if digits is None else shown % 10**digits, 3)


def table(values: np.ndarray, name: str = "energy_kwh") -> pd.DataFrame:
    return pd.DataFrame({"time": pd.date_range("2024-03-01", periods=len(values), freq="15min"), name: values})


ENERGIES = np.round(np.random.default_rng(4).uniform(0.02, 0.4, 600), 3)


@pytest.mark.parametrize("name", ["energy_kwh", "value", "reading", "Zählerstand [kWh]", "Index (Wh)"])
def test_a_column_that_never_falls_warns(name: str) -> None:
    with pytest.warns(DataWarning, match="never falls: dial readings\\? Then have their differences taken"):
        read_panel(table(dial(ENERGIES), name), tz="Europe/Amsterdam")


def test_differences_are_the_energies(tmp_path: Path, kw, notes) -> None:
    path = tmp_path / "d.csv"
    table(dial(ENERGIES)).to_csv(path, index=False)
    reading = read_with_report(path, ReaderOptions(tz="Europe/Amsterdam", register=True))
    np.testing.assert_allclose(kw(reading), ENERGIES * 4, atol=1e-6)
    assert reading.panel.data.index[0][1] == pd.Timestamp("2024-02-29 23:00", tz="UTC")
    assert "energies are the differences of 601 dial readings" in notes(reading)


def test_a_dial_that_rolls_over_goes_on() -> None:
    shown = dial(ENERGIES, start=9_990.0, digits=4)
    assert shown.min() < 100 < 9_900 < shown.max()
    with pytest.warns(DataWarning, match="never falls"):
        read_panel(table(shown), tz="UTC")
    np.testing.assert_allclose(
        read_panel(table(shown), tz="UTC", register=True).data["observed_kw"], ENERGIES * 4, atol=1e-6
    )


@pytest.mark.parametrize("next_start", [0.5, 8_000.0])
def test_the_interval_of_a_meter_exchange_is_not_metered(next_start: float) -> None:
    shown = np.r_[dial(ENERGIES[:300]), dial(ENERGIES[301:], start=next_start)]
    with pytest.warns(DataWarning, match="a dial falls or leaps 1 times, as where a meter is exchanged"):
        found = read_panel(table(shown), tz="UTC", register=True).data["observed_kw"].to_numpy()
    assert np.flatnonzero(np.isnan(found)).tolist() == [300]
    np.testing.assert_allclose(np.delete(found, 300), np.delete(ENERGIES, 300)[: len(found) - 1] * 4, atol=1e-6)


def test_what_passed_while_readings_are_missing_is_not_one_interval() -> None:
    shown = table(dial(ENERGIES))
    shown = shown.drop(index=range(100, 110))
    with pytest.warns(DataWarning, match="1 intervals between dial readings that are missing are not metered"):
        found = read_panel(shown, tz="UTC", register=True).data["observed_kw"].to_numpy()
    assert np.flatnonzero(np.isnan(found)).tolist() == list(range(99, 110))


def test_a_power_is_no_dial() -> None:
    with pytest.raises(DataError, match=r"'load_kw' of the meter frame is a power \[kW\], which no dial shows"):
        read_panel(table(dial(ENERGIES), "load_kw"), tz="UTC", register=True)


@pytest.mark.parametrize("behaviour", ["1", "2", "3", "9"])
def test_registers_of_green_button_are_refused_or_differenced(tmp_path: Path, behaviour: str, espi, hours, kw) -> None:
    shown = [(start, 3600, 9_876_543 + 1000 * i) for i, (start, _, _) in enumerate(hours(0, 48, 0))]
    path = espi(tmp_path / "g.xml", ("1", behaviour, shown))
    with pytest.raises(DataError, match=r"holds readings of a dial .*, not energies of intervals"):
        read_with_report(path, ReaderOptions(tz="UTC"))
    assert kw(read_with_report(path, ReaderOptions(tz="UTC", register=True))).tolist() == [1.0] * 47


@pytest.mark.parametrize("behaviour", ["4", "", "0"])
def test_deltas_of_green_button_are_energies(tmp_path: Path, behaviour: str, espi, hours, kw) -> None:
    path = espi(tmp_path / "g.xml", ("1", behaviour, hours(0, 48, 1000)))
    assert kw(read_with_report(path, ReaderOptions(tz="UTC"))).tolist() == [1.0] * 48


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_no_ordinary_load_looks_like_a_dial(seed: int) -> None:
    rng = np.random.default_rng(seed)
    day = 1 + np.sin(np.arange(96) / 96 * 2 * np.pi)
    load = np.tile(day, 4) * rng.uniform(0.1, 50) + rng.normal(0, 0.05, 384)
    assert not looks_like_dial(load)
    assert not looks_like_dial(np.full(384, 3.0))
    assert not looks_like_dial(np.zeros(384))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(100, 90_000))
def test_every_dial_looks_like_one(seed: int, start: float) -> None:
    rng = np.random.default_rng(seed)
    assert looks_like_dial(dial(np.round(rng.gamma(1.0, 0.1, 500), 3), start))
