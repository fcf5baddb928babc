"""Records: written, verified, settled again, and worked through; on three Cambridge buildings."""

import json
import os
import re
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from cblcast import datasets
from cblcast.errors import DataError, StudyError
from cblcast.io.options import ReaderOptions
from cblcast.workflow.record_explained import explain_record
from cblcast.workflow.recording import settle_again, verified
from cblcast.workflow.resettling import resettled_files
from cblcast.workflow.settling import Destinations, Papers, settle_files

READER = ReaderOptions(tz="Europe/London", country="GB", subdivision="ENG")
CONTRACT = """name: peak
currency: GBP
energy_price: {17: 0.25, 18: 0.35, 19: 0.25}
capacity_price_per_kw_month: 3
penalty_per_kwh: 0.1
performance: proportional
"""
SCHEMA = Path(__file__).parents[3] / "docs" / "settlement-record.schema.json"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    rows = datasets.load("cambridge_sme").select(["b1", "b14", "b22"]).data
    rows = rows.loc[pd.IndexSlice[:, "2019-03-01":"2019-06-30"], ["observed_kw"]].reset_index()
    rows.to_csv(folder / "meter.csv", index=False)
    revised = rows.copy()
    moved = (rows["site_id"] == "b14") & rows["time"].between("2019-06-11 16:00Z", "2019-06-11 17:00Z")
    revised.loc[moved, "observed_kw"] -= 1.5
    revised.to_csv(folder / "revised.csv", index=False)
    half = rows.loc[rows.index.repeat(2)].reset_index(drop=True)
    half["time"] += pd.to_timedelta(30 * (half.index % 2), unit="min")
    half.to_csv(folder / "half_hours.csv", index=False)
    (folder / "events.csv").write_text(
        "site_id,start,stop\n" + "".join(f"*,2019-06-{day}T17:00+01:00,2019-06-{day}T20:00+01:00\n" for day in (10, 11))
    )
    (folder / "contract.yaml").write_text(CONTRACT)
    (folder / "members.csv").write_text("site_id,resource,from,until\nb1,north,,\nb14,north,2019-01-01,\nb22,south,,\n")
    (folder / "months.csv").write_text("resource,month,committed_kw\nnorth,2019-06,20\nsouth,2019-06,5\n")
    settle_files(
        folder / "meter.csv",
        folder / "events.csv",
        ["caiso_10in10"],
        READER,
        Papers(folder / "contract.yaml", None, folder / "members.csv", folder / "months.csv"),
        Destinations(folder / "s.csv"),
    )
    return folder


@pytest.fixture(scope="module")
def record(folder):
    return json.loads((folder / "s.csv.record.json").read_text(encoding="utf-8"))


def test_a_record_says_what_the_money_rests_on(record):
    line = next(
        each for each in record["lines"] if each["site_id"] == "b14" and each["start"] == "2019-06-11T16:00:00Z"
    )
    days = record["day_sets"][line["days"]]
    assert len(days["selected"]) == 10
    assert set(days["left_out"]) >= {"another day type", "qualified, but not selected"}
    assert line["intervals"]["price"] == [0.25, 0.35, 0.25]
    assert line["certainty"] == "M"
    assert re.fullmatch(r"-?\d+\.\d\d", line["payment"])
    assert [site["step_minutes"] for site in record["meter"]["sites"]] == [60.0] * 3
    assert all(len(site["sha256"]) == 64 for site in record["meter"]["sites"])
    assert record["calendar"][0]["country"] == "GB"
    assert record["rules"][0]["from_memory"] == ["day_types", "window"]


def test_totals_are_the_sums_of_the_lines_to_the_cent(record):
    (total,) = record["totals"]
    for name in ("energy_payment", "capacity_payment", "penalty", "payment"):
        assert Decimal(total[name]) == sum(Decimal(line[name]) for line in record["lines"])
        assert Decimal(total[name]) == sum(Decimal(row[name]) for row in record["resources"])


def test_the_published_schema_names_what_a_record_holds(record):
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert set(schema["required"]) == set(record) == set(schema["properties"])
    required = schema["properties"]["lines"]["items"]["required"]
    for line in record["lines"]:
        assert set(required) <= set(line)
    assert set(schema["properties"]["meter"]["properties"]) == set(record["meter"])


def test_a_record_is_settled_again_to_the_same_result(folder):
    again = settle_again(folder / "s.csv.record.json")
    assert verified(again) == []
    assert again.changed == []


