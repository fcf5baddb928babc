from pathlib import Path

import pandas as pd
import pytest

from cblcast.frames.panel import Panel, panel_of
from cblcast.frames.schema import DataError
from cblcast.io.event_table import read_events


@pytest.fixture
def panel() -> Panel:
    times = pd.date_range("2019-06-01", periods=48, freq="60min", tz="UTC", unit="us")
    index = pd.MultiIndex.from_product([["b1", "b2"], times], names=["site_id", "time"])
    return panel_of(pd.DataFrame({"observed_kw": 1.0}, index=index), "Europe/Rome")


def write(path: Path, *rows: str, header: str = "site_id,start,stop") -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_events_become_instants_sorted_by_site(tmp_path: Path, panel: Panel) -> None:
    path = write(
        tmp_path / "e.csv",
        "b2,2019-06-01T17:00+02:00,2019-06-01T20:00+02:00,2019-06-01T12:00+02:00,peak",
        "*,2019-06-02T17:00+02:00,2019-06-02T19:00+02:00,,",
        header="site_id,start,stop,notified,program",
    )
    events = read_events(path, panel)
    assert events[["site_id", "program"]].fillna("").to_numpy().tolist() == [["b1", ""], ["b2", "peak"], ["b2", ""]]
    assert events["start"].tolist() == [
        pd.Timestamp(t, tz="UTC") for t in ("2019-06-02 15:00", "2019-06-01 15:00", "2019-06-02 15:00")
    ]
    assert events["notified"].isna().tolist() == [True, False, True]
    assert str(events["start"].dtype) == str(events["notified"].dtype) == "datetime64[us, UTC]"


def test_a_frame_with_stamps_reads_too(panel: Panel) -> None:
    frame = pd.DataFrame({"site_id": ["b1"], "start": [pd.Timestamp("2019-06-01 17:00", tz="Europe/Rome")],
                          "stop": [pd.Timestamp("2019-06-01 18:00", tz="Europe/Rome")]})  # fmt: skip
    assert read_events(frame, panel)["stop"].iloc[0] == pd.Timestamp("2019-06-01 16:00", tz="UTC")


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("b1,2019-06-01T17:00,2019-06-01T20:00", "line 3 of e.csv: .* differs"),
        ("b1,2019-06-01T17:00Z,2019-06-01T17:00Z", "line 3 of e.csv has an event of zero length"),
        ("b1,2019-06-01T17:00Z,2019-06-01T16:00Z", "line 3 of e.csv has an event that stops before it starts"),
        (
            "b3,2019-06-01T17:00Z,2019-06-01T18:00Z",
            "line 3 of e.csv names site 'b3', which the meter data lack: did you mean 'b",
        ),
        (",2019-06-01T17:00Z,2019-06-01T18:00Z", "line 3 of e.csv has no site_id"),
        ("b1,noon,2019-06-01T18:00Z", "line 3 of e.csv: .*'noon'"),
        ("b1,,2019-06-01T18:00Z", "line 3 of e.csv has no time"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, panel: Panel, row: str, sentence: str) -> None:
    path = write(tmp_path / "e.csv", "b1,2019-06-01T10:00Z,2019-06-01T11:00Z", row)
    with pytest.raises(DataError, match=sentence):
        read_events(path, panel)


def test_naive_times_say_how_to_write_an_offset(tmp_path: Path, panel: Panel) -> None:
    path = write(tmp_path / "e.csv", "b1,2019-06-01T17:00,2019-06-01T20:00")
    with pytest.raises(
        DataError, match=r"line 2 of e.csv: start '2019-06-01T17:00' has no offset: write it as 2019-06-01T17:00\+02:00"
    ):
        read_events(path, panel)


def test_every_site_needs_a_panel_and_a_settlement_may_keep_unknown_sites(tmp_path: Path, panel: Panel) -> None:
    path = write(tmp_path / "e.csv", "*,2019-06-01T17:00Z,2019-06-01T18:00Z")
    with pytest.raises(DataError, match="no panel says which sites"):
        read_events(path)
    gone = write(tmp_path / "g.csv", "gone,2019-06-01T17:00Z,2019-06-01T18:00Z")
    assert read_events(gone, panel, unknown_sites="keep")["site_id"].tolist() == ["gone"]
    with pytest.raises(DataError, match="lacks the column 'stop'"):
        read_events(write(tmp_path / "h.csv", "b1,2019-06-01T17:00Z", header="site_id,start"), panel)


def test_events_on_the_local_clock_and_without_a_site(tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text(
        "start;stop\n03.06.2019 17:00;03.06.2019 20:00\n13.06.2019 17:00;13.06.2019 20:00\n", encoding="utf-8"
    )
    index = pd.MultiIndex.from_product(
        [["a"], pd.date_range("2019-06-01", periods=48, freq="60min", tz="UTC", unit="us")], names=["site_id", "time"]
    )
    panel = panel_of(pd.DataFrame({"observed_kw": 1.0}, index=index))
    events = read_events(path, panel, tz="Europe/Rome")
    assert events["site_id"].tolist() == ["a", "a"]
    assert events["start"].tolist() == [
        pd.Timestamp("2019-06-03 15:00", tz="UTC"),
        pd.Timestamp("2019-06-13 15:00", tz="UTC"),
    ]
    with pytest.raises(
        DataError, match=r"line 2 of e\.csv: start '2019-06-03T17:00' has no offset: .* or name the zone"
    ):
        read_events(path, panel)
    path.write_text("site;start;stop\na;27.10.2019 02:30;27.10.2019 05:00\n", encoding="utf-8")
    with pytest.raises(DataError, match="a time that the clock of Europe/Rome shows twice or not at all"):
        read_events(path, panel, tz="Europe/Rome")


@pytest.mark.parametrize(
    "header", ["Zählpunkt;Beginn;Ende", "site;start time;end time", "edificio;inicio;fin", "pod;inizio;fine"]
)
def test_events_in_other_words(tmp_path: Path, panel: Panel, header: str) -> None:
    path = tmp_path / "e.csv"
    path.write_text(f"{header}\nb1;13.06.2019 17:00;13.06.2019 20:00\n", encoding="utf-8")
    assert read_events(path, panel, tz="Europe/Rome")[["site_id", "start"]].to_numpy().tolist() == [
        ["b1", pd.Timestamp("2019-06-13 15:00", tz="UTC")]
    ]


def test_events_that_name_no_site_are_asked_about_where_there_are_several(tmp_path: Path, panel: Panel) -> None:
    path = tmp_path / "e.csv"
    path.write_text("start,stop\n2019-06-13T17:00Z,2019-06-13T20:00Z\n", encoding="utf-8")
    with pytest.raises(
        DataError,
        match=r"no column that names the site, and the meter data hold 2: add site_id \('b1', …, or \* for all",
    ):
        read_events(path, panel)
