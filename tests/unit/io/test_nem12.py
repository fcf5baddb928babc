from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cblcast.frames.schema import DataError, DataWarning
from cblcast.io.nem12 import read_nem12


def stream(nmi: str = "NMI1", suffix: str = "E1", minutes: int = 30, unit: str = "kWh") -> str:
    return f"200,{nmi},E1B1,1,{suffix},N1,METER1,{unit},{minutes},20190701"


def day(date: str, values: list[object], flag: str = "A") -> str:
    return ",".join(["300", date, *map(str, values), flag, "", "", "20190602120000", "20190602130000"])


def write(path: Path, *records: str, end: str | None = "900") -> Path:
    path.write_text(
        "\n".join(["100,NEM12,201906021200,MDP1,RETAIL1", *records, *([end] if end else [])]) + "\n", encoding="utf-8"
    )
    return path


@pytest.mark.parametrize("minutes", [5, 15, 30])
def test_intervals_become_mean_kw_in_market_time(tmp_path: Path, minutes: int) -> None:
    count = 1440 // minutes
    path = write(
        tmp_path / "n.csv", stream(minutes=minutes), day("20190601", list(range(count))), day("20190602", [1] * count)
    )
    panel = read_nem12(path, tz="Australia/Sydney")
    assert panel.step == pd.Timedelta(minutes=minutes)
    assert panel.data.index[0] == ("NMI1", pd.Timestamp("2019-05-31 14:00", tz="UTC"))  # midnight in UTC+10
    np.testing.assert_allclose(panel.data["observed_kw"], np.r_[np.arange(count), np.ones(count)] * 60 / minutes)


def test_market_time_knows_no_summer_time(tmp_path: Path) -> None:
    # Sydney's clock goes forward on 2019-10-06; the file still has 48 half-hours.
    path = write(tmp_path / "n.csv", stream(), day("20191006", list(range(48))))
    panel = read_nem12(path, tz="Australia/Sydney")
    assert panel.data["observed_kw"].tolist() == [2.0 * i for i in range(48)]


def test_several_meters_and_streams_net_out(tmp_path: Path) -> None:
    path = write(
        tmp_path / "n.csv",
        stream("A", "E1"), day("20190601", [2] * 48), "500,O,S01,20190601120000,1234",
        stream("A", "B1"), day("20190601", [0.5] * 48),
        stream("A", "Q1", unit="kVArh"), day("20190601", [9] * 48),
        stream("B", "E1", unit="Wh"), day("20190601", [1000] * 48),
    )  # fmt: skip
    panel = read_nem12(path, tz="Australia/Brisbane")
    assert panel.data.loc["A", "observed_kw"].unique().tolist() == [3.0]
    assert panel.data.loc["B", "observed_kw"].unique().tolist() == [2.0]


def test_a_day_that_one_stream_lacks_within_its_own_span_is_not_metered(tmp_path: Path) -> None:
    days = ("20190601", "20190602", "20190603", "20190604")
    taken = [day(name, [2] * 48) for name in days]
    given = [day(name, [1] * 48) for name in (days[0], days[2])]
    path = write(tmp_path / "n.csv", stream("A", "E1"), *taken, stream("A", "B1"), *given)
    with pytest.warns(DataWarning, match="48 intervals have an import but no export, so they are not metered"):
        values = read_nem12(path, tz="Australia/Brisbane").data["observed_kw"].to_numpy()
    assert values[:48].tolist() == [2.0] * 48
    assert np.isnan(values[48:96]).all()
    assert values[96:144].tolist() == [2.0] * 48
    assert values[144:].tolist() == [4.0] * 48  # after its last day nothing is given


def test_what_is_no_actual_reading_is_told_value_by_value(tmp_path: Path) -> None:
    path = write(
        tmp_path / "n.csv",
        stream(), day("20190601", [1] * 48), day("20190602", [2] * 48, "S14"), day("20190603", [3] * 48, "V"),
        "400,1,24,A,,", "400,25,36,E52,,", "400,37,48,N,,",
        stream(suffix="B1"), day("20190601", [0.5] * 48, "F16"), day("20190602", [0] * 48), day("20190603", [0] * 48),
    )  # fmt: skip
    with pytest.warns(DataWarning, match="12 intervals have an export but no import"):
        panel = read_nem12(path, tz="Australia/Brisbane")
    # A net of two streams is estimated where one of them is.
    assert panel.data["estimated_share"].tolist()[:96] == [1.0] * 96
    assert panel.data["estimated_share"].tolist()[96:132] == [0.0] * 24 + [1.0] * 12
    assert panel.data["observed_kw"][132:].isna().all()
    with pytest.warns(DataWarning):
        longer = read_nem12(path, tz="Australia/Brisbane", step="8h")
    assert longer.data["estimated_share"].tolist()[6:8] == [0.0, 0.5]  # of 8-16 h the second half


