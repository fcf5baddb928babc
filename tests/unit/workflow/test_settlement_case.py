"""What is settled: files read in parts, every site of them, and events of resources."""

import pandas as pd
import pytest

from cblcast import datasets
from cblcast.errors import DataError, StudyError
from cblcast.io.options import ReaderOptions
from cblcast.io.resource_tables import read_commitments, read_members
from cblcast.io.store import open_store
from cblcast.workflow import settlement_case
from cblcast.workflow.settlement_case import open_case, read_resources, sites_of_store
from cblcast.workflow.settling import Destinations, settle_files
from cblcast.workflow.working import Working

READER = ReaderOptions(tz="Europe/London", country="GB", subdivision="ENG")
EVENTS = "site_id,start,stop\n*,2019-06-11T17:00+01:00,2019-06-11T20:00+01:00\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("case")
    rows = datasets.load("cambridge_sme").select(["b1", "b14", "b22"]).data
    rows = rows.loc[pd.IndexSlice[:, "2019-03-01":"2019-06-30"], ["observed_kw"]].reset_index()
    rows.to_parquet(folder / "meter.parquet", index=False)
    (folder / "events.csv").write_text(EVENTS)
    (folder / "sites.csv").write_text("site_id\nb1\nb22\n")
    return folder


def test_every_site_is_meant_in_parts_as_in_one(folder):
    told = [
        settle_files(
            folder / "meter.parquet", folder / "events.csv", ["pjm_economic"], READER, working=Working(processes)
        ).events
        for processes in (None, 1)
    ]
    assert told[0]["site_id"].tolist() == ["b1", "b14", "b22"]
    pd.testing.assert_frame_equal(*told)
    some = READER.but(sites=folder / "sites.csv")
    known = settle_files(
        folder / "meter.parquet", folder / "events.csv", ["pjm_economic"], some, working=Working(1)
    ).events
    assert known["site_id"].tolist() == ["b1", "b22"]


@pytest.mark.filterwarnings("ignore:a clock of the sites is moved")
def test_a_large_file_is_read_in_parts_without_being_asked(folder, monkeypatch):
    monkeypatch.setattr(settlement_case, "LARGE_ROWS", 1000)
    assert open_case(folder / "meter.parquet", folder / "events.csv", READER).panel is None
    assert open_case(folder / "meter.parquet", folder / "events.csv", READER, whole=True).panel is not None
    assert open_case(folder / "meter.parquet", folder / "events.csv", READER.but(step="2h")).panel is not None


def test_what_cannot_be_read_in_parts_says_what_to_leave_out(folder):
    with pytest.raises(StudyError, match="as it stands: leave out --step"):
        open_case(folder / "meter.parquet", folder / "events.csv", READER.but(step="2h"), working=Working(2))


def test_events_of_resources_are_those_of_their_members_on_the_day(folder):
    (folder / "members.csv").write_text("site_id,resource,from,until\nb1,north,,2019-06-10\nb14,north,,\nb22,north,,\n")
    (folder / "called.csv").write_text(
        "resource,start,stop\nnorth,2019-06-10T17:00+01:00,2019-06-10T20:00+01:00\nnorth,2019-06-11T17:00+01:00,2019-06-11T20:00+01:00\n"
    )
    resources = read_resources(folder / "members.csv", None)
    case = open_case(folder / "meter.parquet", folder / "called.csv", READER, resources=resources)
    assert case.events.groupby("start")["site_id"].agg(list).tolist() == [["b1", "b14", "b22"], ["b14", "b22"]]
    (folder / "called.csv").write_text("resource,start,stop\nsouth,2019-06-10T17:00+01:00,2019-06-10T20:00+01:00\n")
    with pytest.raises(DataError, match="no resource 'south': did you mean 'north'"):
        open_case(folder / "meter.parquet", folder / "called.csv", READER, resources=resources)
    with pytest.raises(StudyError, match="give their members too"):
        read_resources(None, folder / "months.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("site_id,resource\nb1,north\n,north\n", r"line 3 of m\.csv has no site_id"),
        (
            "site_id,resource,from\nb1,north,1.6.2019\n",
            r"line 2 of m\.csv has a date in 'from' that is none: write it as 2024-07-01",
        ),
        ("site_id\nb1\n", "lacks the column 'resource'"),
    ],
)
def test_a_file_of_members_names_the_line(tmp_path, text, message):
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_members(tmp_path / "m.csv")


def test_a_commitment_without_a_figure_names_the_line(tmp_path):
    (tmp_path / "c.csv").write_text("resource,month,committed_kw\nnorth,2019-06,\n")
    with pytest.raises(DataError, match=r"line 2 of c\.csv has no committed_kw"):
        read_commitments(tmp_path / "c.csv")


def test_a_settlement_goes_out_in_local_time_and_in_own_columns(folder):
    settle_files(
        folder / "meter.parquet", folder / "events.csv", ["pjm_economic"], READER, to=Destinations(folder / "s.csv")
    )
    plain = pd.read_csv(folder / "s.csv")
    assert plain["start_local"].tolist() == ["2019-06-11T17:00+01:00"] * 3
    (folder / "own.yaml").write_text(
        'rows: events\ntime_format: "%d.%m.%Y %H:%M"\ncolumns: {Zähler: site_id, Beginn: start, MWh: delivered_mwh, Einheit: "=MWh"}\n'
        "decimals: {delivered_mwh: 4}\n"
    )
    to = Destinations(folder / "own.csv", template=str(folder / "own.yaml"))
    settle_files(folder / "meter.parquet", folder / "events.csv", ["pjm_economic"], READER, to=to)
    lines = (folder / "own.csv").read_text().splitlines()
    assert lines[0] == "Zähler,Beginn,MWh,Einheit"
    assert lines[1] == f"b1,11.06.2019 17:00,{plain['delivered_kwh'][0] / 1000:.4f},MWh"


def test_a_store_that_describes_its_sites_keeps_their_calendar(tmp_path):
    """A store that `data convert --country` wrote was settled without holidays."""
    times = pd.date_range("2019-04-25", periods=48, freq="h", tz="Europe/Rome").tz_convert("UTC")
    (tmp_path / "store").mkdir()
    for site in ("a", "b"):
        rows = pd.DataFrame({"site_id": site, "time": times, "observed_kw": 1.0})
        rows.to_parquet(tmp_path / "store" / f"{site}.parquet", index=False)
    told = pd.DataFrame({"site_id": ["a", "b"], "tz": "Europe/Rome", "country": ["IT", None]})
    told.to_parquet(tmp_path / "store" / "_sites.parquet", index=False)
    store = open_store(tmp_path / "store")
    assert sites_of_store(store, ReaderOptions())["country"].fillna("").tolist() == ["IT", ""]
    assert sites_of_store(store, ReaderOptions(country="FR"))["country"].tolist() == ["IT", "FR"]
