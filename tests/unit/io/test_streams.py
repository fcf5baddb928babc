"""Several streams of one meter: absent for a while, repeated, revised, on two interval lengths, of both directions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.frames.schema import DataError, DataWarning
from cblcast.io.align import Rows
from cblcast.io.formats import read_with_report
from cblcast.io.net import netted
from cblcast.io.options import ReaderOptions
from cblcast.io.read_report import ReadReport
from cblcast.io.readings import EXPORT, IMPORT, NET, TOTAL, Readings, Series
from cblcast.io.tabular import read_panel

ADELAIDE = ReaderOptions(tz="Australia/Adelaide")
START = 1751673600  # 2025-07-05 00:00 UTC


def test_an_export_that_begins_later_counts_as_none_before(tmp_path: Path, nem12, kw, notes) -> None:
    days = ["20200101", "20200102", "20200103", "20200104"]
    path = nem12(
        tmp_path / "n.csv",
        ("E1", 30, [(day, 1.0, "") for day in days]),
        ("B1", 30, [(day, 0.25, "") for day in days[2:]]),
    )
    reading = read_with_report(path, ADELAIDE)
    assert kw(reading).tolist() == [2.0] * 96 + [1.5] * 96
    assert "96 intervals before the first or after the last export count as without export" in notes(reading)
    assert (
        reading.report.line
        == "n.csv read as: time = market time, UTC+10, site = NMI, net = + E1 - B1, load = kWh per 30 min"
    )


def test_a_second_channel_that_begins_later_is_added_from_then_on(tmp_path: Path, nem12, kw) -> None:
    path = nem12(
        tmp_path / "n.csv",
        ("E1", 30, [("20200101", 1.0, ""), ("20200102", 1.0, "")]),
        ("E2", 30, [("20200102", 0.5, "")]),
    )
    assert kw(read_with_report(path, ADELAIDE)).tolist() == [2.0] * 48 + [3.0] * 48


@pytest.mark.parametrize(
    ("second", "expected", "told"),
    [
        ((0.1, "20240103000000"), 1.2, "1 days given twice with the same values are read once"),
        ((0.2, "20240105000000"), 2.4, "of 1 days given twice the later update is kept"),
        ((0.2, "20240101000000"), 1.2, "of 1 days given twice the later update is kept"),
    ],
)
def test_a_day_given_twice(
    tmp_path: Path, second: tuple[float, str], expected: float, told: str, nem12, kw, notes
) -> None:
    days = [("20240101", 0.1, "20240103000000"), ("20240101", *second), ("20240102", 0.1, "20240103000000")]
    reading = read_with_report(nem12(tmp_path / "n.csv", ("E1", 5, days)), ADELAIDE)
    assert kw(reading) == pytest.approx([expected] * 288 + [1.2] * 288)
    assert told in notes(reading)


@pytest.mark.parametrize(("how", "expected"), [("first", 2.0), ("last", 4.0), ("mean", 3.0)])
def test_a_day_with_two_values_and_no_update_is_joined_as_the_user_says(
    tmp_path: Path, how: str, expected: float, nem12, kw, notes
) -> None:
    path = nem12(tmp_path / "n.csv", ("E1", 30, [("20240101", 1.0, ""), ("20240101", 2.0, "")]))
    with pytest.raises(
        DataError, match=r"line 4 of n\.csv: NMI NMI1 E1 has 2024-01-01 a second time .* \(first in line 3"
    ):
        read_with_report(path, ADELAIDE)
    reading = read_with_report(path, ADELAIDE.but(on_duplicates=how))
    assert kw(reading).tolist() == [expected] * 48
    assert "1 days given twice are joined" in notes(reading)


def test_streams_of_two_interval_lengths_are_brought_to_one(tmp_path: Path, nem12, kw, notes) -> None:
    days = ["20240101", "20240102"]
    path = nem12(tmp_path / "n.csv", ("E1", 5, [(d, 0.1, "") for d in days]), ("B1", 30, [(d, 0.2, "") for d in days]))
    reading = read_with_report(path, ADELAIDE)
    assert reading.panel.step == pd.Timedelta("30min")
    assert kw(reading) == pytest.approx([0.8] * 96)
    assert "intervals of 5, 30 min are brought to the longest that lasts, 30 min" in notes(reading)


def test_a_meter_that_changes_its_interval_is_brought_to_one(tmp_path: Path, nem12, kw) -> None:
    path = nem12(tmp_path / "n.csv", ("E1", 30, [("20210930", 0.5, "")]), ("E1", 5, [("20211001", 0.1, "")]))
    assert kw(read_with_report(path, ADELAIDE)) == pytest.approx([1.0] * 48 + [1.2] * 48)


@pytest.mark.parametrize(
    "first",
    [
        "\ufeff100,NEM12,2024,A,B",
        '"100","NEM12","2024","A","B"',
        "\n100,NEM12,2024,A,B",
        ",,\n100,NEM12,2024,A,B",
        " 100 ,NEM12,2024,A,B",
    ],
)
def test_nem12_is_recognised_by_what_it_says(tmp_path: Path, first: str, nem12, kw) -> None:
    path = nem12(tmp_path / "meter.csv", ("E1", 30, [("20240101", 1.0, "")]), first=first)
    assert read_with_report(path, ADELAIDE).report.format == "nem12"
    assert kw(read_with_report(path, ADELAIDE)).tolist() == [2.0] * 48


def test_the_boundary_hour_of_a_clock_change_twice_is_one_hour(tmp_path: Path, espi, hours, kw, notes) -> None:
    readings = [*hours(0, 24, 500), *hours(23, 25, 500)]
    reading = read_with_report(espi(tmp_path / "g.xml", ("1", "4", readings)), ReaderOptions(tz="UTC"))
    assert kw(reading).tolist() == [0.5] * 48
    assert "1 times given twice with the same values are read once" in notes(reading)


@pytest.mark.parametrize(
    ("flows", "expected"),
    [
        ({"20": 1900, "19": 400}, 1.1),  # total less twice the reverse
        ({"1": 1500, "19": 400}, 1.1),  # forward less reverse
        ({"4": 1100}, 1.1),  # the net
        ({"4": 1100, "1": 1500, "19": 400}, 1.1),
        ({"1": 1500, "20": 1900}, 1.1),  # what the total has beyond the forward flows back
        ({"19": 400}, -0.4),
    ],
)
def test_directions_are_different_quantities(
    tmp_path: Path, flows: dict[str, float], expected: float, espi, hours, kw
) -> None:
    path = espi(tmp_path / "g.xml", *((flow, "4", hours(0, 48, value)) for flow, value in flows.items()))
    assert kw(read_with_report(path, ReaderOptions(tz="UTC"))) == pytest.approx([expected] * 48)


def test_the_total_alone_is_doubtful(tmp_path: Path, espi, hours, notes) -> None:
    reading = read_with_report(espi(tmp_path / "g.xml", ("20", "4", hours(0, 48, 1900))), ReaderOptions(tz="UTC"))
    assert "doubtful: g.xml: the total of both directions of 1 sites is read as their load" in notes(reading)


def test_a_day_without_import_is_not_metered_and_told(tmp_path: Path, espi, hours, kw, notes) -> None:
    path = espi(tmp_path / "g.xml", ("1", "4", hours(0, 24, 800)), ("19", "4", hours(0, 48, 100)))
    reading = read_with_report(path, ReaderOptions(tz="UTC"))
    np.testing.assert_allclose(kw(reading), [0.7] * 24 + [np.nan] * 24)
    assert "missing: g.xml: 24 intervals have an export but no import" in notes(reading)


def test_halves_that_take_turns_are_the_two_sides_of_a_net(tmp_path: Path, espi, hours, kw, notes) -> None:
    taken = [reading for day in (0, 1) for reading in hours(24 * day, 12, 900)]
    given = [reading for day in (0, 1) for reading in hours(24 * day + 12, 12, 300)]
    reading = read_with_report(espi(tmp_path / "g.xml", ("1", "4", taken), ("19", "4", given)), ReaderOptions(tz="UTC"))
    assert kw(reading) == pytest.approx(([0.9] * 12 + [-0.3] * 12) * 2)
    assert "take turns" in notes(reading)


def test_a_quarter_among_hours_is_no_hour(tmp_path: Path, espi, hours, kw, notes) -> None:
    readings = hours(0, 48, 1000.0)
    readings[5] = (readings[5][0], 900, 250.0)
    reading = read_with_report(espi(tmp_path / "g.xml", ("1", "4", readings)), ReaderOptions(tz="UTC"))
    assert np.flatnonzero(np.isnan(kw(reading))).tolist() == [5]
    assert kw(reading)[6] == 1.0
    assert "1 intervals of which less than half was metered are left empty" in notes(reading)


def test_daily_sums_beside_hours_are_not_needed(tmp_path: Path, espi, hours, kw, notes) -> None:
    daily = [(START + 86_400 * day, 86_400, 24_000.0) for day in range(2)]
    reading = read_with_report(
        espi(tmp_path / "g.xml", ("1", "4", hours(0, 48, 1000)), ("1", "4", daily)), ReaderOptions(tz="UTC")
    )
    assert kw(reading).tolist() == [1.0] * 48
    assert "repeat others over longer intervals" in notes(reading)


@pytest.mark.parametrize("odd", [("nan", 3600), ("inf", 3600), (1, -5), (1, 10**9)])
def test_numbers_that_no_meter_shows_are_refused_with_their_line(
    tmp_path: Path, odd: tuple[object, int], espi, hours
) -> None:
    readings = [*hours(0, 3, 1000), (START + 4 * 3600, odd[1], odd[0])]
    with pytest.raises(DataError, match=r"line 1 of g\.xml: an interval reading needs start and duration"):
        read_with_report(espi(tmp_path / "g.xml", ("1", "4", readings)), ReaderOptions(tz="UTC"))  # type: ignore[arg-type]


def test_import_and_export_columns_of_a_table_are_netted_like_streams() -> None:
    times = pd.date_range("2024-05-01", periods=8, freq="15min")
    table = pd.DataFrame({"Zeit": times, "Bezug (kWh)": 1.0, "Einspeisung (kWh)": 0.25, "temp_air_c": np.arange(8.0)})
    panel = read_panel(table, tz="Europe/Berlin")
    assert panel.data["observed_kw"].tolist() == [3.0] * 8
    assert panel.data["temp_air_c"].tolist() == list(range(8))
    table.loc[3, "Bezug (kWh)"] = np.nan
    with pytest.warns(DataWarning, match="1 intervals have an export but no import"):
        assert np.isnan(read_panel(table, tz="Europe/Berlin").data["observed_kw"].iloc[3])


def test_what_the_utility_delivers_and_receives() -> None:
    times = pd.date_range("2024-05-01", periods=8, freq="15min")
    panel = read_panel(pd.DataFrame({"time": times, "kWh Delivered": 1.0, "kWh Received": 0.25}), tz="America/Denver")
    assert panel.data["observed_kw"].tolist() == [3.0] * 8


def test_a_column_of_hours_beside_one_of_quarters_is_one_of_hours() -> None:
    times = pd.date_range("2024-05-01", periods=96 * 3, freq="15min")
    hourly = np.where(times.minute == 0, 5.0, np.nan)
    panel = read_panel(pd.DataFrame({"time": times, "a_kw": np.arange(len(times)) % 4.0, "b_kwh": hourly}), tz="UTC")
    assert panel.step == pd.Timedelta("1h")
    assert panel.data["observed_kw"].groupby(level=0).agg(["min", "max"]).to_numpy().tolist() == [
        [1.5, 1.5],
        [5.0, 5.0],
    ]


def test_monthly_dials_of_the_australian_market_are_named(tmp_path: Path) -> None:
    path = tmp_path / "n.csv"
    path.write_text("100,NEM13,202401,A,B\n250,N,E1,\n900\n", encoding="utf-8")
    with pytest.raises(DataError, match="is a NEM13 file, which holds dial readings of months"):
        read_with_report(path, ADELAIDE)


# The oracle: one interval at a time, in words of the rules.
def slow_net(series: dict[str, dict[int, float]]) -> dict[int, float]:
    taken, given = series.get(IMPORT), series.get(EXPORT)
    total, net = series.get(TOTAL), series.get(NET)
    times = sorted({at for values in series.values() for at in values})
    made = {}
    for at in times:
        if net is not None:
            made[at] = net.get(at, np.nan)
            continue
        back = 0.0
        if given is not None:
            first, last = min(given), max(given)
            back = given.get(at, np.nan) if first <= at <= last else 0.0
        if taken is not None and given is not None:
            made[at] = taken.get(at, np.nan) - back
        elif total is not None and given is not None:
            made[at] = total.get(at, np.nan) - 2 * back
        elif taken is not None and total is not None:
            made[at] = 2 * taken.get(at, np.nan) - total.get(at, np.nan)
        else:
            made[at] = (taken or total or {}).get(at, np.nan) if given is None else -given.get(at, np.nan)
    return made


values = st.dictionaries(st.integers(0, 9), st.floats(0, 5).map(lambda x: round(x, 2)), min_size=1)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from([IMPORT, EXPORT, TOTAL, NET]), values, min_size=1))
def test_netting_equals_its_rules_one_interval_at_a_time(series: dict[str, dict[int, float]]) -> None:
    hour = 3_600_000_000
    names = sorted(series)
    meets = set(series.get(IMPORT, {})) & set(series.get(EXPORT, {}))
    if NET not in series and {IMPORT, EXPORT} <= set(series) and not meets:
        return  # two halves: tested above
    site, us, value = [], [], []
    for code, name in enumerate(names):
        for at in sorted(series[name]):
            site.append(code)
            us.append(at * hour)
            value.append(series[name][at])
    rows = Rows(np.array(site), np.array(us), {"observed_kw": np.array(value)}, np.arange(len(us)))
    n = len(names)
    made = Series(np.zeros(n, dtype=np.int64), tuple(names), (None,) * n, tuple(names), np.zeros(n, dtype=np.int8))
    readings = Readings(rows, made, pd.Index(["a"]), "start", np.full(len(us), hour), str, ReadReport("x"))
    found = netted(readings, ["UTC"])
    expected = slow_net(series)
    assert found.rows.us.tolist() == [at * hour for at in expected]
    np.testing.assert_allclose(found.rows.values["observed_kw"], list(expected.values()), atol=1e-9)