def test_a_file_of_actual_readings_has_no_further_column(tmp_path: Path) -> None:
    panel = read_nem12(write(tmp_path / "n.csv", stream(), day("20190601", [1] * 48)), tz="Australia/Brisbane")
    assert panel.data.columns.tolist() == ["observed_kw"]


def test_import_and_export_are_kept_where_they_are_asked_for(tmp_path: Path) -> None:
    path = write(
        tmp_path / "n.csv",
        stream(), day("20190601", [1] * 48), day("20190602", [1] * 48), day("20190603", [1] * 48),
        stream(suffix="B1"), day("20190602", [2] * 48),
        stream("NMI2"), day("20190601", [3] * 48),
    )  # fmt: skip
    panel = read_nem12(path, tz="Australia/Brisbane", channels=True)
    rows = panel.data.loc["NMI1"].iloc[[0, 48, 96]]
    assert rows["observed_kw"].tolist() == [2, -2, 2]
    assert rows["import_kw"].tolist() == [2, 2, 2]
    assert rows["export_kw"].tolist() == [0, 4, 0]
    assert panel.data.loc["NMI2", ["import_kw", "export_kw"]].iloc[0].tolist() == [6, 0]
    np.testing.assert_allclose(panel.data["import_kw"] - panel.data["export_kw"], panel.data["observed_kw"])


def test_quality_flags_decide_what_was_metered(tmp_path: Path) -> None:
    records = [stream(), day("20190601", [1] * 48, "S14"), day("20190602", [1] * 48, "N"), day("20190603", [1] * 48, "V"),
               "400,1,20,A,,", "400,21,30,N,,", "400,31,48,E52,,"]  # fmt: skip
    values = read_nem12(write(tmp_path / "n.csv", *records), tz="Australia/Brisbane").data["observed_kw"].to_numpy()
    assert np.isnan(values[48:96]).all()
    assert np.flatnonzero(np.isnan(values[96:])).tolist() == list(range(20, 30))
    actual = read_nem12(write(tmp_path / "n.csv", *records), tz="Australia/Brisbane", qualities="A").data["observed_kw"]
    assert int(actual.notna().sum()) == 20


GOOD = day("20190601", [1] * 48)


@pytest.mark.parametrize(
    ("records", "end", "sentence"),
    [
        ([stream(), GOOD], None, "n.csv has no 900 record at its end, so it was cut short"),
        ([stream(), GOOD, "900", stream("B")], "900", "line 5 of n.csv follows the 900 record"),
        ([stream(), day("20190601", [1] * 47)], "900", "line 3 of n.csv: a day of 30 min intervals has 48 values"),
        ([stream(), day("20190601", [1] * 49)], "900", "the number of intervals is wrong"),
        ([stream(), day("20190601", ["x"] * 48)], "900", "line 3 of n.csv: .*'x'"),
        ([stream(), day("2019-06-01", [1] * 48)], "900", "line 3 of n.csv: .*2019-06-01"),
        ([stream(), day("20190601", [""] * 48)], "900", "a value is missing though the day is flagged 'A'"),
        (
            [stream(), GOOD, day("20190601", [2] * 48)],
            "900",
            "line 4 of n.csv: NMI NMI1 E1 has 2019-06-01 a second time",
        ),
        ([GOOD], "900", "line 2 of n.csv: a 300 record stands before any 200 record"),
        ([stream(minutes=60), GOOD], "900", "interval length '60' is not 5, 15 or 30"),
        ([stream(), GOOD, "400,1,48,A,,"], "900", "follows no 300 record of variable quality"),
        ([stream(), day("20190601", [1] * 48, "V"), "400,1,20,A,,"], "900", "cover 20 of 48 intervals"),
        ([stream(), day("20190601", [1] * 48, "V"), "400,2,48,A,,"], "900", "names the intervals after 0"),
        ([stream(), GOOD, "600,1"], "900", "line 4 of n.csv is a record '600'"),
        ([stream(suffix="Q1"), GOOD], "900", "holds no active energy"),
    ],
)
def test_bad_files_get_one_sentence(tmp_path: Path, records: list[str], end: str | None, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        read_nem12(write(tmp_path / "n.csv", *records, end=end), tz="Australia/Sydney")


def test_another_file_is_not_nem12(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("time,load_kw\n", encoding="utf-8")
    with pytest.raises(DataError, match="this is no NEM12 file"):
        read_nem12(path, tz="Australia/Sydney")
