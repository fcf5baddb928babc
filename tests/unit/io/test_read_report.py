"""What a reader understood is logged, what it lost is warned of, each once; odd days and odd clocks are told."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cblcast.days.placebo import placebo_events
from cblcast.frames.quality import odd_days
from cblcast.frames.schema import DataWarning
from cblcast.io.formats import read_meter, read_with_report
from cblcast.io.options import ReaderOptions
from cblcast.io.read_report import Kind, ReadReport
from cblcast.io.tabular import read_panel

DAYS = 30


def load(seed: int = 0, days: int = DAYS) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 20 + 10 * np.sin(np.arange(96 * days) / 96 * 2 * np.pi) + rng.random(96 * days)


def table(values: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"time": pd.date_range("2024-03-01", periods=len(values), freq="15min"), "load_kw": values})


def test_a_report_grows_by_copies() -> None:
    empty = ReadReport("m.csv")
    full = (
        empty.understanding("time", "Zeit (day first)").noting(Kind.MERGED, "two", 2).noting(Kind.DROPPED, "nothing", 0)
    )
    assert empty.understood == ()
    assert full.line == "m.csv read as: time = Zeit (day first)"
    assert [note.text for note in full.notes] == ["two"]
    assert list(full.records())[1] == {"kind": "merged", "what": "two", "count": 2}


def test_remarks_are_logged_and_losses_are_warned_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "m.csv"
    path.write_text(
        "Zeit;kW;Text\n01.03.2024 00:00;1,5;x\n01.03.2024 00:15;2,5;y\n01.03.2024 00:15;2,5;y\n13.03.2024 00:30;2,5;y\n",
        encoding="utf-8",
    )
    with caplog.at_level(logging.INFO, logger="cblcast.io"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read_meter(path, tz="Europe/Rome")
    assert caplog.messages[0] == "m.csv read as: time = Zeit (day first), decimal = comma, column = kW, load = kW"
    assert "m.csv: 1 times given twice with the same values are read once" in caplog.messages
    assert [str(item.message) for item in caught if item.category is DataWarning] == [
        "m.csv: the text columns 'Text' are left out"
    ]


def test_the_report_alone_tells_nothing(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    table(load()).assign(text="x").to_csv(path, index=False)
    reading = read_with_report(path, ReaderOptions(tz="UTC"))  # a warning would be an error here
    assert [note.kind for note in reading.report.notes] == [Kind.DROPPED]


SPIKE = "a spike, or a meter exchange booked in one interval"
WEEK = range(960, 960 + 96 * 7)


@pytest.mark.parametrize(
    ("change", "told", "days"),
    [
        ({500: 900.0}, SPIKE, ["2024-03-06"]),
        ({500: -900.0}, SPIKE, ["2024-03-06"]),
        (dict.fromkeys(range(500, 508), 900.0), SPIKE, ["2024-03-06"]),
        (dict.fromkeys(range(960, 960 + 96 * 8), 0.0), "a dead meter", [f"2024-03-{day}" for day in range(11, 19)]),
        ({at: 0.02 * (-1) ** at for at in WEEK}, "a dead meter", [f"2024-03-{day}" for day in range(11, 18)]),
        (
            {at: np.nan if at % 5 == 0 else 0.0 for at in WEEK},
            "a dead meter",
            [f"2024-03-{day}" for day in range(11, 18)],
        ),
    ],
)
def test_days_on_which_no_money_should_rest_are_told(change: dict[int, float], told: str, days: list[str]) -> None:
    values = load()
    for at, value in change.items():
        values[at] = value
    with pytest.warns(DataWarning, match=f"the meter frame: {told} on {len(days)} days \\(site {days[0]}"):
        panel = read_panel(table(values), tz="UTC")
    found = odd_days(panel)
    assert found["day"].dt.strftime("%Y-%m-%d").tolist() == days
    assert found["what"].unique().tolist() == [told]


@pytest.mark.parametrize(
    "change",
    [
        dict.fromkeys(range(960, 960 + 96 * 6), 0.0),  # a holiday
        dict.fromkeys(range(500, 512), 70.0),  # three hours of twice the usual
        dict.fromkeys(WEEK, np.nan),  # a gap is a gap
        {},
    ],
)
def test_ordinary_days_are_not_odd(change: dict[int, float]) -> None:
    values = load()
    for at, value in change.items():
        values[at] = value
    assert odd_days(read_panel(table(values), tz="UTC")).empty


@pytest.mark.parametrize("source", ["30min", "60min"])
def test_a_zone_that_moves_its_clock_by_half_an_hour_gets_a_step_that_fits_all_year(source: str) -> None:
    zone = "Australia/Lord_Howe"
    times = pd.date_range("2019-01-01", "2020-01-01", freq="30min", tz=zone, inclusive="left")
    value = 10 + 5 * np.sin(np.arange(len(times)) / 48 * 2 * np.pi)
    frame = pd.DataFrame({"time": times, "load_kw": value})
    if source == "60min":  # hours in UTC, as a head end stores them
        frame = frame.set_index("time").resample("60min", origin="epoch")["load_kw"].mean().reset_index()
    with pytest.warns(DataWarning, match="no step of 60 min begins .* the step is 30 min, not what was asked for"):
        panel = read_panel(frame, tz=zone, step="1h")
    assert panel.step == pd.Timedelta("30min")
    months = placebo_events(panel, "17:00", "20:00")["start"].dt.tz_convert(zone).dt.month
    assert sorted(months.unique()) == list(range(1, 13))
    assert panel.data["observed_kw"].mean() == pytest.approx(value.mean(), rel=1e-4)


@pytest.mark.parametrize(("step", "told"), [("120min", "120"), ("1D", "1440")])
def test_a_step_that_a_clock_change_forbids_is_not_given_up_without_a_word(step: str, told: str) -> None:
    times = pd.date_range("2019-03-25", "2019-04-05", freq="15min", tz="Europe/London", inclusive="left")
    frame = pd.DataFrame({"time": times, "load_kw": 1.0})
    with pytest.warns(DataWarning, match=f"no step of {told} min begins .* the step is 60 min, not what was asked for"):
        assert read_panel(frame, tz="Europe/London", step=step).step == pd.Timedelta("1h")


def test_within_one_season_the_step_is_what_was_asked_for() -> None:
    times = pd.date_range("2019-05-01", "2019-06-01", freq="30min", tz="Australia/Lord_Howe", inclusive="left")
    panel = read_panel(
        pd.DataFrame({"time": times, "load_kw": np.arange(len(times)) % 48 + 1.0}), tz="Australia/Lord_Howe", step="1h"
    )
    assert panel.step == pd.Timedelta("1h")
    assert set(panel.data.index.get_level_values("time").tz_convert("Australia/Lord_Howe").minute) == {0}


def test_a_table_whose_step_changes_for_good_is_brought_to_one() -> None:
    fine = pd.date_range("2024-03-01", periods=288 * 3, freq="5min")
    coarse = pd.date_range("2024-03-04", periods=48 * 3, freq="30min")
    frame = pd.DataFrame(
        {"time": fine.append(coarse), "kWh": np.r_[np.full(len(fine), 0.5), np.full(len(coarse), 4.0)]}
    )
    panel = read_panel(frame, tz="UTC")
    assert panel.step == pd.Timedelta("30min")
    assert panel.data["observed_kw"].tolist() == pytest.approx([6.0] * 144 + [8.0] * 144)


def test_the_third_showing_of_an_autumn_hour_with_equal_values_is_a_copy() -> None:
    times = pd.date_range("2024-10-26 22:00", "2024-10-28", freq="30min", tz="Europe/Madrid", inclusive="left")
    frame = pd.DataFrame({"time": times.tz_localize(None), "load_kw": np.arange(float(len(times)))})
    again = frame.iloc[[10]]
    assert again["time"].iloc[0] == pd.Timestamp("2024-10-27 02:00")
    panel = read_panel(pd.concat([frame.iloc[:11], again, frame.iloc[11:]], ignore_index=True), tz="Europe/Madrid")
    np.testing.assert_array_equal(panel.data["observed_kw"], np.arange(float(len(times))))
