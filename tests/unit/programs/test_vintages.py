"""Calendars and vintages of programs: whose holidays count, which weekend, and which rule is in force."""

import warnings

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.errors import DataError, DataWarning, StudyError
from cblcast.frames.panel import Panel, panel_of
from cblcast.integrity import side_by_side
from cblcast.programs import explain, explain_event, load_program
from cblcast.programs.asking import rule_for, vintage_on
from cblcast.programs.calendars import nerc_holidays
from cblcast.settlement import settle, settle_file

BODY = """
name: own
title: Own
day_types: working
days: [{applies_to: [working, rest], x: 2, y: 2, look_back_days: 30}]
"""
YEARS = """
vintage: "2018"
valid_until: 2018-12-31
vintages:
  - {vintage: "2019", valid_from: 2019-01-01, days: [{applies_to: [working, rest], x: 4, y: 4, look_back_days: 30}]}
  - {vintage: "2020", valid_from: 2020-01-01, valid_until: 2020-12-31}
"""


def written(tmp_path, more="", body=BODY):
    path = tmp_path / "own.yaml"
    path.write_text(body + more)
    return path


@pytest.fixture(scope="module")
def panel():
    whole = datasets.load("cambridge_sme").select(["b1"])
    return Panel(whole.data.loc[pd.IndexSlice[:, "2018-11-01":"2019-06-20"], ["observed_kw"]], whole.sites)


def event(day, start="17:00", stop="19:00"):
    edges = {edge: [pd.Timestamp(f"{day} {at}", tz="Europe/London").tz_convert("UTC")]
             for edge, at in (("start", start), ("stop", stop))}  # fmt: skip
    return pd.DataFrame({"site_id": "b1", **edges})


def selected(program, panel, day):
    days = explain_event(program, panel, event(day)).days
    return days[days["selected"]]["day"].tolist()


def test_the_six_holidays_of_nerc_and_their_mondays():
    days = [str(day) for day in nerc_holidays(2021, 2022)]
    # 2021: Independence Day on a Sunday is kept on Monday the 5th, Christmas on a Saturday stays; 2022: New Year's Day on a
    # Saturday stays, Christmas on a Sunday moves.
    assert days == ["2021-01-01", "2021-05-31", "2021-07-05", "2021-09-06", "2021-11-25", "2021-12-25",
                    "2022-01-01", "2022-05-30", "2022-07-04", "2022-09-05", "2022-11-24", "2022-12-26"]  # fmt: skip


