"""What is wrong with a store is told in one sentence with the name of the file; the rest can be read."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cblcast.errors import DataError, DataWarning
from cblcast.io.options import ReaderOptions
from cblcast.io.store import open_store
from cblcast.io.store.layouts import has_day_rows
from cblcast.workflow.converting import convert


def days(lists: list, dates: list[str] | None = None, site: str = "a", **more) -> pa.Table:
    dates = dates or [f"2024-05-{number + 1:02d}" for number in range(len(lists))]
    return pa.table({"site_id": [site] * len(lists), "date": dates, "kw": lists, **more})


def read_all(path, **options):
    store = open_store(path, tz="Europe/Rome", **options)
    return [store.read_days(partition) for partition in store.partitions()]


def test_a_folder_without_files_and_a_path_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="holds no Parquet file: write some there"):
        open_store(tmp_path)
    (tmp_path / "meters.parquet").touch()
    with pytest.raises(DataError, match=r"there is no store .*did you mean 'meters\.parquet'"):
        open_store(tmp_path / "metres.parquet")
    with pytest.raises(DataError, match=r"meters\.parquet cannot be read as Parquet"):
        open_store(tmp_path / "meters.parquet")


def test_a_file_packed_as_a_whole_cannot_be_read_in_parts(tmp_path, frame):
    frame.to_parquet(tmp_path / "a.parquet", index=False)
    (tmp_path / "b.parquet.gz").write_bytes(gzip.compress((tmp_path / "a.parquet").read_bytes()))
    with pytest.raises(
        DataError, match=r"b\.parquet\.gz is packed as a whole, so it cannot be read in parts: unpack it"
    ):
        open_store(tmp_path)


def test_a_broken_file_is_named_and_the_rest_is_read(tmp_path, frame, meters):
    for number, site in enumerate(meters.sites):
        frame[frame["site_id"] == site].to_parquet(tmp_path / f"{number}.parquet", index=False)
    whole = (tmp_path / "2.parquet").read_bytes()
    (tmp_path / "2.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"2\.parquet cannot be read as Parquet .* write the file again"):
        open_store(tmp_path)
    store = open_store(tmp_path, tz=meters.tz, faults="keep")
    assert [fault.file for fault in store.faults] == ["2.parquet"]
    names = {name for partition in store.partitions() for name in store.read_days(partition).site_ids}
    assert names == set(meters.sites) - {"s002"}


def test_broken_readings_behind_a_whole_footer(tmp_path, frame):
    frame.to_parquet(tmp_path / "a.parquet", index=False, compression="zstd")
    content = bytearray((tmp_path / "a.parquet").read_bytes())
    content[4 : len(content) // 2] = bytes(len(content) // 2 - 4)
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.parquet is broken"):
        read_all(tmp_path)


def test_a_schema_that_changes_between_files(tmp_path, frame, meters):
    for number, site in enumerate(meters.sites):
        own = frame[frame["site_id"] == site]
        own = own.rename(columns={"kw": "kwh"}) if number == 1 else own
        own.to_parquet(tmp_path / f"{number}.parquet", index=False)
    wanted = r"1\.parquet has another schema than 0\.parquet: its column of the load is 'kwh', not 'kw'; write it like the others"
    with pytest.raises(DataError, match=wanted):
        open_store(tmp_path)
    assert len(open_store(tmp_path, faults="keep").footers) == 5


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda frame: frame.assign(time=frame["time"].dt.tz_localize(None)), "has times without a zone"),
        (lambda frame: frame.assign(time=frame["time"].astype(str)), "'time' holds .*string, not times"),
        (lambda frame: frame.rename(columns={"time": "when"}), "has the columns site_id, when, kw, and a store has"),
        (lambda frame: frame.assign(kw="much"), "does not say which column is the load"),
        (lambda frame: frame.rename(columns={"kw": "x"}), r"does not say which column is the load \(known are x\)"),
        (lambda frame: frame[["time"]], "no column of numbers"),
        (lambda frame: frame.iloc[:0], "holds no reading"),
    ],
)
def test_columns_that_are_no_store(tmp_path, frame, change, told):
    change(frame).to_parquet(tmp_path / "a.parquet", index=False)
    with pytest.raises(DataError, match=told):
        open_store(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda f: pd.concat([f, f.iloc[5:7]]),
            r"a\.parquet holds site 's000' twice at .* \(2 such readings\): keep one",
        ),
        (lambda f: f.assign(site_id=f["site_id"].where(f.index != 3)), r"a\.parquet has 1 rows without a site_id"),
        (lambda f: f.assign(time=f["time"].where(f.index != 3)), r"a\.parquet has 1 rows without a time"),
        (
            lambda f: f.assign(kw=f["kw"].where(f.index != 3, np.inf)),
            r"a\.parquet: site 's000' has an infinite reading",
        ),
        (
            lambda f: f[(f["site_id"] != "s002") | (f["time"].dt.hour % 2 == 0)],
            r"a\.parquet: site 's002' has another step",
        ),
    ],
)
def test_readings_that_cannot_be(tmp_path, frame, change, told):
    change(frame).to_parquet(tmp_path / "a.parquet", index=False)
    with pytest.raises(DataError, match=told):
        read_all(tmp_path / "a.parquet")


def test_files_of_two_steps(tmp_path, frame, meters):
    frame[frame["site_id"] < "s003"].to_parquet(tmp_path / "a.parquet", index=False)
    quarters = meters.readings("2024-04-01", "2024-04-05", "15min")
    quarters[quarters["site_id"] >= "s003"].to_parquet(tmp_path / "b.parquet", index=False)
    store = open_store(tmp_path, tz=meters.tz)
    first, second = store.partitions(1000)[0], store.partitions(1000)[-1]
    assert store.read_days(first).cube.values.shape[2] == 24
    wanted = r"b\.parquet is at steps of 15 min where the store .* is at 60 min: bring all files to one step"
    for read in (store.read_days, store.read_panel):
        with pytest.raises(DataError, match=wanted):
            read(second)
    with pytest.raises(DataError, match="steps of 15 min where"):
        read_all(tmp_path)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (
            days([[1.0] * 24, [1.0] * 23]),
            r"2024-05-02 of site 'a' has 23 readings, not 24 \(1 such days\): write a whole day",
        ),
        (days([[1.0] * 24] * 2 + [[1.0] * 96]), "2024-05-03 of site 'a' has 96 readings, not 24"),
        (days([[1.0] * 23] * 3), "has days of 23 readings, and a step must divide the day"),
        (
            days([[1.0] * 24] * 2, ["2024-05-01"] * 2),
            r"a\.parquet holds 2024-05-01 of site 'a' twice \(1 such days\): keep one",
        ),
        (days([[1.0] * 24] * 2, ["2024-05-01", "May"]), "'date' holds .*, not dates"),
        (days([[1.0] * 23 + [np.inf]]), r"site 'a' has an infinite reading on 2024-05-01"),
    ],
)
def test_days_that_cannot_be(tmp_path, table, told):
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(DataError, match=told):
        read_all(tmp_path / "a.parquet")


def test_a_day_in_two_files(tmp_path):
    pq.write_table(days([[1.0] * 24] * 2), tmp_path / "a.parquet")
    pq.write_table(days([[1.0] * 24] * 2, ["2024-05-02", "2024-05-03"]), tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"a\.parquet and b\.parquet hold 2024-05-02 of site 'a' twice"):
        read_all(tmp_path)


def test_an_unknown_zone(tmp_path, frame, meters):
    frame.to_parquet(tmp_path / "a.parquet", index=False)
    store = open_store(tmp_path / "a.parquet")
    (partition,) = store.partitions()
    some = pd.DataFrame({"tz": ["Europe/Rome", None]}, index=pd.Index(["s000", "s001"], name="site_id"))
    for sites, name in ((None, "s000"), (some, "s001")):
        for read in (store.read_days, store.read_panel):
            with pytest.raises(DataError, match=rf"the time zone of site '{name}' of a\.parquet is unknown"):
                read(partition, sites)
    with pytest.raises(DataError, match="is no IANA time zone"):
        open_store(tmp_path / "a.parquet", tz="Rome").read_days(partition)


def test_wishes_that_cannot_be(tmp_path, frame, meters):
    frame.to_parquet(tmp_path / "a.parquet", index=False)
    store = open_store(tmp_path / "a.parquet", tz=meters.tz)
    (partition,) = store.partitions()
    with pytest.raises(DataError, match="'soon' is no day: write it like 2024-07-01"):
        store.read_days(partition, None, "soon")
    with pytest.raises(DataError, match="has no zone: write it like"):
        store.read_panel(partition, None, "2024-03-30")
    with pytest.raises(DataError, match="has no column 'temp_air_c' beside the load"):
        store.read_panel(partition, columns=["temp_air_c"])
    for read in (
        lambda: store.read_days(partition, None, "2030-01-01"),
        lambda: store.read_panel(partition, None, "2030-01-01T00:00Z"),
    ):
        with pytest.raises(DataError, match=r"partition 00000 of a\.parquet holds nothing of what was asked for"):
            read()
    with pytest.raises(DataError, match="positive number of bytes"):
        store.partitions(0)
    with pytest.raises(DataError, match="'soon' is no instant"):
        store.read_panel(partition, None, "soon")


def test_a_wide_store_in_other_units(tmp_path, frame):
    wide = frame.pivot_table(index="time", columns="site_id", values="kw").add_suffix("_mwh").reset_index()
    wide.to_parquet(tmp_path / "wide.parquet", index=False)
    with pytest.raises(
        DataError, match=r"wide\.parquet: column 's000_mwh' is in MWh, and a wide store holds kW: convert it"
    ):
        open_store(tmp_path / "wide.parquet")


def test_the_day_of_a_clock_change_alone(tmp_path, frame, meters):
    pq.write_table(meters.day_table(frame), tmp_path / "days.parquet", row_group_size=1)
    (partition,) = open_store(tmp_path, tz=meters.tz).partitions()
    found = open_store(tmp_path, tz=meters.tz).read_days(partition, None, "2024-03-31", "2024-03-31")
    assert found.cube.values.shape == (6, 1, 24)
    assert np.isnan(found.cube.values[:, 0, 2]).all()


def test_ids_that_are_numbers_in_one_file_and_text_in_others(tmp_path):
    for number, site in enumerate(["a", "b", 7]):
        frame = pd.DataFrame({"site_id": [site] * 2, "date": ["2024-05-01", "2024-05-02"], "kw": [[1.0] * 24] * 2})
        frame.to_parquet(tmp_path / f"{number}.parquet", index=False)
    store = open_store(tmp_path, tz="Europe/Rome", faults="keep")
    assert [fault.reason for fault in store.faults] == [
        "2.parquet has another schema than 0.parquet: its kind of site ids is 'whole numbers', not 'text'; write it like the others, "
        "or take it out of the store"
    ]
    assert len(store.partitions()) == 1


def test_links_are_followed_and_a_link_to_nothing_is_named(tmp_path, frame, caplog):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "store").mkdir()
    frame[frame["site_id"] == "s001"].to_parquet(tmp_path / "elsewhere" / "b.parquet", index=False)
    frame[frame["site_id"] == "s000"].to_parquet(tmp_path / "store" / "a.parquet", index=False)
    (tmp_path / "store" / "2024").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "store" / "round").symlink_to(tmp_path / "store")
    (tmp_path / "store" / "c.parquet").symlink_to(tmp_path / "nowhere.parquet")
    (tmp_path / "store" / "more.csv").write_text("site_id,time,kw\n")
    with caplog.at_level("INFO", logger="cblcast.io"):
        store = open_store(tmp_path / "store", tz="Europe/Rome", faults="keep")
    assert [footer.file for footer in store.footers] == ["2024/b.parquet", "a.parquet"]
    assert [fault.file for fault in store.faults] == ["c.parquet"]
    assert "cannot be read as Parquet" in store.faults[0].reason
    assert "store: left out, since no Parquet: more.csv (1 such files)" in caplog.text


def test_zones_of_files_that_contradict_are_told(tmp_path):
    for number, zone in enumerate(["Europe/Rome", "Europe/London"]):
        table = days([[1.0] * 24] * 2, site="ab"[number]).replace_schema_metadata({"cblcast:tz": zone})
        pq.write_table(table, tmp_path / f"{number}.parquet")
    with pytest.warns(
        DataWarning, match=r"sites in Europe/Rome \(0\.parquet\) and Europe/London \(1\.parquet\): give the zone"
    ):
        assert open_store(tmp_path).tz is None
    with pytest.warns(
        DataWarning, match=r"1\.parquet of .* was written for sites in Europe/London, and is read as of Europe/Rome"
    ):
        assert open_store(tmp_path, tz="Europe/Rome").tz == "Europe/Rome"


def test_a_reading_that_has_rotted_in_a_converted_store_is_no_reading(tmp_path, frame):
    frame.rename(columns={"kw": "observed_kw"}).to_parquet(tmp_path / "long.parquet", index=False)
    convert([tmp_path / "long.parquet"], tmp_path / "days.parquet", "days", options=ReaderOptions(tz="Europe/Rome"))
    content = bytearray((tmp_path / "days.parquet").read_bytes())
    chunk = pq.read_metadata(tmp_path / "days.parquet").row_group(0).column(2)
    assert chunk.path_in_schema.startswith("observed_kw")
    content[(chunk.dictionary_page_offset or chunk.data_page_offset) + chunk.total_compressed_size // 2] ^= 0x40
    (tmp_path / "days.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"days\.parquet is broken"):
        read_all(tmp_path / "days.parquet")


def test_sites_that_are_numbers_in_one_file_and_text_in_another_are_a_change_of_schema(tmp_path, frame):
    rows = frame.assign(site_id=frame["site_id"].str[1:].astype(int))
    first = rows["site_id"] < 3
    rows[first].to_parquet(tmp_path / "a.parquet", index=False)
    rows[~first].assign(site_id=rows["site_id"].astype(str)).to_parquet(tmp_path / "b.parquet", index=False)
    with pytest.raises(
        DataError, match=r"b\.parquet has another schema than a\.parquet: its kind of site ids is 'text'"
    ):
        open_store(tmp_path)
    (only,) = read_all(tmp_path, faults="keep")
    assert list(only.site_ids) == ["0", "1", "2"]


def test_long_rows_with_a_list_beside_them_are_no_day_rows(tmp_path, frame):
    frame.assign(tags=[[1, 2]] * len(frame)).to_parquet(tmp_path / "long.parquet", index=False)
    day = pd.DataFrame({"site_id": ["a"], "date": ["2024-05-01"], "kw": [[1.0] * 24]})
    day.to_parquet(tmp_path / "days.parquet", index=False)
    (tmp_path / "none.parquet").write_bytes(b"PAR1")
    found = [has_day_rows(tmp_path / f"{name}.parquet") for name in ("long", "days", "none", "missing")]
    assert found == [False, True, False, False]
