"""Settle, programs, eligibility and integrity as typed, on two bundled buildings."""

import json
import sys

import pandas as pd
import pytest

from cblcast import datasets
from cblcast.cli import main

EVENTS = """site_id,start,stop,notified
*,2019-06-05T17:00+01:00,2019-06-05T20:00+01:00,2019-06-05T14:00+01:00
*,2019-06-12T17:00+01:00,2019-06-12T20:00+01:00,2019-06-12T14:00+01:00
"""
METER = ("--data", "meter.csv", "--tz", "Europe/London")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("settlement")
    data = datasets.load("cambridge_sme").select(["b1", "b22"]).data
    data = data.loc[pd.IndexSlice[:, "2019-03-01":"2019-06-30"], ["observed_kw"]]
    data.reset_index().to_csv(folder / "meter.csv", index=False)
    (folder / "events.csv").write_text(EVENTS)
    (folder / "absent.csv").write_text(
        EVENTS + "b99,2019-06-12T17:00+01:00,2019-06-12T20:00+01:00,2019-06-12T14:00+01:00\n"
    )
    (folder / "contract.yaml").write_text("energy_price: {17: 0.2, 18: 0.3}\ncurrency: GBP\n")
    (folder / "series.yaml").write_text("energy_price: series\n")
    hours = pd.date_range("2019-06-05", "2019-06-13", freq="h", tz="UTC")
    pd.DataFrame({"time": hours.strftime("%Y-%m-%dT%H:%M:%SZ"), "price_per_kwh": 0.25}).to_csv(
        folder / "prices.csv", index=False
    )
    (folder / "own.yaml").write_text(
        "name: mine\ntitle: Mine\nday_types: working\ndays: [{applies_to: working, x: 2, y: 3, rank: low}]\n"
    )
    return folder


@pytest.fixture
def run(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["cblcast", *arguments])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_settle_writes_a_table_and_a_page(run, folder):
    code, out, err = run(
        "settle",
        *METER,
        "--events",
        "events.csv",
        "--program",
        "caiso_10in10",
        "--program",
        "own.yaml",
        "--contract",
        "series.yaml",
        "--prices",
        "prices.csv",
        "--out",
        "s.csv",
        "--full-precision",
        "--html",
        "s.html",
    )
    assert code == 0, err
    assert "caiso_10in10: settled events" in out
    assert "Europe/" in out  # by the clock of the sites
    assert "all 4 events" in out
    table = pd.read_csv(folder / "s.csv")
    assert len(table) == 2 * 2 * 2
    assert table["energy_payment"].to_numpy() == pytest.approx(0.25 * table["delivered_kwh"].to_numpy(), abs=0.005001)
    page = (folder / "s.html").read_text()
    assert page.lstrip().startswith("<!doctype html>")
    for words in (
        "CAISO day matching, 10 in 10",
        "the 2 with the lowest mean load",
        "<svg viewBox=",
        "2019-06-05",
    ):
        assert words in page, words
    assert "partial" not in page
    assert "://" not in page  # the page stands alone


def test_a_site_without_data_is_named_and_the_exit_code_says_partial(run):
    code, out, _ = run(
        "settle", *METER, "--events", "absent.csv", "--program", "caiso_10in10", "--coverage", "0.9", "--json"
    )
    assert code == 3
    told = json.loads(out)
    assert told["partial"]
    assert len(told["events"]) == 4
    assert all(row["lower_kwh"] < row["delivered_kwh"] < row["upper_kwh"] for row in told["events"])
    assert {(row["site_id"], row["reason"]) for row in told["problems"]} == {("b99", "the site is not in the data")}