def test_another_meter_is_told_and_what_it_changes(folder):
    again = settle_again(folder / "s.csv.record.json", folder / "revised.csv")
    told = verified(again)
    assert told[0] == "the readings of site 'b14' are not those of the record"
    assert any("metered_kwh: 16.7 recorded, 13.7 found" in words for words in told)


def test_a_settlement_with_revised_readings_is_a_difference_line_by_line(folder):
    again, lines, total = resettled_files(folder / "s.csv.record.json", folder / "revised.csv", folder / "diff.csv")
    moved = lines[lines["what"] != "same"].set_index("site_id")
    # The resource delivered more: what was paid for it goes to both of its sites, the energy to one.
    assert moved.loc["b14", "delivered_change_kwh"] == pytest.approx(3.0)
    change = sum(lines["payment_change"], Decimal(0))
    before, after = (sum(Decimal(line["payment"]) for line in each["lines"]) for each in (again.record, again.found))
    assert change == after - before
    assert total == f"caiso_10in10: +3.000 kWh delivered, {change:+} GBP"
    assert len(pd.read_csv(folder / "diff.csv")) == 6
    assert verified(settle_again(folder / "diff.csv.record.json", folder / "revised.csv")) == []


def test_the_differences_in_a_csv_have_the_decimals_that_were_asked_for(folder):
    _, lines, _ = resettled_files(folder / "s.csv.record.json", folder / "revised.csv", folder / "d.csv", decimals=1)
    told = pd.read_csv(folder / "d.csv")
    energies = [name for name in told.columns if name.endswith("_kwh")]
    pd.testing.assert_frame_equal(told[energies], lines[energies].round(1).reset_index(drop=True), check_dtype=False)


def test_a_line_that_can_no_longer_be_settled_leaves_the_others_the_same(folder):
    rows = pd.read_csv(folder / "meter.csv")
    rows[(rows["site_id"] != "b1") | (rows["time"] != "2019-06-10 17:00:00+00:00")].to_csv(
        folder / "hole.csv", index=False
    )
    _, lines, _ = resettled_files(folder / "s.csv.record.json", folder / "hole.csv")
    told = lines.groupby("site_id")["what"].agg(list)
    assert told["b1"][0] == "only before"
    assert told["b22"] == ["same", "same"]


def test_a_changed_record_is_one_sentence(folder, record):
    for change in (
        {"lines": [{**record["lines"][0], "payment": "1000.00"}, *record["lines"][1:]]},
        {"contract": {**record["contract"], "name": "other"}},
        {"seal": "0" * 64},
    ):
        (folder / "bad.json").write_text(json.dumps({**record, **change}))
        with pytest.raises(DataError, match=r"bad\.json was changed after it was written: its seal does not fit"):
            settle_again(folder / "bad.json")
    (folder / "bad.json").write_text(json.dumps(record)[:-50])
    with pytest.raises(DataError, match="is no JSON, or was cut"):
        settle_again(folder / "bad.json")
    (folder / "bad.json").write_text("{}")
    with pytest.raises(DataError, match="no settlement record of the form"):
        settle_again(folder / "bad.json")
    with pytest.raises(DataError, match="cannot be read"):
        settle_again(folder / "absent.json")


def test_revised_readings_of_other_intervals_are_refused(folder):
    with pytest.raises(DataError, match="'b1' is metered every 30 minutes, and was every 60 in the record"):
        settle_again(folder / "s.csv.record.json", folder / "half_hours.csv")
    with pytest.raises(StudyError, match="needs the revised readings"):
        resettled_files(folder / "s.csv.record.json", None)


def test_an_event_of_a_record_is_worked_through_to_its_figures(folder):
    path = folder / "s.csv.record.json"
    told = explain_record(path, "caiso_10in10", site="b14", start="2019-06-11T17:00+01:00")
    assert told.endswith("These figures are those of the record.")
    assert "Paid: " in told
    other = explain_record(path, "caiso_10in10", folder / "revised.csv", "b14", "2019-06-11T17:00+01:00")
    assert "NOT those of the record: metered_kwh 16.700000 recorded, 13.700000 found" in other
    with pytest.raises(DataError, match="no event of site 'b99'"):
        explain_record(path, "caiso_10in10", site="b99")
    with pytest.raises(DataError, match="'never' is no time: write it like"):
        explain_record(path, "caiso_10in10", site="b14", start="never")


def test_the_record_never_overwrites_what_is_read(folder):
    with pytest.raises(StudyError, match="--record"):
        resettled_files(folder / "s.csv.record.json", folder / "revised.csv", None, folder / "s.csv.record.json")
    assert not [name for name in os.listdir(folder) if name.endswith(".draft")]
