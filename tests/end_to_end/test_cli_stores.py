"""Commands on a store: the same answers as on one file, partial where a part of it cannot be used, gone on with after a kill."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from cblcast import datasets
from cblcast.scaling.journal import NAME

SITES = ["b1", "b14", "b22"]
PLACE = ("--tz", "Europe/London", "--country", "GB")
EVENTS = "site_id,start,stop\n*,2019-06-11T17:00+01:00,2019-06-11T20:00+01:00\n*,2019-06-20T17:00+01:00,2019-06-20T20:00+01:00\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stores")
    panel = datasets.load("cambridge_sme").select(SITES)
    rows = panel.data.loc[pd.IndexSlice[:, "2018-05-01":"2019-06-30"], ["observed_kw"]].reset_index()
    rows.to_parquet(folder / "one.parquet", index=False)
    (folder / "store").mkdir()
    for site, own in rows.groupby("site_id"):
        own.to_parquet(folder / "store" / f"{site}.parquet", index=False)
    (folder / "events.csv").write_text(EVENTS)
    return folder


@pytest.fixture
def here(made, tmp_path, monkeypatch):
    for path in made.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_settle_on_a_folder_is_settle_on_the_file(run, here):
    asked = ("--events", "events.csv", "--program", "pjm_economic", *PLACE)
    code, _, err = run("settle", "--data", "one.parquet", *asked, "--out", "one.csv")
    assert code == 0, err
    code, _, err = run("settle", "--data", "store", *asked, "--out", "many.csv", "--workers", "2")
    assert code == 0, err
    assert Path("many.csv").read_text() == Path("one.csv").read_text()
    assert not Path("many.csv.parts").exists()  # all is done
    code, _, err = run("settle", "--verify", "many.csv.record.json")
    assert code == 0, err


def test_without_a_record_the_table_is_the_same(run, here):
    asked = ("settle", "--data", "store", "--events", "events.csv", "--program", "pjm_economic", *PLACE)
    code, _, err = run(*asked, "--out", "told.csv")
    assert code == 0, err
    code, _, err = run(*asked, "--out", "alone.csv", "--no-record")
    assert code == 0, err
    assert Path("alone.csv").read_text() == Path("told.csv").read_text()
    assert not Path("alone.csv.record.json").exists()
    code, _, err = run(*asked, "--out", "page.csv", "--html", "page.html", "--no-record")
    assert code == 2
    assert "--no-record writes no record: leave --html" in err
    assert not Path("page.csv").exists()


def test_a_partition_that_cannot_be_used_makes_it_partial_and_is_not_lost_on_the_next_run(run, here):
    store = here / "mixed"
    store.mkdir()
    for site in SITES:
        (store / f"{site}.parquet").symlink_to(here / "store" / f"{site}.parquet")
    (store / "zz.parquet").write_bytes(b"PAR1")
    asked = (
        "settle",
        "--data",
        "mixed",
        "--events",
        "events.csv",
        "--program",
        "pjm_economic",
        *PLACE,
        "--out",
        "s.csv",
    )
    code, _, err = run(*asked, "--parts", "parts")
    assert code == 3
    assert "Not settled: zz.parquet cannot be read as Parquet" in err
    assert len(pd.read_csv("s.csv")) == 6
    lines = Path("parts", NAME).read_text().count("\n")
    Path("lost.csv").write_text("site_id,start,stop\nb99,2019-06-20T17:00+01:00,2019-06-20T20:00+01:00\n")
    code, _, err = run("score", "--data", str(store), "--events", "lost.csv", *PLACE)
    assert code == 2
    assert (
        "no site of the events is in what can be read of the data, e.g. 'b99'; what cannot: zz.parquet cannot be" in err
    )
    (store / "zz.parquet").unlink()
    code, _, err = run(*asked, "--parts", "parts")
    assert code == 0, err
    assert Path("parts", NAME).read_text().count("\n") == lines  # nothing was done again
    code, _, err = run(*asked, "--parts", "parts", "--coverage", "0.9")
    assert code == 2
    assert "answers another question" in err
    assert "--no-resume" in err


def test_score_and_evaluate_and_integrity_on_a_folder(run, here):
    events = ("--events", "events.csv", *PLACE)
    told = {}
    for data in ("one.parquet", "store"):
        code, out, err = run("score", "--data", data, *events, "--out", f"{data}.scored.csv", "--json")
        assert code == 0, err
        told[data] = json.loads(out) | {"out": None}
    assert told["store"] == told["one.parquet"]
    assert Path("store.scored.csv").read_text() == Path("one.parquet.scored.csv").read_text()

    for data in ("one.parquet", "store"):
        code, out, err = run("evaluate", "--model", "pretrained", "--data", data, *events, "--json")
        assert code == 0, err
        told[data] = json.loads(out)
    board, other = (told[data]["leaderboard"][0] for data in ("one.parquet", "store"))
    assert board.keys() == other.keys()
    assert {k: v for k, v in board.items() if isinstance(v, str)} == {
        k: v for k, v in other.items() if isinstance(v, str)
    }
    assert [board[k] for k in board if not isinstance(board[k], str)] == pytest.approx(
        [other[k] for k in board if not isinstance(board[k], str)], rel=1e-12
    )

    tables = []
    for data in ("one.parquet", "store"):
        code, out, err = run("integrity", "--data", data, *events, "--program", "pjm_economic", "--json")
        assert code == 0, err
        tables.append({name: pd.DataFrame(rows) for name, rows in json.loads(out).items()})
    for name, table in tables[0].items():
        assert_frame_equal(table, tables[1][name], check_exact=False, rtol=1e-12)


def test_train_on_a_folder_names_what_is_broken_and_goes_on_when_it_is_mended(run, here):
    store = here / "mixed"
    store.mkdir()
    for site in SITES:
        (store / f"{site}.parquet").symlink_to(here / "store" / f"{site}.parquet")
    (store / "zz.parquet").write_bytes(b"PAR1")
    Path("study.yaml").write_text(
        "study: at_scale\ndata: {panel: mixed, tz: Europe/London, country: GB}\nevents: {start: '17:00', stop: '19:00'}\n"
        "train: [2019-04-01, 2019-05-31]\ntest: [2019-06-01, 2019-06-30]\n"
        "methods: [{estimator: Ridge, by: [site_id], features: {calendar: {}}}]\n"
    )
    asked = ("train", "study.yaml", "--store", "sqlite:///models.db", "--json", "--workers", "2")
    code, out, err = run(*asked)
    assert code == 3
    assert "zz.parquet cannot be read as Parquet" in err
    (row,) = json.loads(out)["leaderboard"]
    assert row["n_sites"] == 3
    assert Path("study.yaml.parts").is_dir()
    (store / "zz.parquet").unlink()
    code, out, err = run(*asked)
    assert code == 0, err
    (again,) = json.loads(out)["leaderboard"]
    assert again["nrmse"] == row["nrmse"]
    assert not Path("study.yaml.parts").exists()


def test_options_that_cannot_be_followed_are_told(run, here):
    events = ("--events", "events.csv", "--program", "pjm_economic")
    code, _, err = run("settle", "--data", "store", *events, *PLACE, "--unit", "W")
    assert code == 2
    assert "store is read in parts, as it stands: leave out --unit" in err
    Path("meter.csv").write_text("site_id,time,observed_kw\n")
    code, _, err = run("settle", "--data", "meter.csv", *events, *PLACE, "--workers", "2")
    assert code == 2
    assert "--workers works through a .parquet file" in err
    code, _, err = run("settle", "--data", "metre.csv", *events, *PLACE, "--workers", "2")
    assert code == 2
    assert "there is no meter file metre.csv: did you mean 'meter.csv'" in err
    for many in (("--workers", "1000000000", "--scheduler", "processes"), ("--processes", "1000000000")):
        code, _, err = run("settle", "--data", "store", *events, *PLACE, *many)  # no process is begun
        assert code == 2
        assert "--workers 1000000000 is more than this machine of" in err
    code, _, err = run("settle", "--data", "store", *events, *PLACE, "--scheduler", "tcp://me:s3cret@127.0.0.1:1")
    assert code == 2
    assert "names a user" in err
    assert "s3cret" not in err


def test_a_site_in_two_files_makes_an_event_of_everybody_partial(run, here):
    store = here / "twice"
    store.mkdir()
    (store / "a.parquet").symlink_to(here / "one.parquet")
    (store / "b.parquet").symlink_to(here / "store" / "b14.parquet")
    asked = ("--data", "twice", "--events", "events.csv", *PLACE)
    code, _, err = run("settle", *asked, "--program", "pjm_economic", "--no-record", "--out", "s.csv")
    assert code == 3, err
    assert "Not settled: site 'b14' at 2019-06-11 16:00:00+00:00: the site lies in a.parquet and b.parquet" in err
    assert "Not settled: site 'b14' at 2019-06-20" in err
    assert sorted(set(pd.read_csv("s.csv")["site_id"])) == ["b1", "b22"]
    Path("others.csv").write_text(EVENTS.replace("*", "b1"))
    asked = ("--data", "twice", "--events", "others.csv", *PLACE)
    code, _, err = run("settle", *asked, "--program", "pjm_economic", "--no-record", "--out", "s.csv")
    assert code == 0, err  # nobody asked for b14
    assert not Path("s.csv.parts").exists()


def test_many_events_of_one_reason_are_told_in_one_line(run, here):
    starts = [f"2018-0{month}-{day:02d}" for month in (6, 7) for day in (11, 12, 13)]
    rows = [f"none,{day}T17:00+01:00,{day}T18:00+01:00\n" for day in starts]
    Path("many.csv").write_text(EVENTS + "".join(rows))
    asked = ("settle", "--data", "store", "--events", "many.csv", "--program", "pjm_economic", *PLACE)
    code, _, err = run(*asked, "--no-record")
    assert code == 3
    assert err.count("Not settled") == 1
    assert "site 'none' at 2018-06-11 16:00:00+00:00 and 5 other events: the site is not in the data" in err


def test_parts_do_not_lie_among_the_meters(run, here):
    asked = ("--data", "own", "--events", "events.csv", *PLACE)
    (here / "own").mkdir()
    (here / "own" / "a.parquet").symlink_to(here / "store" / "b1.parquet")
    for command, more in (("settle", ("--program", "pjm_economic")), ("score", ())):
        code, _, err = run(command, *asked, *more, "--out", "own/s.csv")
        assert code == 2
        assert "finished partitions would lie in own/s.csv.parts, in the folder of the data" in err
    code, _, err = run("integrity", *asked, "--program", "pjm_economic", "--parts", "own/parts")
    assert code == 2
    assert "name another place (--parts)" in err
    assert [path.name for path in Path("own").iterdir()] == ["a.parquet"]


def test_one_file_of_day_rows_is_a_store_unasked(run, here):
    code, _, err = run(
        "data", "convert", "one.parquet", "--tz", "Europe/London", "--out", "days.parquet", "--layout", "days"
    )
    assert code == 0, err
    asked = ("--events", "events.csv", "--program", "pjm_economic", *PLACE, "--no-record")
    for data in ("one", "days"):
        code, _, err = run("settle", "--data", f"{data}.parquet", *asked, "--out", f"{data}.csv")
        assert code == 0, err
    assert Path("days.csv").read_text() == Path("one.csv").read_text()
    code, _, err = run("integrity", "--data", "days.parquet", *asked[:-1], "--json")
    assert code == 0, err
    code, _, err = run("data", "check", "days.parquet")
    assert code == 2
    assert "days.parquet has day rows ('observed_kw' holds a list of loads)" in err
    assert "convert it (cblcast data convert --layout long)" in err


def test_what_could_not_be_done_stands_in_the_document(run, here):
    store = here / "half"
    store.mkdir()
    (store / "a.parquet").symlink_to(here / "store" / "b1.parquet")
    (store / "b.parquet").write_bytes(b"PAR1")
    asked = ("--data", "half", "--events", "events.csv", *PLACE, "--json")
    commands = (("score",), ("evaluate", "--model", "pretrained"), ("integrity", "--program", "pjm_economic"))
    for command in commands:
        code, out, err = run(*command, *asked)
        assert code == 3, err
        (row,) = json.loads(out)["failures"]
        assert (row["partition"], row["site_id"]) == ("b.parquet", "")
        assert row["reason"].startswith("b.parquet cannot be read as Parquet")


def test_where_no_site_can_be_used_every_command_says_why(run, here):
    (here / "none").mkdir()
    rows = pd.read_parquet("one.parquet")
    rows[rows["site_id"] != "b22"].assign(observed_kw=float("inf")).to_parquet("none/a.parquet", index=False)
    Path("study.yaml").write_text(
        "study: s\ndata: {panel: none, tz: Europe/London, country: GB}\nevents: {start: '17:00', stop: '20:00', days: working}\n"
        "train: [2018-05-01, 2019-05-31]\ntest: [2019-06-01, 2019-06-29]\nmethods: [High5of10]\n"
    )
    asked = ("--data", "none", *PLACE)
    commands = [
        ("settle", *asked, "--events", "events.csv", "--program", "pjm_economic", "--no-record", "--out", "s.csv"),
        ("score", *asked, "--events", "events.csv", "--out", "s.csv"),
        ("integrity", *asked, "--events", "events.csv", "--program", "pjm_economic"),
        ("evaluate", "--model", "pretrained", *asked, "--events", "events.csv"),
        ("evaluate", "--model", "pretrained", *asked, "--start", "17:00", "--stop", "20:00"),
        ("evaluate", "study.yaml"),
    ]
    for command in commands:
        code, _, err = run(*command)
        assert code == 2, err
        assert "Error: " in err
        assert "infinite" in err
        assert not Path("s.csv.parts").exists()


def test_a_site_that_cannot_be_used_does_not_keep_the_others_from_being_scored(run, here):
    (here / "some").mkdir()
    rows = pd.read_parquet("one.parquet")
    rows.loc[rows["site_id"] == "b1", "observed_kw"] = float("inf")
    rows.to_parquet("some/a.parquet", index=False)
    code, out, err = run("score", "--data", "some", *PLACE, "--events", "events.csv", "--json")
    assert code == 3, err
    told = json.loads(out)
    assert {row["site_id"] for row in told["rows"]} == {"b14", "b22"}
    assert [row["site_id"] for row in told["failures"]] == ["b1"]
