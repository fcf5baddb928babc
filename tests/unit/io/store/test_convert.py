"""Converted into another layout and back, a store gives the same numbers; what is lost on the way is told, or nothing is written."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.errors import DataError, DataWarning, StudyError
from cblcast.frames.panel import Panel, panel_of
from cblcast.io.formats import read_meter
from cblcast.io.options import ReaderOptions
from cblcast.io.store import open_store
from cblcast.workflow.converting import convert

ROME = ReaderOptions(tz="Europe/Rome")


def panel_of_store(path, bytes_at_once: int = 20_000, **options) -> pd.DataFrame:
    store = open_store(path, **options)
    return pd.concat([store.read_panel(partition).data for partition in store.partitions(bytes_at_once)]).sort_index()


@pytest.mark.parametrize("layout", ["long", "days", "wide"])
@pytest.mark.parametrize("one_file", [True, False])
def test_every_layout_becomes_every_other(store_of_a_layout, frame, meters, tmp_path, layout, one_file):
    out = tmp_path / ("new.parquet" if one_file else "new")
    made = convert([store_of_a_layout], out, layout, options=ROME, bytes_at_once=10**9 if one_file else 20_000)
    assert (made.sites, made.readings, made.step_min, made.notes) == (6, len(frame), 60.0, [])
    store = open_store(out)
    assert store.layout == layout
    assert store.tz == "Europe/Rome"
    assert store.rows == made.rows
    assert len(store.footers) == made.files
    wanted = meters.panel(frame).data
    found = panel_of_store(out)
    assert found.index.equals(wanted.index)
    assert np.array_equal(found["observed_kw"], wanted["observed_kw"])
    assert [path.name for path in tmp_path.iterdir()] == [out.name]  # no draft is left


@st.composite
def portfolios(draw) -> Panel:
    """Meters of one or two zones and any step, that begin and end when they like, with gaps, over a clock change."""
    step = draw(st.sampled_from([15, 30, 60]))
    zones = draw(st.sampled_from([("Europe/Rome",), ("America/New_York", "Asia/Kolkata"), ("Australia/Lord_Howe",)]))
    change = draw(st.sampled_from(["2024-03-10", "2024-03-31", "2024-10-27", "2024-11-03", "2024-04-06"]))
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    parts = []
    for number in range(draw(st.integers(1, 4))):
        length = draw(st.integers(30, 60 * 24 * 4 // step))
        # Steps of a zone half an hour off UTC begin on its own grid.
        start = pd.Timestamp(change, tz="UTC") - pd.Timedelta(
            draw(st.integers(0, 90)) * 30 * (2 if step == 60 else 1), unit="min"
        )
        times = pd.date_range(start, periods=length, freq=f"{step}min").as_unit("us")
        kw = rng.normal(size=length).astype(np.float32)
        kw[1:-1][rng.random(length - 2) < 0.1] = np.nan
        parts.append(pd.DataFrame({"site_id": f"s{number}", "time": times, "observed_kw": kw}))
    panel = panel_of(pd.concat(parts))
    sites = panel.sites.assign(tz=[zones[number % len(zones)] for number in range(len(panel.sites))])
    return Panel(panel.data, sites)


@settings(max_examples=8, deadline=None)
@given(portfolios(), st.permutations(["long", "days", "wide"]), st.integers(20, 400))
def test_there_and_back_are_the_same_numbers(tmp_path_factory, panel, layouts, rows_per_group):
    folder = tmp_path_factory.mktemp("there")
    source = panel.data.reset_index()
    if panel.step_us == 3_600_000_000 and {"Asia/Kolkata", "Australia/Lord_Howe"} & set(panel.sites["tz"]):
        return  # an hour that begins at half past is no slot of a day: the panel itself could not be cut into days
    source.to_parquet(folder / "0.parquet", index=False)
    options = ReaderOptions(sites=panel.sites.reset_index())
    at = folder / "0.parquet"
    for number, layout in enumerate([*layouts, "long"], 1):
        made = convert(
            [at], folder / f"{number}", layout, options=options, rows_per_group=rows_per_group, bytes_at_once=20_000
        )
        assert made.readings == np.isfinite(panel.data["observed_kw"]).sum()
        at, options = folder / f"{number}", ReaderOptions()
    found = panel_of_store(at)
    assert found.index.equals(panel.data.index)
    assert np.array_equal(found["observed_kw"], panel.data["observed_kw"], equal_nan=True)
    store = open_store(at)
    for partition in store.partitions():
        days = store.read_days(partition)
        wanted = panel.cube().values[panel.site_ids.get_indexer(days.site_ids)]
        first = days.cube.first_day - panel.cube().first_day
        assert np.array_equal(days.cube.values, wanted[:, first : first + days.cube.n_days], equal_nan=True)


@pytest.mark.parametrize(
    ("date", "zone", "step"),
    [("2024-03-31", "Europe/Rome", 15), ("2024-10-27", "Europe/Rome", 60), ("2024-04-07", "Australia/Lord_Howe", 30)],
)
def test_a_store_of_the_one_day_on_which_the_clock_changes_says_its_step(tmp_path, date, zone, step):
    begin, end = (pd.Timestamp(day, tz=zone) for day in (date, pd.Timestamp(date) + pd.Timedelta("1D")))
    times = pd.date_range(begin, end, freq=f"{step}min", inclusive="left").tz_convert("UTC").as_unit("us")
    kw = np.arange(len(times), dtype=np.float32)
    pd.DataFrame({"site_id": "a", "time": times, "observed_kw": kw}).to_parquet(tmp_path / "long.parquet", index=False)
    convert([tmp_path / "long.parquet"], tmp_path / "days", "days", options=ReaderOptions(tz=zone))
    found = panel_of_store(tmp_path / "days")
    assert found.index.get_level_values("time").equals(times)
    assert np.array_equal(found["observed_kw"], kw)


def test_hours_that_a_day_of_half_an_hour_more_cuts_are_no_day_rows(tmp_path):
    times = pd.date_range("2024-04-06", periods=38, freq="h", tz="UTC").as_unit("us")
    pd.DataFrame({"site_id": "a", "time": times, "observed_kw": 1.0}).to_parquet(tmp_path / "long.parquet", index=False)
    with pytest.raises(
        DataError, match=r"readings at 60 min are of days that end 30 min beside the clock of Australia/Lord_Howe"
    ):
        convert([tmp_path / "long.parquet"], tmp_path / "days", "days", options=ReaderOptions(tz="Australia/Lord_Howe"))
    assert not (tmp_path / "days").exists()


def test_meter_files_become_a_store(frame, meters, tmp_path):
    """Files of months, in another unit and under foreign names: what a reader reads."""
    local = frame.assign(
        Zeit=frame["time"].dt.tz_convert("UTC").dt.strftime("%Y-%m-%dT%H:%MZ"), Zaehler=frame["site_id"]
    )
    for month, rows in local.groupby(frame["time"].dt.strftime("%m")):
        named = rows.assign(**{"Last [W]": rows["kw"] * 1000})[["Zaehler", "Zeit", "Last [W]"]]
        named.to_csv(tmp_path / f"{month}.csv", index=False)
    options = ReaderOptions(
        tz=meters.tz, columns={"Zaehler": "site_id", "Zeit": "time", "Last [W]": "observed_kw"}, unit="W"
    )
    made = convert([tmp_path / "03.csv", tmp_path / "04.csv"], tmp_path / "days.parquet", "days", options=options)
    assert made.sites == 6
    found = panel_of_store(tmp_path / "days.parquet")
    assert np.allclose(found["observed_kw"], frame["kw"], rtol=1e-6)


def test_row_groups_can_be_skipped_by_site_and_by_month(meters, tmp_path):
    frame = meters.readings("2024-01-01", "2024-07-01")
    frame.to_parquet(tmp_path / "long.parquet", index=False)
    convert([tmp_path / "long.parquet"], tmp_path / "days.parquet", "days", options=ROME, rows_per_group=70)
    metadata = pq.read_metadata(tmp_path / "days.parquet")
    assert metadata.num_row_groups == 18  # two sites, one month
    groups = [group for footer in open_store(tmp_path / "days.parquet").footers for group in footer.groups]
    assert {group.sites for group in groups} == {("s000", "s001"), ("s002", "s003"), ("s004", "s005")}
    assert all((group.span[1] - group.span[0]) < 31 for group in groups)
    convert([tmp_path / "long.parquet"], tmp_path / "whole.parquet", "days", options=ROME)
    assert pq.read_metadata(tmp_path / "whole.parquet").num_row_groups == 1


def test_weather_goes_to_long_rows_alone(frame, tmp_path):
    frame.assign(temp_air_c=1.5).to_parquet(tmp_path / "long.parquet", index=False)
    assert convert([tmp_path / "long.parquet"], tmp_path / "again", "long", options=ROME).notes == []
    assert (panel_of_store(tmp_path / "again")["temp_air_c"] == 1.5).all()
    made = convert([tmp_path / "long.parquet"], tmp_path / "days", "days", options=ROME)
    assert [note.text for note in made.notes] == [
        "1 columns beside the load go to long rows alone, and are left out: temp_air_c"
    ]


def test_several_steps_become_one(frame, meters, tmp_path):
    frame[frame["site_id"] < "s003"].to_parquet(tmp_path / "a.parquet", index=False)
    quarters = meters.readings("2024-03-20", "2024-04-10", "15min")
    pq.write_table(meters.day_table(quarters[quarters["site_id"] >= "s003"]), tmp_path / "b.parquet")
    options = ROME.but(step="60min")
    made = convert([tmp_path / "a.parquet", tmp_path / "b.parquet"], tmp_path / "days", "days", options=options)
    assert made.step_min == 60
    assert made.sites == 6
    found = panel_of_store(tmp_path / "days")["observed_kw"].to_numpy()
    half = quarters[quarters["site_id"] >= "s003"]["kw"].to_numpy().reshape(-1, 4).mean(1)
    assert np.allclose(found[-len(half) :], half, rtol=1e-6)


def test_what_cannot_be_converted_leaves_nothing(frame, meters, tmp_path):
    source = tmp_path / "long.parquet"
    frame.to_parquet(source, index=False)
    out = tmp_path / "out"
    with pytest.raises(StudyError, match="unknown layout 'day': did you mean 'days'"):
        convert([source], out, "day", options=ROME)
    with pytest.raises(StudyError, match="is the file of METER 1, which would be lost"):
        convert([source], source, "days", options=ROME)
    with pytest.raises(StudyError, match="holds files already: choose another name"):
        convert([source], tmp_path, "days", options=ROME)
    with pytest.raises(DataError, match=r"the time zone of site 's000' of .* is unknown"):
        convert([source], out, "days")
    with pytest.raises(
        DataError, match=r"site 's000' lies in 000000 long\.parquet and 000001 long\.parquet .*nothing is converted"
    ):
        convert([source, source], out, "days", options=ROME)
    buckets = tmp_path / "buckets"
    buckets.mkdir()
    for number in (0, 1):
        frame[frame["site_id"].isin(meters.sites[number::2])].to_parquet(buckets / f"{number}.parquet", index=False)
    with pytest.raises(StudyError, match="mix their sites over files: name a folder for --out, not the one file out"):
        convert([buckets], tmp_path / "out.parquet", "days", options=ROME)
    assert convert([buckets], out, "days", options=ROME).sites == 6
    frame[frame["site_id"] == "s003"].to_parquet(buckets / "2.parquet", index=False)
    with pytest.raises(DataError, match=r"site 's003' lies in 1\.parquet and 2\.parquet .*nothing is converted"):
        convert([buckets], tmp_path / "more", "days", options=ROME)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["buckets", "long.parquet", "out"]


def test_readings_beside_the_wall_clock_are_no_day_rows(frame, tmp_path):
    # Hours of UTC begin at :30 in India: a list of loads a day would move them by half an hour.
    source = tmp_path / "long.parquet"
    frame.to_parquet(source, index=False)
    with pytest.raises(DataError, match=r"begin 30 min beside the clock of Asia/Kolkata.*--layout long"):
        convert([source], tmp_path / "days", "days", options=ReaderOptions(tz="Asia/Kolkata"))
    assert not (tmp_path / "days").exists()


def test_progress_counts_what_is_read_and_what_is_written(store_of_a_layout, frame, meters, tmp_path):
    class Watch:
        def __init__(self):
            self.totals, self.done = [], []

        def expect(self, total, what):
            self.totals.append((total, what))

        def advance(self, count, what):
            self.done.append((count, what))

    watch = Watch()
    convert([store_of_a_layout], tmp_path / "new", "long", options=ROME, bytes_at_once=3_000, progress=watch)
    parts = len(watch.done)
    assert parts > 1
    assert watch.totals == [(parts, "writing")]
    assert watch.done == [(1, f"{number} of {parts} parts") for number in range(1, parts + 1)]
    frame.rename(columns={"kw": "observed_kw"}).to_csv(tmp_path / "meter.csv", index=False)
    watch = Watch()
    convert([tmp_path / "meter.csv"], tmp_path / "third", "days", options=ROME, progress=watch)
    assert watch.totals == [(1, "reading"), (2, "writing")]
    assert watch.done == [(1, "meter.csv"), (1, "1 of 1 parts")]


def test_meters_beside_one_another_s_times_are_no_wide_table(tmp_path):
    times = pd.date_range("2024-05-01", periods=72, freq="h", tz="UTC")
    late = [times, times + pd.Timedelta("30min")]
    rows = pd.concat(
        [pd.DataFrame({"site_id": site, "time": own, "kw": 1.0}) for site, own in zip("ab", late, strict=True)]
    )
    rows.to_parquet(tmp_path / "in.parquet", index=False)
    with pytest.raises(
        DataError, match=r"site 'b' is metered 30 min beside site 'a' at steps of 60 min.*--layout long"
    ):
        convert([tmp_path / "in.parquet"], tmp_path / "out", "wide", options=ReaderOptions(tz="Asia/Kolkata"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("layout", ["long", "wide"])
def test_a_converted_file_that_is_read_whole_knows_its_zone_too(frame, meters, tmp_path, layout):
    frame.to_parquet(tmp_path / "meter.parquet", index=False)
    out = tmp_path / "new.parquet"
    convert([tmp_path / "meter.parquet"], out, layout, options=ROME)
    found = read_meter(out)
    assert set(found.sites["tz"]) == {"Europe/Rome"}
    assert np.array_equal(found.data["observed_kw"], meters.panel(frame).data["observed_kw"])
    with pytest.warns(DataWarning, match=r"new.parquet was written for sites in Europe/Rome, and is read as of UTC"):
        assert set(read_meter(out, tz="UTC").sites["tz"]) == {"UTC"}
