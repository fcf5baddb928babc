"""A store gives the same cube and the same panel in whatever layout it is, and in however many parts."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cblcast.errors import DataError, DataWarning
from cblcast.io.store import MeterStore, open_store

SMALL = 20_000  # bytes: some parts of each store


def cube_of(store: MeterStore, bytes_at_once: int = SMALL, **wishes) -> np.ndarray:
    """The cubes of all parts, one below the other in the order of the sites."""
    parts = [store.read_days(partition, **wishes) for partition in store.partitions(bytes_at_once)]
    names = np.concatenate([part.site_ids.to_numpy(dtype=object) for part in parts])
    assert len(set(names)) == len(names)
    order = np.argsort([int(name) if name.isdigit() else 0 for name in names], kind="stable")
    order = order if names[0].isdigit() else np.argsort(names)
    return np.concatenate([part.cube.values for part in parts])[order]


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and np.array_equal(a, b, equal_nan=True)


@pytest.mark.parametrize("size", [1, SMALL, 10**9])
def test_every_layout_gives_the_cube_of_the_long_frame(store_of_a_layout, frame, meters, size):
    store = open_store(store_of_a_layout, tz=meters.tz)
    assert store.layout == store_of_a_layout.stem
    assert len(store.partitions(1)) > 1
    assert len(store.partitions(10**9)) == 1
    assert same(cube_of(store, size), meters.panel(frame).cube().values)


def test_every_layout_gives_the_panel(store_of_a_layout, frame, meters):
    store = open_store(store_of_a_layout, tz=meters.tz)
    found = pd.concat([store.read_panel(partition).data for partition in store.partitions(SMALL)])
    wanted = meters.panel(frame).data
    assert found.index.equals(wanted.index)
    assert same(found["observed_kw"].to_numpy(np.float64), wanted["observed_kw"].to_numpy(np.float64))


def test_a_span_and_some_sites_are_read_alone(store_of_a_layout, frame, meters):
    store = open_store(store_of_a_layout)
    whole = meters.panel(frame).cube()
    sites = pd.DataFrame({"tz": meters.tz}, index=pd.Index(["s004", "s001", "elsewhere"], name="site_id"))
    (partition,) = store.partitions(10**9)
    found = store.read_days(partition, sites, "2024-03-30", "2024-04-01")
    assert list(found.site_ids) == ["s001", "s004"]
    assert list(found.cube.days.astype(str)) == ["2024-03-30", "2024-03-31", "2024-04-01"]
    first = found.cube.first_day - whole.first_day
    assert same(found.cube.values, whole.values[[1, 4], first : first + 3])
    panel = store.read_panel(partition, sites, "2024-03-30T23:00Z", "2024-03-31T02:00Z")
    assert len(panel.data) == 6
    assert panel.site_ids.tolist() == ["s001", "s004"]


def test_a_store_and_its_parts_can_be_sent_to_others(store_of_a_layout, meters):
    store = open_store(store_of_a_layout, tz=meters.tz)
    there, parts = pickle.loads(pickle.dumps((store, store.partitions(SMALL))))  # noqa: S301
    assert parts == store.partitions(SMALL)
    assert same(there.read_days(parts[0]).cube.values, store.read_days(parts[0]).cube.values)


def test_row_groups_outside_the_span_are_not_touched(frame, meters, tmp_path):
    months = tmp_path / "months"
    months.mkdir()
    for month, rows in frame.groupby(frame["time"].dt.strftime("%Y-%m")):
        rows.to_parquet(months / f"{month}.parquet", index=False, row_group_size=700)
    store = open_store(months, tz=meters.tz)
    assert same(cube_of(store), meters.panel(frame).cube().values)
    (months / "2024-03.parquet").write_bytes(b"no longer a file of readings")
    (partition,) = store.partitions(10**9)
    found = store.read_days(partition, first_day="2024-04-05")
    assert same(found.cube.values, meters.panel(frame).cube().values[:, -5:])
    with pytest.raises(DataError, match=r"2024-03\.parquet is broken"):
        store.read_days(partition)


def test_folders_may_name_the_sites(frame, meters, tmp_path):
    for site, rows in frame.groupby("site_id"):
        folder = tmp_path / "by_site" / f"site_id={site}"
        folder.mkdir(parents=True)
        rows.drop(columns="site_id").to_parquet(folder / "part.parquet", index=False)
    store = open_store(tmp_path / "by_site", tz=meters.tz)
    assert same(cube_of(store), meters.panel(frame).cube().values)


def test_buckets_that_mix_their_sites_are_each_a_part(frame, meters, tmp_path):
    buckets = tmp_path / "buckets"
    buckets.mkdir()
    for number in (0, 1):
        frame[frame["site_id"].isin(meters.sites[number::2])].to_parquet(buckets / f"{number}.parquet", index=False)
    store = open_store(buckets, tz=meters.tz)
    assert same(cube_of(store), meters.panel(frame).cube().values)
    frame[frame["site_id"] == "s003"].to_parquet(buckets / "2.parquet", index=False)
    store = open_store(buckets, tz=meters.tz)
    with pytest.warns(DataWarning, match=r"site 's003' lies in 1\.parquet and 2\.parquet \(1 such sites of buckets\)"):
        parts = store.partitions()
    assert [part.left_out for part in parts] == [(), ("s003",), ("s003",)]
    assert list(store.read_days(parts[1]).site_ids) == ["s001", "s005"]
    with pytest.raises(DataError, match="holds nothing of what was asked for"):
        store.read_days(parts[2])


def test_sites_may_be_whole_numbers_and_rows_in_any_order(frame, meters, tmp_path):
    numbered = frame.assign(site_id=np.repeat(np.arange(8, 14), len(frame) // 6))  # 8, 9, 10 …: not the order of text
    numbered.sort_values(["time", "site_id"]).to_parquet(tmp_path / "numbers.parquet", index=False, row_group_size=900)
    store = open_store(tmp_path / "numbers.parquet", tz=meters.tz)
    assert same(cube_of(store), meters.panel(frame).cube().values)


def test_gaps_and_sites_of_several_zones_are_scattered(frame, meters, tmp_path):
    some = frame[np.random.default_rng(1).random(len(frame)) > 0.2]
    some.to_parquet(tmp_path / "gaps.parquet", index=False, row_group_size=700)
    store = open_store(tmp_path / "gaps.parquet", tz=meters.tz)
    assert same(cube_of(store), meters.panel(some).cube().values)
    zones = pd.DataFrame({"tz": ["Europe/Rome", "Europe/London"] * 3}, index=pd.Index(meters.sites, name="site_id"))
    frame.to_parquet(tmp_path / "zones.parquet", index=False, row_group_size=10**6)
    store = open_store(tmp_path / "zones.parquet")
    (partition,) = store.partitions()
    found = store.read_days(partition, zones)
    panel = store.read_panel(partition, zones)
    assert found.cube.first_day == panel.cube().first_day
    assert same(found.cube.values, panel.cube().values)


@pytest.mark.parametrize(
    "of", [pa.list_(pa.float64()), pa.large_list(pa.float32()), pa.list_(pa.float32(), 24)], ids=str
)
def test_lists_of_every_kind(meters, tmp_path, of):
    frame = meters.readings("2024-05-01", "2024-05-08")
    pq.write_table(meters.day_table(frame, of), tmp_path / "days.parquet")
    store = open_store(tmp_path / "days.parquet", tz=meters.tz)
    assert same(cube_of(store), meters.panel(frame).cube().values)


def test_a_day_without_readings_is_not_metered(meters, tmp_path):
    frame = meters.readings("2024-05-01", "2024-05-04")
    table = meters.day_table(frame)
    lists = table["kw"].to_pylist()
    lists[1], lists[4][3] = None, None
    pq.write_table(table.set_column(2, "kw", pa.array(lists, pa.list_(pa.float32()))), tmp_path / "days.parquet")
    found = cube_of(open_store(tmp_path / "days.parquet", tz=meters.tz))
    wanted = meters.panel(frame).cube().values.copy()
    wanted[0, 1], wanted[1, 1, 3] = np.nan, np.nan
    assert same(found, wanted)


def test_days_of_clock_changes_may_be_told_by_wall_clock(meters, tmp_path):
    frame = meters.readings("2024-03-29", "2024-04-02")
    cube = meters.panel(frame).cube().values
    rows = [(site, f"2024-03-{day}") for site in meters.sites for day in (29, 30, 31)]
    lists = [list(map(float, cube[number, at])) for number in range(6) for at in range(3)]
    lists[2][2] = 7.0  # 02:30 did not pass on that day
    table = {"site_id": [row[0] for row in rows], "date": [row[1] for row in rows], "kwh": lists}
    pq.write_table(pa.table(table), tmp_path / "wall.parquet")
    store = open_store(tmp_path / "wall.parquet", tz=meters.tz)
    (partition,) = store.partitions()
    found = store.read_days(partition)
    assert same(found.cube.values, cube[:, :3])
    assert [note.text for note in found.notes] == [
        "wall.parquet: 1 readings of 2024-03-31 stand in the hour that spring skips, and are left out"
    ]
    with pytest.warns(DataWarning, match="1 readings of 2024-03-31 stand in the hour that spring skips"):
        panel = store.read_panel(partition)
    assert same(panel.cube().values, cube[:, :3])
    assert len(panel.data) == 6 * 71
    autumn = pa.table(
        {"site_id": ["a"] * 2, "date": ["2024-10-26", "2024-10-27"], "kwh": [list(map(float, range(24)))] * 2}
    )
    pq.write_table(autumn, tmp_path / "autumn.parquet")
    store = open_store(tmp_path / "autumn.parquet", tz=meters.tz)
    (partition,) = store.partitions()
    assert (
        "1 days of 2024-10-27, when the clock changes, are read by wall clock"
        in store.read_days(partition).notes[0].text
    )
    panel = store.read_panel(partition)
    assert len(panel.data) == 49
    assert same(panel.cube().values, store.read_days(partition).cube.values)


def test_energies_become_power(meters, tmp_path):
    frame = meters.readings("2024-05-01", "2024-05-04", "15min")
    energies = frame.assign(kwh=frame["kw"] / 4).drop(columns="kw")
    energies.to_parquet(tmp_path / "kwh.parquet", index=False)
    store = open_store(tmp_path / "kwh.parquet", tz=meters.tz)
    (partition,) = store.partitions()
    assert same(store.read_days(partition).cube.values, meters.panel(frame).cube().values)
    assert same(store.read_panel(partition).data["observed_kw"].to_numpy(), frame["kw"].to_numpy())


def test_foreign_names_are_told(meters, frame, tmp_path):
    theirs = frame.rename(columns={"site_id": "meter", "time": "read_at", "kw": "load"})
    theirs.to_parquet(tmp_path / "theirs.parquet", index=False)
    columns = {"meter": "site_id", "read_at": "time", "load": "observed_kw"}
    store = open_store(tmp_path / "theirs.parquet", tz=meters.tz, columns=columns)
    assert same(cube_of(store), meters.panel(frame).cube().values)


def test_a_reading_a_day_is_kept_on_the_days_of_clock_changes(tmp_path):
    dates = pd.date_range("2024-03-25", periods=14).date
    rows = pa.table(
        {"site_id": ["a"] * 14, "date": pa.array(dates, pa.date32()), "kw": [[float(day)] for day in range(14)]}
    )
    pq.write_table(rows, tmp_path / "a.parquet")
    store = open_store(tmp_path, tz="Europe/Rome")
    (days,) = (store.read_days(partition) for partition in store.partitions())
    assert days.cube.values[0, :, 0].tolist() == list(range(14))
    assert not days.notes
