"""Everyday files of six languages: each is read without a word of help, and its values are right."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.frames.schema import DataError
from cblcast.io.formats import read_with_report
from cblcast.io.numerals import STYLES, read_numbers
from cblcast.io.options import ReaderOptions
from cblcast.io.time_text import NOT_A_TIME, read_texts

N = 288
LOAD = np.round(5 + 3 * np.sin(np.arange(N) / 96 * 2 * np.pi) + np.random.default_rng(1).random(N), 2)
START = pd.Timestamp("2024-03-01")


def comma(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}".replace(".", ",")


def german(value: float) -> str:
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def lines(times: str, value=str, separator: str = ",", load: np.ndarray = LOAD, step: str = "15min") -> str:
    stamps = pd.date_range(START, periods=len(load), freq=step).strftime(times)
    return "".join(f"{stamp}{separator}{value(kw)}\n" for stamp, kw in zip(stamps, load, strict=True))


def quoted(value: float) -> str:
    return f'"{value:,.1f}"'


FILES = {
    "de": (
        "Zeitstempel;Wirkleistung [kW]\n" + lines("%d.%m.%Y %H:%M", comma, ";"),
        LOAD,
        "time = Zeitstempel (day first), decimal = comma",
    ),
    "de date and clock": (
        "Datum;Uhrzeit;Verbrauch (kWh)\n" + lines("%d.%m.%Y;%H:%M", comma, ";"),
        LOAD * 4,
        "load = kWh per 15 min",
    ),
    "de thousands": (
        "Zeitstempel;Leistung in W\n" + lines("%d.%m.%Y %H:%M", german, ";", LOAD * 200),
        LOAD / 5,
        "load = W",
    ),
    "de preface and units": (
        "Lastgang;\nZählpunkt;DE0001234567\nZeitraum;01.03.2024-03.03.2024\n\nAb-Datum;Ab-Zeit;Wert;Status\n;;kWh;\n"
        + lines("%d.%m.%Y;%H:%M", lambda kw: f"{comma(kw)};W", ";"),
        LOAD * 4,
        "time = Ab-Datum and Ab-Zeit (day first)",
    ),
    "de column of units": (
        "Zeit;Wert;Einheit\n" + lines("%d.%m.%Y %H:%M", lambda kw: f"{comma(kw)};kWh", ";"),
        LOAD * 4,
        "load = kWh",
    ),
    "de spans": ("Zeitraum;kW\n" + lines("%d.%m.%Y %H:%M - 23:59", comma, ";"), LOAD, "time = Zeitraum (day first)"),
    "de sums below": ("Zeit;kW\n" + lines("%d.%m.%Y %H:%M", comma, ";") + "Summe;1.234,5\n", LOAD, "day first"),
    "de separators at the end": (
        "Zeit;kW\n" + lines("%d.%m.%Y %H:%M", lambda kw: f"{comma(kw)};", ";"),
        LOAD,
        "day first",
    ),
    "fr": (
        "Horodate;Puissance active (kW)\n" + lines("%d/%m/%Y %H:%M", comma, ";"),
        LOAD,
        "time = Horodate (day first)",
    ),
    "fr blanks": (
        "Date et heure;Consommation (Wh)\n"
        + lines("%d/%m/%Y %Hh%M", lambda w: f"{w:,.0f}".replace(",", "\u202f"), ";", np.round(LOAD * 1000)),
        LOAD * 4,
        "Wh per 15 min",
    ),
    "es": (
        "Fecha;Hora;Consumo (kWh)\n" + lines("%d/%m/%Y;%H:%M", comma, ";"),
        LOAD * 4,
        "time = Fecha and Hora (day first)",
    ),
    "it": (
        "Data;Ora;Energia attiva (kWh)\n" + lines("%d/%m/%Y;%H.%M", comma, ";"),
        LOAD * 4,
        "time = Data and Ora (day first)",
    ),
    "pt": (
        "Data e hora;Potência ativa (kW)\n" + lines("%d/%m/%Y %H:%M", comma, ";"),
        LOAD,
        "time = Data e hora (day first)",
    ),
    "us": ("Date Time,Usage (kWh)\n" + lines("%m/%d/%Y %I:%M:%S %p"), LOAD * 4, "time = Date Time (month first)"),
    "us thousands": (
        "Date Time,Demand (kW)\n" + lines("%m/%d/%Y %I:%M %p", quoted, ",", LOAD * 200),
        np.round(LOAD * 200, 1),
        "month first",
    ),
    "us both directions": (
        'Name,J DOE\nAddress,"1 MAIN ST, SF"\n\nTYPE,DATE,START TIME,IMPORT (kWh),EXPORT (kWh),NOTES\n'
        + lines("usage,%Y-%m-%d,%H:%M", lambda kw: f"{kw},0.10,"),
        (LOAD - 0.1) * 4,
        "net = IMPORT (kWh) - EXPORT (kWh)",
    ),
    "months by name": ("Time,Load (kW)\n" + lines("%d-%b-%Y %H:%M"), LOAD, "months by name"),
    "epoch": (
        "timestamp,value\n" + "".join(f"{1709251200 + 900 * i},{kw}\n" for i, kw in enumerate(LOAD)),
        LOAD,
        "seconds since 1970, UTC",
    ),
    "epoch ms": (
        "ts,power_w\n" + "".join(f"{(1709251200 + 900 * i) * 1000},{kw}\n" for i, kw in enumerate(LOAD)),
        LOAD / 1000,
        "milliseconds since 1970",
    ),
    "together": ("time,kw\n" + lines("%Y%m%d%H%M"), LOAD, "YYYYMMDDhhmm"),
    "spreadsheet days": (
        "time,kw\n" + "".join(f"{45352 + i / 96:.10f},{kw}\n" for i, kw in enumerate(LOAD)),
        LOAD,
        "days of a spreadsheet",
    ),
    "tabs": ("Time\tPower (kW)\n" + lines("%Y-%m-%d %H:%M:%S", str, "\t"), LOAD, "load = kW"),
    "an index without a name": (",load_kw\n" + lines("%Y-%m-%d %H:%M:%S"), LOAD, "time = the column without a name"),
    "row numbers": (
        ",time,load_kw\n" + "".join(f"{i},{row}\n" for i, row in enumerate(lines("%Y-%m-%d %H:%M").splitlines())),
        LOAD,
        "time = time",
    ),
    "a time of any name": ("Wann;Netz\n" + lines("%d.%m.%Y %H:%M", comma, ";"), LOAD, "time = Wann (day first)"),
    "words for nothing": (
        "time,load_kw\n" + lines("%Y-%m-%d %H:%M", lambda kw: "n/a" if kw == LOAD[7] else str(kw)),
        np.where(LOAD[7] == LOAD, np.nan, LOAD),
        "load = kW",
    ),
    "settlement periods": (
        "settlement_date,settlement_period,kWh\n"
        + "".join(
            f"{t:%Y-%m-%d},{2 * t.hour + t.minute // 30 + 1},{kw}\n"
            for t, kw in zip(pd.date_range(START, periods=N, freq="30min"), LOAD, strict=True)
        ),
        LOAD * 2,
        "48 a day, from 1",
    ),
    "one row a day": (
        "Date,"
        + ",".join(f"{h:02d}:{m:02d}" for h in range(24) for m in (0, 15, 30, 45))
        + "\n"
        + "".join(
            f"2024-03-0{day + 1}," + ",".join(map(str, LOAD[96 * day : 96 * day + 96])) + "\n" for day in range(3)
        ),
        LOAD,
        "time = Date and hour",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_without_help(tmp_path: Path, name: str) -> None:
    text, expected, told = FILES[name]
    path = tmp_path / "m.csv"
    path.write_text(text, encoding="utf-8")
    reading = read_with_report(path, ReaderOptions(tz="UTC"))
    np.testing.assert_allclose(reading.panel.data["observed_kw"], expected)
    assert reading.panel.data.index[0][1] == START.tz_localize("UTC")
    assert told in reading.report.line


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
def test_encodings_of_spreadsheets(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(("Zeitstempel;Zählerwert [kW]\n" + lines("%d.%m.%Y %H:%M", comma, ";")).encode(encoding))
    reading = read_with_report(path, ReaderOptions(tz="UTC"))
    np.testing.assert_allclose(reading.panel.data["observed_kw"], LOAD)
    assert any("Windows-1252" in note.text for note in reading.report.notes) == (encoding == "cp1252")


def packed(kind: str, text: str) -> bytes:
    if kind == "gz":
        return gzip.compress(text.encode())
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data/m.csv", text)
        archive.writestr("__MACOSX/._m.csv", "x")
    return into.getvalue()


@pytest.mark.parametrize(("name", "kind"), [("m.csv.gz", "gz"), ("m.zip", "zip"), ("m.csv.zip", "zip")])
def test_packed_files(tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / name
    path.write_bytes(packed(kind, FILES["de"][0]))
    panel = read_with_report(path, ReaderOptions(tz="UTC")).panel
    np.testing.assert_allclose(panel.data["observed_kw"], LOAD)
    assert panel.site_ids.tolist() == ["m"]


def test_packs_that_cannot_be_read_get_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ReaderOptions(tz="UTC")
    for name, content, sentence in (
        ("cut.csv.gz", packed("gz", FILES["de"][0])[:-20], r"cut\.csv\.gz cannot be read as gz"),
        ("cut.zip", packed("zip", FILES["de"][0])[:-30], r"cut\.zip cannot be read as zip"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=sentence):
            read_with_report(tmp_path / name, options)
    two = io.BytesIO()
    with zipfile.ZipFile(two, "w") as archive:
        archive.writestr("a.csv", "x")
        archive.writestr("b.csv", "y")
    (tmp_path / "two.zip").write_bytes(two.getvalue())
    with pytest.raises(DataError, match=r"two\.zip holds 2 files \(a\.csv, b\.csv\)"):
        read_with_report(tmp_path / "two.zip", options)
    monkeypatch.setattr("cblcast.io.opened.LARGEST_UNPACKED", 1000)
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"time,load_kw\n" + b"0" * 2_000_000))
    with pytest.raises(DataError, match=r"bomb\.csv\.gz unpacks to more than"):
        read_with_report(tmp_path / "bomb.csv.gz", options)


def workbook(path: Path, rows: list[list[object]], *more: str) -> Path:
    openpyxl = pytest.importorskip("openpyxl", reason="workbooks need pip install cblcast[excel]")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for title in more:
        book.create_sheet(title).append(["nothing", "here"])
    book.save(path)
    return path


STAMPS = [stamp.to_pydatetime() for stamp in pd.date_range(START, periods=N, freq="15min")]


def test_workbooks(tmp_path: Path) -> None:
    head: list[list[object]] = [["Lastgang 2024"], [], ["Zeitstempel", "Leistung (kW)"]]
    path = workbook(tmp_path / "m.xlsx", head + [[at, float(kw)] for at, kw in zip(STAMPS, LOAD, strict=True)], "Notes")
    reading = read_with_report(path, ReaderOptions(tz="UTC"))
    np.testing.assert_allclose(reading.panel.data["observed_kw"], LOAD)
    assert reading.panel.data.index[0][1] == START.tz_localize("UTC")
    assert "the table is on sheet 'Sheet'" in reading.report.notes[0].text
    apart = [["Datum", "Uhrzeit", "Verbrauch kWh"]] + [
        [dt.datetime.combine(at.date(), dt.time()), at.time(), float(kw)] for at, kw in zip(STAMPS, LOAD, strict=True)
    ]
    reading = read_with_report(workbook(tmp_path / "a.xlsx", apart), ReaderOptions(tz="UTC"))
    np.testing.assert_allclose(reading.panel.data["observed_kw"], LOAD * 4)
    text = [["Zeit", "kW"]] + [[f"{at:%d.%m.%Y %H:%M}", comma(kw)] for at, kw in zip(STAMPS, LOAD, strict=True)]
    np.testing.assert_allclose(
        read_with_report(workbook(tmp_path / "t.xlsx", text), ReaderOptions(tz="UTC")).panel.data["observed_kw"], LOAD
    )


def test_a_workbook_with_an_error_in_a_cell_names_its_row(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["Zeit", "kW"],
        *([at, 1.0] for at in STAMPS[:5]),
        [STAMPS[5], "oops"],
        [STAMPS[6], 1.0],
    ]
    with pytest.raises(DataError, match=r"line 7 of m\.xlsx: 'kW' is 'oops', not a number"):
        read_with_report(workbook(tmp_path / "m.xlsx", rows), ReaderOptions(tz="UTC"))
    with pytest.raises(DataError, match="no sheet with a table of times"):
        read_with_report(workbook(tmp_path / "n.xlsx", [["a", "b"], [1, 2]]), ReaderOptions(tz="UTC"))


def numbered(zone: str, first: str, last: str, from_zero: bool, counts_on: bool) -> tuple[str, pd.DatetimeIndex]:
    hours = pd.date_range(first, last, freq="h", tz=zone, inclusive="left")
    day = pd.Series(hours.date, index=range(len(hours)))
    number = day.groupby(day).cumcount() if counts_on else pd.Series(hours.hour)
    rows = [
        f"{at:%d/%m/%Y};{n + (not from_zero)};{comma(i % 50 + 0.5)}"
        for i, (at, n) in enumerate(zip(hours, number, strict=True))
    ]
    return "Fecha;Hora;Consumo_kWh\n" + "\n".join(rows) + "\n", hours


@pytest.mark.parametrize("zone", ["Europe/Madrid", "America/New_York", "Australia/Adelaide"])
@pytest.mark.parametrize("from_zero", [False, True])
@pytest.mark.parametrize("counts_on", [True, False])
def test_a_date_and_a_numbered_hour_through_a_year(tmp_path: Path, zone: str, from_zero: bool, counts_on: bool) -> None:
    text, hours = numbered(zone, "2024-01-01", "2025-01-01", from_zero, counts_on)
    path = tmp_path / "m.csv"
    path.write_text(text, encoding="utf-8")
    panel = read_with_report(path, ReaderOptions(tz=zone)).panel
    assert panel.data.index.get_level_values("time").equals(hours.tz_convert("UTC").as_unit("us").rename("time"))
    np.testing.assert_allclose(panel.data["observed_kw"], np.arange(len(hours)) % 50 + 0.5)


@pytest.mark.parametrize("label", ["Hour Ending", "HE", "Hora"])
def test_hours_by_their_end(tmp_path: Path, label: str) -> None:
    stamps = pd.date_range(START, periods=72, freq="h")
    rows = [
        f"{at:%m/%d/%Y},{at.hour + 1:02d}:00,{kw}" if label == "Hour Ending" else f"{at:%m/%d/%Y},{at.hour + 1},{kw}"
        for at, kw in zip(stamps, LOAD, strict=False)
    ]
    path = tmp_path / "m.csv"
    path.write_text(f"Date,{label},Load_kw\n" + "\n".join(rows), encoding="utf-8")
    panel = read_with_report(path, ReaderOptions(tz="America/Chicago")).panel
    assert panel.data.index[0][1] == START.tz_localize("America/Chicago")
    np.testing.assert_allclose(panel.data["observed_kw"], LOAD[:72])


def test_a_name_that_says_the_end_is_believed_and_told(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("Interval End,kWh\n2024-03-01 00:15,1\n2024-03-01 00:30,2\n", encoding="utf-8")
    reading = read_with_report(path, ReaderOptions(tz="UTC"))
    assert reading.panel.data.index[0][1] == START.tz_localize("UTC")
    assert "label the end of their interval, as their name says" in reading.report.notes[-1].text
    assert read_with_report(path, ReaderOptions(tz="UTC", label="start")).panel.data.index[0][1] == pd.Timestamp(
        "2024-03-01 00:15", tz="UTC"
    )


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        ("time,load_kw\n01/06/2024 00:00,1\n01/06/2024 01:00,2\n", {}, "nobody can tell the day from the month"),
        (
            "2024-03-01 00:00,5.5\n2024-03-01 00:15,5.6\n",
            {},
            "no header in its first line, which begins '2024-03-01 00:00",
        ),
        (
            "time,load_kw\n2024-03-01 00:00,5,5\n2024-03-01 00:15,5,6\n",
            {},
            "line 2 of m.csv has more cells in a row than in its header",
        ),
        (
            "time,load_kw\n2024-03-01 00:00,5.5\n2024-03-01 00:15\n",
            {},
            "line 3 of m.csv has 1 cells where the header has 2",
        ),
        (
            "Date,Hour,kW\n"
            + "".join(f"2024-03-0{day},{hour},5\n" for day in (1, 2) for hour in range(1, 25))
            + "2024-03-03,99,5\n",
            {},
            "line 50 of m.csv: '99' in 'Hour' is beyond the intervals of a day",
        ),
        (
            "Datum;Uhrzeit;kW\n01.03.2024;00:00;5\n01.03.2024;25:00;5\n",
            {},
            "line 3 of m.csv: '25:00' in 'Uhrzeit' is no time of day",
        ),
        ("time,kw\n1709251200,1\n1709252100,2\n17,3\n", {}, "line 4 of m.csv: the time 17 is none like the others"),
        ('time,load_kw\n2024-03-01 00:00,1.5\n2024-03-01 00:15,"1,5"\n', {}, "not a number like"),
        (
            "time;value;unit\n01.03.2024 00:00;1;kW\n01.03.2024 00:15;2;kWh\n",
            {},
            "counts in kw and kwh by its column 'unit'",
        ),
        ("<html><body>Sign in</body></html>", {}, "is a web page, not meter data"),
        ("time,load_kw\n2919-03-01 00:00,1\n2919-03-01 00:15,1\n", {}, "line 2 of m.csv is of the year 2919"),
        (
            "time,load_kw\n" + lines("%Y-%m-%d %H:%M") + "2124-03-02 00:00,24\n",
            {},
            "line 290 of m.csv is at 2124-03-02 .* 100 years from the nearest",
        ),
        (
            "time,load_kw\n1970-01-01 00:00,24\n" + lines("%Y-%m-%d %H:%M"),
            {},
            "line 2 of m.csv is at 1970-01-01 .* 54 years from the nearest",
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_told_is_one_sentence(
    tmp_path: Path, text: str, options: dict[str, object], sentence: str
) -> None:
    path = tmp_path / "m.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=sentence) as caught:
        read_with_report(path, ReaderOptions(tz="UTC").but(**options))
    assert "\n" not in str(caught.value)


def test_every_guess_can_be_fixed(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("A;B\n01/06/2024 00:00;1.500\n01/06/2024 01:00;2.500\n", encoding="utf-8")
    fixed = ReaderOptions(
        tz="UTC", columns={"A": "time", "B": "observed_kw"}, time_format="%d/%m/%Y %H:%M", decimal=",", unit="W"
    )
    panel = read_with_report(path, fixed).panel
    assert panel.data["observed_kw"].tolist() == [1.5, 2.5]
    assert panel.data.index[0][1] == pd.Timestamp("2024-06-01", tz="UTC")
    panel = read_with_report(path, fixed.but(decimal=".", time_format="%m/%d/%Y %H:%M")).panel
    assert panel.data["observed_kw"].tolist() == [0.0015, 0.0025]
    assert panel.data.index[0][1] == pd.Timestamp("2024-01-06", tz="UTC")


def written(value: float, style: int) -> str:
    plain = f"{value:,.3f}"
    return {
        0: plain.replace(",", ""),
        1: plain.replace(",", "").replace(".", ","),
        2: plain,
        3: plain.translate(str.maketrans(",.", ".,")),
        4: plain.replace(",", "\u00a0").replace(".", ","),
        5: plain.replace(",", " "),
        6: plain.replace(",", "'"),
        7: plain.replace(",", "'").replace(".", ","),
    }[style]


numbers = st.lists(st.floats(-1e7, 1e7).map(lambda x: round(x, 3)), min_size=1, max_size=12)


@settings(max_examples=150, deadline=None)
@given(numbers, st.integers(0, len(STYLES) - 1))
def test_numbers_survive_each_way_of_writing_them(values: list[float], style: int) -> None:
    # Three digits behind a sign may be thousands; one number with more of both settles it, as in a real column.
    values = [*values, 1234567.891]
    found = read_numbers(pd.Series([written(value, style) for value in values]), None)
    np.testing.assert_allclose(found.values, values, rtol=0, atol=1e-9)
    assert not len(found.wrong)
    said = read_numbers(pd.Series([written(value, style) for value in values]), STYLES[style].decimal)
    np.testing.assert_allclose(said.values, values, rtol=0, atol=1e-9)


def test_thousands_without_decimals_are_told_from_decimals() -> None:
    whole = [1840, 950, 12, 2345, 999, 1001, 15, 87]
    grouped = pd.Series([f"{value:,}".replace(",", ".") for value in whole])
    np.testing.assert_array_equal(read_numbers(grouped, None).values, whole)
    decimals = pd.Series(["1.840", "0.950", "2.345", "12.001"])
    np.testing.assert_array_equal(read_numbers(decimals, None, ".").values, [1.84, 0.95, 2.345, 12.001])


FORMATS = [
    "%d.%m.%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M %p",
    "%Y/%m/%d %H:%M",
    "%d-%b-%Y %H:%M",
    "%B %d, %Y %I:%M:%S %p",
    "%Y%m%d %H%M",
    "%d.%m.%y %H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%a %d.%m.%Y %H:%M",
]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(FORMATS), st.sampled_from(["15min", "1h", "37min"]))
def test_times_survive_each_way_of_writing_them(start: int, form: str, step: str) -> None:
    times = pd.date_range(pd.Timestamp("2001-01-01") + pd.Timedelta(minutes=start), periods=40 * 24, freq=step)[::7]
    found = read_texts(pd.Series(times.strftime(form)))
    assert (found.us != NOT_A_TIME).all()
    if found.unclear:
        return  # no row of so few days tells the day from the month: the reader asks
    assert found.us.tolist() == times.as_unit("us").asi8.tolist()