@pytest.mark.parametrize(
    ("calendar", "last_two"),
    [
        ("", ["2019-05-28", "2019-05-24"]),  # the sites' own: 27 May is a bank holiday
        ("calendar: {named: nerc}", ["2019-05-28", "2019-05-24"]),  # Memorial Day, the same Monday
        ("calendar: nerc", ["2019-05-28", "2019-05-24"]),
        ("calendar: {country: IT}", ["2019-05-28", "2019-05-27"]),
        ("calendar: IT", ["2019-05-28", "2019-05-27"]),
        ("calendar: works.ics", ["2019-05-27", "2019-05-24"]),
        ("calendar: {dates: [2019-05-28]}", ["2019-05-27", "2019-05-24"]),
        ("calendar: {file: works.ics}", ["2019-05-27", "2019-05-24"]),
        ("weekend: [friday, saturday]\ncalendar: {dates: []}", ["2019-05-28", "2019-05-27"]),
        ("weekend: [monday, tuesday]\ncalendar: {dates: []}", ["2019-05-26", "2019-05-25"]),
    ],
)
def test_a_program_brings_its_own_calendar_and_weekend(tmp_path, panel, calendar, last_two):
    (tmp_path / "works.ics").write_text(
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20190528\r\nSUMMARY:Stocktaking\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    program = load_program(written(tmp_path, calendar))
    assert selected(program, panel, "2019-05-29") == last_two
    settled = settle(panel, event("2019-05-29"), [program]).events.iloc[0]
    kw = [panel.data.loc["b1", "observed_kw"][pd.Timestamp(f"{day} {at}", tz="Europe/London")]
          for day in last_two for at in ("17:00", "18:00")]  # fmt: skip
    assert settled["baseline_kwh"] == pytest.approx(sum(kw) / 2, rel=1e-6)


def test_days_of_the_week_keep_their_names_on_another_weekend(tmp_path):
    body = BODY.replace("working\n", "weekday_saturday_sunday\nweekend: [friday, saturday]\n", 1).replace(
        "[working, rest]", "weekday"
    )
    labels = load_program(written(tmp_path, body=body)).labels
    assert labels == ("weekday", "weekday", "weekday", "weekday", "saturday", "sunday", "weekday", "sunday")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("calendar: {named: ferc}", "there is no calendar 'ferc': did you mean 'nerc'"),
        ("calendar: {named: nerc, country: US}", "one of named, country, file and dates, not named, country"),
        ("calendar: {}", "one of named, country, file and dates, not none"),
        ("calendar: {dates: [], subdivision: CA}", "belongs to a country"),
        ("weekend: [friday, friday]", r"two days of the week, such as \[friday, saturday\], not friday, friday"),
        ("weekend: [friday, feriday]", "weekend is two days of the week"),
        ("weekend: [friday]", "weekend is two days of the week, such as .*, not friday"),
        ("weekend: saturday", "weekend is two days of the week, such as .*, not saturday"),
        ("vintage: a\nvalid_from: yesterday", "valid_from must be a date such as 2023-11-01, not 'yesterday'"),
        ("valid_from: 2019-01-01", "needs a vintage"),
        ('vintage: "1"\nvalid_from: 2019-01-01\nvalid_until: 2018-01-01', "ends .2018-01-01. before it begins"),
        (YEARS.replace("valid_until: 2018-12-31", "valid_until: 2019-01-01"), "two vintages are in force on 2019-01-01"),
        (YEARS.replace('"2019", valid_from: 2019-01-01', '"2019", valid_from: 2019-01-01').replace('"2020"', '"2019"'),
         "two vintages|needs a name of its own"),
        ("gaps: {fill: interpolate}", "needs both"),
        ("gaps: {fill: guess, max_missing_share: 0.1}", "interpolate"),
    ],
)  # fmt: skip
def test_a_wrong_calendar_or_vintage_is_told(tmp_path, more, message):
    with pytest.raises(StudyError, match=r"own\.yaml.*(" + message + ")"):
        load_program(written(tmp_path, more))


def test_the_vintage_in_force_on_the_event_day_settles_it(tmp_path, panel):
    path = written(
        tmp_path, YEARS.replace("valid_from: 2019-01-01,", "valid_from: 2019-01-01, valid_until: 2019-12-31,")
    )
    both = pd.concat([event("2018-12-12"), event("2019-05-15")], ignore_index=True)
    told = settle(panel, both, [path])
    assert told.events["program"].tolist() == ["own", "own@2019"]
    assert not told.partial
    for day, n in (("2018-12-12", 2), ("2019-05-15", 4)):
        assert len(selected(load_program(path), panel, day)) == n
    # Another one must be asked for by name, and its lines say that it was not in force.
    asked = settle(panel, both, [f"{path}@2019"])
    assert asked.events["program"].tolist() == ["own@2019"] * 2
    assert asked.events["remarks"].str.contains(
        "was in force from 2019-01-01 to 2019-12-31, and was asked for"
    ).tolist() == [
        True,
        False,
    ]
    with pytest.raises(StudyError, match="no vintage '2017': did you mean"):
        load_program(f"{path}@2017")


def test_an_event_outside_every_vintage_is_listed_with_a_remedy(tmp_path, panel):
    path = written(tmp_path, 'vintage: "2018"\nvalid_until: 2018-12-31')
    both = pd.concat([event("2018-12-12"), event("2019-05-15")], ignore_index=True)
    told = settle(panel, both, [path])
    assert len(told.events) == 1
    assert told.problems[["program", "reason"]].to_numpy().tolist() == [
        ["own", "own is not in force on that day: ask for a vintage by its name: own@2018 (… to 2018-12-31)"]
    ]
    with pytest.raises(DataError, match="own is not in force on 2019-05-15"):
        explain_event(load_program(path), panel, event("2019-05-15"))
    assert len(settle(panel, both, [f"{path}@2018"]).events) == 2


def test_the_service_of_great_britain_has_two_vintages():
    program = load_program("gb_dfs")
    assert vintage_on(program, pd.Timestamp("2023-01-10").date()).adjustment is not None
    assert vintage_on(program, pd.Timestamp("2024-01-10").date()).adjustment is None
    assert "Vintage 2023 (gb_dfs@2023): in force from 2023-11-01" in explain(program)
    assert "No adjustment" in explain(load_program("gb_dfs@2023"))


