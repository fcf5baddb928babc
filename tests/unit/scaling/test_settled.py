"""A settlement of a store: the same as of the panel in one process, whoever does it and however the store is laid out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from cblcast import datasets
from cblcast.errors import DataError
from cblcast.io.store import open_store
from cblcast.programs.asking import load_programs
from cblcast.scaling import Asked, settle_store
from cblcast.scaling.tables import read_part, write_part
from cblcast.settlement import Resources, Wishes, settle
from cblcast.settlement.conductor import settle_part
from cblcast.settlement.part_tables import part_of, tables_of
from cblcast.value.contract import Contract

# pandas silences warnings of its own by filters that all threads share: another thread may hear them.
pytestmark = pytest.mark.filterwarnings("ignore:Series.values returning an ndarray that drops timezone")

SITES = ["b1", "b14", "b22", "b23"]
RULES = ["caiso_10in10", "pjm_economic"]
SMALL = 1  # bytes at once: a partition for every row group


@pytest.fixture(scope="module")
def panel():
    whole = datasets.load("cambridge_sme").select(SITES)
    data = whole.data.loc[pd.IndexSlice[:, "2019-03-20":"2019-06-30"], ["observed_kw"]]
    return type(whole)(data, whole.sites)


@pytest.fixture(scope="module")
def events():
    starts = pd.to_datetime(["2019-06-11T17:00+01:00", "2019-06-20T17:00+01:00"], utc=True)
    rows = [(site, start, start + pd.Timedelta("3h")) for site in [*SITES, "b99"] for start in starts]
    return pd.DataFrame(rows, columns=["site_id", "start", "stop"])


@pytest.fixture(scope="module")
def folder(panel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    rows = panel.data.reset_index()
    for number, own in enumerate((SITES[:2], SITES[2:])):
        write(rows[rows["site_id"].isin(own)], folder / f"part{number}.parquet")
    return folder


def write(rows: pd.DataFrame, path) -> None:
    """Row groups of one site each."""
    path.parent.mkdir(exist_ok=True)
    rows.to_parquet(path, index=False, row_group_size=len(rows) // rows["site_id"].nunique())


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values(["program", "site_id", "start"], ignore_index=True)


class Small(Asked):
    def size_for(self, store):
        return SMALL


def test_a_store_settles_as_the_panel_does_whoever_does_it(panel, events, folder, tmp_path):
    wishes = Wishes(coverage=0.9)
    whole = settle(panel, events, RULES, coverage=0.9)
    store = open_store(folder)
    told = []
    for number, asked in enumerate((Small(), Small(workers=2, parts=tmp_path / "a"), Asked(parts=tmp_path / "b"))):
        settled, outcome = settle_store(store, panel.sites, events, RULES, wishes, asked)
        assert outcome.failures.empty, outcome.failures["reason"].tolist()
        assert_frame_equal(in_order(settled.events), in_order(whole.events))
        assert_frame_equal(settled.portfolio, whole.portfolio)
        assert_frame_equal(in_order(settled.problems), in_order(whole.problems))
        assert outcome.partitions == (4, 4, 1)[number]
        told.append(settled)
    again, outcome = settle_store(store, panel.sites, events, RULES, wishes, Small(parts=tmp_path / "a"))
    assert outcome.skipped == 4
    for name in ("events", "portfolio", "problems"):
        assert_frame_equal(getattr(again, name), getattr(told[1], name))


def test_one_file_is_a_store_too(panel, events, folder, tmp_path):
    write(panel.data.reset_index(), tmp_path / "one.parquet")
    both = [
        settle_store(open_store(path), panel.sites, events, RULES)[0] for path in (folder, tmp_path / "one.parquet")
    ]
    assert_frame_equal(both[0].events, both[1].events)


def test_parts_that_were_written_are_those_that_were_made(panel, events, tmp_path):
    contract = Contract(name="c", currency="EUR", energy_price=0.3)
    members = Resources(pd.DataFrame({"site_id": SITES, "resource": "north", "from": None, "until": None}))
    wishes = Wishes(contract, coverage=0.9, keep_intervals=True, resources=members, evidence=True)
    chosen = load_programs(RULES)
    part = settle_part(panel, events[events["site_id"] != "b99"], chosen, wishes)
    tables = tables_of(part)
    for name, table in tables.items():
        write_part(table, tmp_path / f"{name}.parquet")
        assert_frame_equal(read_part(tmp_path / f"{name}.parquet"), table)
    back = part_of({name: read_part(tmp_path / f"{name}.parquet") for name in tables}, len(chosen))
    for one, other in zip(part.events, back.events, strict=True):
        assert one["days"].tolist() == other["days"].tolist()
        assert_frame_equal(one.drop(columns="days"), other.drop(columns="days"))
    for one, other in zip(part.trials, back.trials, strict=True):
        assert list(one.tried) == list(other.tried)
        for key, tried in one.tried.items():
            same = other.tried[key]
            assert list(tried.sites) == list(same.sites)
            for name in ("days", "error", "warmth_c", "load_kw"):
                np.testing.assert_array_equal(getattr(tried.history, name), getattr(same.history, name))
            assert_frame_equal(tried.sums, same.sums)
    for name in ("called", "meter"):
        assert_frame_equal(getattr(part, name), getattr(back, name))


def test_what_cannot_be_used_of_a_store_is_named_and_the_rest_settled(panel, events, tmp_path):
    rows = panel.data.reset_index()
    of = {site: own for site, own in rows.groupby("site_id")}
    store = tmp_path / "store"
    write(of["b1"], store / "a.parquet")
    store.joinpath("b.parquet").write_bytes(b"PAR1 and nothing else")  # corrupt
    write(of["b22"].assign(observed_kw="much"), store / "c.parquet")  # another schema
    write(of["b23"], store / "d.parquet")
    settled, outcome = settle_store(open_store(store, faults="keep"), panel.sites, events, RULES, Wishes(), Small())
    assert sorted(set(settled.events["site_id"])) == ["b1", "b23"]
    assert outcome.failures["partition"].tolist() == ["b.parquet", "c.parquet"]
    assert "b.parquet cannot be read as Parquet" in outcome.failures["reason"].iloc[0]
    lost = settled.problems.drop_duplicates("site_id").set_index("site_id")["reason"]
    assert lost[lost.index != ""].to_dict() == dict.fromkeys(
        ["b14", "b22", "b99"], "the site is in no file that can be read"
    )
    assert (
        settled.problems.loc[settled.problems["site_id"] == "", "reason"].tolist()
        == outcome.failures["reason"].tolist()
    )


def test_a_site_in_two_partitions_and_one_at_another_step_are_named(panel, events, tmp_path):
    rows = panel.data.reset_index()
    of = {site: own for site, own in rows.groupby("site_id")}
    store = tmp_path / "store"
    write(pd.concat([of["b1"], of["b22"]]), store / "a.parquet")
    write(pd.concat([of["b1"].tail(48), of["b14"], of["b23"].iloc[::2]]), store / "b.parquet")
    with pytest.warns(UserWarning, match=r"site 'b1' lies in a\.parquet and b\.parquet"):
        settled, outcome = settle_store(open_store(store, faults="keep"), panel.sites, events, RULES, Wishes(), Small())
    assert sorted(set(settled.events["site_id"])) == ["b14", "b22"]
    reasons = settled.problems.drop_duplicates("site_id").set_index("site_id")["reason"]
    assert "the site lies in a.parquet and b.parquet, and is left out" in reasons["b1"]
    assert "60 min" in reasons["b23"] or "1 h" in reasons["b23"] or "step" in reasons["b23"]
    assert outcome.partial


def test_nobody_in_the_data_is_an_error(panel, events, folder):
    with pytest.raises(DataError, match=r"no site of the events is in the data, e\.g\. 'b99'"):
        settle_store(open_store(folder), panel.sites, events[events["site_id"] == "b99"], RULES)


def test_where_every_site_lies_in_two_files_that_is_what_is_told(panel, events, tmp_path):
    rows = panel.data.reset_index()
    write(rows[rows["time"] < "2019-06-01"], tmp_path / "1.parquet")
    write(rows[rows["time"] >= "2019-05-31 23:00"], tmp_path / "2.parquet")
    with (
        pytest.raises(
            DataError, match=r"no site of the events can be read; of 'b1': the site lies in 1\.parquet and 2"
        ),
        pytest.warns(UserWarning, match=r"4 such sites"),
    ):
        settle_store(open_store(tmp_path), panel.sites, events, RULES)


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("Europe/London", "2018-10-28T00:00Z"),
        ("Europe/London", "2018-10-28T02:00Z"),
        ("Asia/Kolkata", "2018-10-27T12:30Z"),
    ],
)
def test_where_a_wall_clock_does_not_tell_what_a_meter_says(tmp_path, zone, start):
    # 01:00 stands twice on 28 October in London, and an event is of one of the two; readings of UTC hours begin at :30 in India.
    whole = datasets.load("cambridge_sme").select(SITES)
    data = whole.data.loc[pd.IndexSlice[:, "2018-08-20":"2018-11-02"], ["observed_kw"]]
    panel = type(whole)(data, whole.sites.assign(tz=zone))
    write(panel.data.reset_index(), tmp_path / "long" / "a.parquet")
    begin = pd.Timestamp(start)
    own = pd.DataFrame({"site_id": SITES, "start": begin, "stop": begin + pd.Timedelta("1h")})
    found, _ = settle_store(open_store(tmp_path / "long"), panel.sites, own, RULES[:1])
    told = settle(panel, own, RULES[:1])
    assert_frame_equal(in_order(found.events), in_order(told.events), rtol=1e-9)
    assert_frame_equal(found.problems, told.problems)


def test_a_broken_file_amid_others_of_its_partition_does_not_take_them_with_it(panel, events, tmp_path):
    rows = panel.data.reset_index()
    for number, own in enumerate((SITES[:1], SITES[1:3], SITES[3:])):
        write(rows[rows["site_id"].isin(own)], tmp_path / f"p{number}.parquet")
    whole = bytearray((tmp_path / "p1.parquet").read_bytes())
    whole[len(whole) // 4 : -4000] = bytes(len(whole) - 4000 - len(whole) // 4)
    (tmp_path / "p1.parquet").write_bytes(whole)
    found, outcome = settle_store(open_store(tmp_path), panel.sites, events, RULES[:1])
    assert set(found.events["site_id"]) == {SITES[0], SITES[3]}
    assert outcome.failures["reason"].str.contains("p1.parquet is broken").all()


def test_a_broken_month_takes_its_sites_with_it(panel, events, tmp_path):
    rows = panel.data.reset_index()
    early = rows["time"] < events["start"].min() - pd.Timedelta("5D")
    some = rows["site_id"] == SITES[0]
    for name, own in (("a", some), ("m1", ~some & early), ("m2", ~some & ~early)):
        write(rows[own], tmp_path / f"{name}.parquet")
    whole = bytearray((tmp_path / "m1.parquet").read_bytes())
    whole[len(whole) // 4 : -4000] = bytes(len(whole) - 4000 - len(whole) // 4)
    (tmp_path / "m1.parquet").write_bytes(whole)
    found, outcome = settle_store(open_store(tmp_path), panel.sites, events, RULES[:1])
    assert set(found.events["site_id"]) == {SITES[0]}
    assert outcome.failures["reason"].str.contains("m1.parquet is broken").all()