def test_a_large_file_is_settled_in_parts(run, folder):
    pd.read_csv(folder / "meter.csv", parse_dates=["time"]).to_parquet(folder / "meter.parquet", index=False)
    (folder / "sites.csv").write_text(
        "site_id,tz,country,subdivision\nb1,Europe/London,GB,ENG\nb22,Europe/London,GB,ENG\n"
    )
    (folder / "named.csv").write_text(EVENTS.replace("*", "b1") + EVENTS.split("\n", 1)[1].replace("*", "b22"))
    both = []
    for more in ((), ("--processes", "1")):
        code, out, err = run(
            "settle",
            "--data",
            "meter.parquet",
            "--events",
            "named.csv",
            "--sites",
            "sites.csv",
            "--program",
            "pjm_economic",
            "--json",
            *more,
        )
        assert code == 0, err
        both.append(pd.DataFrame(json.loads(out)["events"]).sort_values(["site_id", "start"], ignore_index=True))
    assert len(both[0]) == 4
    pd.testing.assert_frame_equal(*both)
    code, _, err = run("settle", *METER, "--events", "named.csv", "--program", "pjm_economic", "--processes", "2")
    assert code == 2
    assert "--workers works through a .parquet file" in " ".join(err.split())


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--program", "caiso_10in10", "--contract", "contract.yaml"), "no price for 19:00-20:00"),
        (("--program", "caiso_10in10", "--contract", "series.yaml"), "priced by a series, but none is given"),
        (("--program", "caiso_10_in_10"), "did you mean 'caiso_10in10'"),
        (("--program", "isone_10of10", "--out", "nothing.xlsx"), "neither .csv nor .parquet"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_written(run, folder, more, message):
    code, _, err = run("settle", *METER, "--events", "events.csv", *more)
    assert code == 2
    assert message in " ".join(err.split())
    assert not (folder / "nothing.xlsx").exists()


def test_programs_are_listed_and_explained(run):
    code, out, _ = run("programs", "list", "--json")
    assert code == 0
    listed = {row["name"]: row for row in json.loads(out)["programs"]}
    assert not listed["pjm_same_day"]["official"]  # a trade paper reports it
    assert not listed["nyiso_average_day"]["official"]
    code, out, _ = run("programs", "explain", "nyiso_average_day")
    assert code == 0
    for words in (
        "Not an official statement",
        "10 qualified days, 5 selected",
        "too close to the event",
        "Factor before the cap",
        "cap 0.8 to 1.2",
    ):
        assert words in out, words
    code, out, _ = run("programs", "explain", "elia_declared")
    assert code == 0
    assert "No event is worked through: the panel has no column 'declared_kw'" in out


def test_an_event_of_ones_own_is_worked_through(run):
    code, out, err = run(
        "programs",
        "explain",
        "own.yaml",
        *METER,
        "--site",
        "b22",
        "--start",
        "2019-06-12T17:00+01:00",
        "--stop",
        "2019-06-12T20:00+01:00",
    )
    assert code == 0, err
    assert "site b22" in out
    assert "3 qualified days, 2 selected" in out
    code, _, err = run("programs", "explain", "own.yaml", *METER)
    assert code == 2
    assert "give --events, or --start and --stop" in err
    assert err.count("2 of 2 sites have no calendar") == 1


def test_an_explanation_is_that_of_the_settlement_of_the_same_events(run, folder):
    (folder / "others.csv").write_text(
        "site_id,start,stop,kind\nb1,2019-05-30T17:00+01:00,2019-05-30T18:00+01:00,event\n"
    )
    asked = (
        *METER,
        "--country",
        "GB",
        "--subdivision",
        "ENG",
        "--events",
        "events.csv",
        "--other-events",
        "others.csv",
    )
    code, out, err = run("settle", *asked, "--program", "caiso_10in10", "--json")
    assert code == 0, err
    assert "no calendar" not in err
    line = next(
        row for row in json.loads(out)["events"] if row["site_id"] == "b1" and row["start"].startswith("2019-06-12")
    )
    told = f"delivered {line['delivered_kwh']:.2f} kWh"
    code, out, err = run(
        "programs", "explain", "caiso_10in10", *asked, "--site", "b1", "--start", "2019-06-12T17:00+01:00"
    )
    assert code == 0, err
    assert told in out
    assert "2019-05-30 Thu" in out
    assert out.count("day of a real event") == 2


def test_dispatch_between_two_readings_is_screened_and_settled(run, folder):
    (folder / "odd.csv").write_text("site_id,start,stop\nb1,2019-06-12T17:07+01:00,2019-06-12T18:23+01:00\n")
    code, out, err = run("integrity", *METER, "--events", "odd.csv", "--program", "caiso_10in10", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert told["events"][0]["start"].startswith("2019-06-12T16:00")
    settled = told["side_by_side"][0]
    code, out, err = run("settle", *METER, "--events", "odd.csv", "--program", "caiso_10in10", "--json")
    assert code == 0, err
    line = json.loads(out)["events"][0]
    assert settled["delivered_kwh"] == line["delivered_kwh"]
    assert line["hours"] == pytest.approx(76 / 60)


def test_what_is_done_about_gaps_and_other_events_is_checked(run):
    code, _, err = run("settle", *METER, "--events", "events.csv", "--program", "caiso_10in10", "--gaps", "guess")
    assert code == 2
    assert "there is no way 'guess' to fill a gap" in err
    more = ("--gaps", "interpolate", "--max-missing", "0")
    code, _, err = run("settle", *METER, "--events", "events.csv", "--program", "caiso_10in10", *more)
    assert code == 2
    assert "is above 0 and at most 1, not 0" in err
    more = ("--max-missing", "0.5")
    code, _, err = run("settle", *METER, "--events", "events.csv", "--program", "caiso_10in10", *more)
    assert code == 2
    assert "--max-missing does nothing without --gaps" in " ".join(err.split())
    code, _, err = run("programs", "explain", "caiso_10in10", "--other-events", "events.csv")
    assert code == 2
    assert "events belong to a meter file: give --data too" in err


def test_eligibility_and_integrity(run):
    code, out, _ = run(
        "eligibility",
        *METER,
        "--program",
        "caiso_10in10",
        "--program",
        "kpx_max4of5",
        "--start",
        "17:00",
        "--stop",
        "20:00",
        "--gate",
        "pjm",
        "--choose",
        "2019-05-01",
        "2019-05-31",
        "--judge",
        "2019-06-01",
        "2019-06-28",
        "--json",
    )
    assert code == 0
    told = json.loads(out)
    assert {row["site_id"] for row in told["sufficiency"]} == {"b1", "b22"}
    assert told["recommendation"][0]["rule"] in ("caiso_10in10", "kpx_max4of5")
    code, out, err = run(
        "eligibility",
        *METER,
        "--program",
        "caiso_10in10",
        "--start",
        "17:00",
        "--stop",
        "20:00",
        "--train",
        "2019-04-01",
        "2019-04-30",
        "--choose",
        "2019-05-01",
        "2019-05-31",
        "--judge",
        "2019-06-01",
        "2019-06-28",
        "--learned",
        "PBLM-Nearest5of10",
        "--json",
    )
    assert code == 0, err
    assert json.loads(out)["recommendation"][0]["learned"] == "PBLM-Nearest5of10"
    code, _, err = run(
        "eligibility", *METER, "--program", "caiso_10in10", "--start", "17:00", "--stop", "20:00", "--learned", "Ridge"
    )
    assert code == 2
    assert "give --train, --choose and --judge" in " ".join(err.split())
    code, out, _ = run("integrity", *METER, "--events", "absent.csv", "--program", "gb_dfs", "--json")
    assert code == 0
    told = json.loads(out)
    assert len(told["side_by_side"]) == 4
    assert all(row["until_notification_kwh"] is not None for row in told["side_by_side"])
    assert {row["site_id"] for row in told["over_events"]} == {"b1", "b22"}
    assert all(row["p_family"] >= row["p"] for row in told["events"] if row["p"] is not None)


def test_a_control_group_is_judged_before_its_program(run, folder):
    (folder / "groups.csv").write_text("site_id,group\nb1,treated\nb22,control\n")
    asked = ("--start", "17:00", "--stop", "20:00", "--first", "2019-03-04", "--last", "2019-04-30")
    code, _, err = run("control-group", *METER, *asked, "--groups", "groups.csv")
    assert code == 2
    assert "1 sites are treated, and at least two are needed" in " ".join(err.split())
    code, _, err = run("control-group", *METER, *asked)
    assert code == 2
    assert "who is treated?" in err


def test_no_flag_says_of_how_many_and_whether_there_could_have_been_one(run):
    code, out, err = run("integrity", *METER, "--events", "events.csv", "--program", "caiso_10in10")
    assert code == 0, err
    assert "of 4 events flagged" in out
    assert "of 2 sites over their events flagged" in out
    assert "4 of 4 events have fewer than the 119 ordinary days that a flag at 5 % needs" in " ".join(err.split())


def test_an_option_beside_a_record_is_refused_and_not_ignored(run):
    code, _, err = run("settle", "--verify", "s.csv.record.json", "--contract", "contract.yaml")
    assert code == 2
    assert "--contract would change nothing: --verify takes events, rules, terms" in err
    code, _, err = run("settle", "--resettle", "s.csv.record.json", "--data", "meter.csv", "--tz", "Europe/Rome")
    assert code == 2
    assert "--tz would change nothing: --resettle takes" in err


def test_a_rule_is_explained_for_machines_too(run):
    code, out, err = run("programs", "explain", "nyiso_average_day", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert told["name"] == "nyiso_average_day"
    assert told["terms"]["name"] == "nyiso_average_day"
    assert told["from_memory"]
    assert told["worked"]
    code, words, _ = run("programs", "explain", "nyiso_average_day")
    assert code == 0
    assert told["words"].split() == words.split()[: len(told["words"].split())]