def unplaced(country=None, **more):
    rng = np.random.default_rng(3)
    times = pd.date_range("2019-03-01", "2019-05-10", freq="h", tz="UTC", unit="us")
    frame = pd.DataFrame({"site_id": "b1", "time": times, "observed_kw": rng.uniform(5, 9, len(times))})
    place = {} if country is None else {"country": country}
    return panel_of(frame, "Europe/London", **place, **more)


def test_day_types_without_a_calendar_are_told_once_with_what_was_done():
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        settle(unplaced(), event("2019-04-25"), ["caiso_10in10", "isone_10of10"])
    texts = [str(each.message) for each in told if each.category is DataWarning]
    assert len(texts) == 1
    assert "1 of 1 sites have no calendar, e.g. 'b1', and caiso_10in10 (and 1 more rules)" in texts[0]
    assert "public holidays count as the weekday they fall on; give --country" in texts[0]
    # Easter Monday is a working day then: the figure moves, which is why it is said.
    known = settle(unplaced("GB", subdivision="ENG"), event("2019-04-25"), ["caiso_10in10"]).events
    silent = settle(unplaced("none"), event("2019-04-25"), ["caiso_10in10"]).events
    assert known["baseline_kwh"].iloc[0] != silent["baseline_kwh"].iloc[0]


def test_a_file_that_is_settled_in_parts_tells_it_too(tmp_path):
    panel = unplaced()
    panel.data.reset_index().to_parquet(tmp_path / "panel.parquet", index=False)
    with pytest.warns(DataWarning, match="1 of 1 sites have no calendar"):
        settle_file(tmp_path / "panel.parquet", panel.sites, event("2019-04-25"), ["caiso_10in10"])


def test_a_country_whose_parts_keep_more_holidays_hints():
    with pytest.warns(DataWarning, match=r"country GB without a subdivision leaves out .* 2019-04-22 \(3 of 4 parts\)"):
        settle(unplaced("GB"), event("2019-04-25"), ["caiso_10in10"])


@pytest.mark.parametrize("rule", ["pjm_same_day", "aemo_wdrm_all_days"])
def test_a_rule_that_knows_no_day_types_says_nothing(rule):
    settle(unplaced(), event("2019-04-25"), [rule])  # warnings are errors here


def test_two_days_after_easter_a_calendar_decides_between_a_delivery_and_a_debt():
    # Fault: without the holidays four days of a closed building stood among its ten.
    whole = datasets.load("cambridge_sme").select(["b22"])
    rows = whole.data.loc[pd.IndexSlice[:, "2019-02-25":"2019-05-12"], ["observed_kw"]]
    asked = event("2019-04-24", stop="20:00").assign(site_id="b22")
    delivered = [
        settle(Panel(rows, whole.sites.assign(country=country, subdivision=part)), asked, ["caiso_10in10"]).events
        for country, part in (("none", ""), ("GB", "ENG"))
    ]
    assert [each["delivered_kwh"].iloc[0] for each in delivered] == pytest.approx([4.67, -9.21], abs=0.005)


def test_what_judges_events_takes_the_vintage_of_their_days(panel, tmp_path):
    later = "- {vintage: later, valid_from: 2019-01-01, days: [{applies_to: [working, rest], x: 4, y: 4, look_back_days: 30}]}"
    own = load_program(written(tmp_path, f'vintage: "2018"\nvalid_until: 2018-12-31\nvintages:\n  {later}\n'))
    for day, vintage in (("2018-12-05", "2018"), ("2019-03-06", "later")):
        assert rule_for(own, panel, event(day)).vintage == vintage
    assert rule_for(own, panel, event("2019-03-06")).days[0].x == 4
    both = pd.concat([event("2018-12-05"), event("2019-03-06")])
    with pytest.raises(DataError, match=r"fall into 2 vintages of own: .* own@later"):
        rule_for(own, panel, both)
    with pytest.raises(DataError, match="fall into 2 vintages"):
        side_by_side(panel, both, own)
    assert side_by_side(panel, event("2019-03-06"), own)["delivered_kwh"].notna().all()
