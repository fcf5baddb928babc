"""The file of a world of commuters, what it leaves behind, and its figures."""

import gzip

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from cblcast.config.commuting import CommutingFile
from cblcast.config.problems import validated
from cblcast.errors import DataError, StudyError
from cblcast.io.matsim.network import read_network
from cblcast.io.matsim.sample import equil
from cblcast.report.commuting_figures import energy_figure, link_map_figure, presence_figure
from cblcast.workflow.commuting import Commuting

DRAWN = {"persons": 60, "working": 50, "offices": 2, "home_links": 2}
FILE = {"world": "commuting", "population": {"drawn": DRAWN}, "days": 7, "tz": "Europe/Berlin", "slice_min": 60}


def run(tmp_path, **changes):
    return Commuting().run(CommutingFile(**{**FILE, **changes}), tmp_path)


def test_it_leaves_load_people_truth_and_schedules(tmp_path):
    result = run(tmp_path, telework={"share": 0.5, "from": "2019-01-09"})
    assert set(result.tables["panel"]) == {"observed_kw", "occupants", "occupants_planned"}
    assert set(result.tables["truth"]) == {"truth_kw", "without_telework_kw"}
    assert list(result.tables["panel"].index.names) == ["site_id", "time"]
    assert result.summary["office_kwh"] < result.summary["office_kwh_without_telework"]
    assert result.summary["home_kwh"] > result.summary["home_kwh_without_telework"]
    schedule = result.tables["schedule_office_w0"]
    assert schedule.index.tolist() == list(range(24))
    assert schedule["fraction"].max() == 1
    assert schedule.loc[3, "persons"] == 0
    assert result.notes == ("the population is drawn, not observed",)
    result.figures["presence"]()


def test_its_panel_feeds_a_study(tmp_path):
    """Write the panel as a user gets it, read it as a meter file, and judge a rule and a regression that is told the people."""
    from cblcast.config import make_study
    from cblcast.workflow.studies import run_study

    result = run(tmp_path, days=70, telework={"share": 0.4, "from": "2019-03-04"})
    result.tables["panel"].reset_index().to_csv(tmp_path / "panel.csv", index=False)
    study = make_study(
        {
            "study": "commuters",
            "data": {"panel": "panel.csv", "tz": "Europe/Berlin"},
            "events": {"start": "13:00", "stop": "16:00", "days": "working"},
            "train": ["2019-01-21", "2019-02-22"],
            "test": ["2019-03-04", "2019-03-08"],
            "features": {"reference_days": {"days": 5}, "occupancy": {"column": "occupants_planned", "days": 5}},
            "methods": ["5of5", {"estimator": "Ridge", "by": ["site_id"], "clip": None}],
        },
        "study.yaml",
        tmp_path,
    )
    scored = run_study(study).backtest.scored
    office = scored[scored.index.get_level_values("site_id").str.startswith("office")]
    bias = (office["predicted_kw"] - office["observed_kw"]).groupby(office["method"]).mean()
    assert bias["5of5"] > 0  # the week after the change: its reference days know nothing of it
    assert abs(bias["Ridge"]) < bias["5of5"]


def test_the_bundled_agents_and_opening_times(tmp_path):
    result = run(
        tmp_path,
        population={"matsim": {"events": "equil"}},
        opening_times={"opens": 8, "closes": 17, "latest_start": 12},
    )
    assert result.summary["commuters"] == 100
    assert result.tables["sites"]["size"].tolist() == [100, 100]
    usual = run(tmp_path, population={"matsim": {"events": "equil"}})
    opened, before = (found.tables["schedule_office_20"]["persons"] for found in (result, usual))
    assert opened.idxmax() == 8  # they come by 6:20 unless the office opens at 8, and most leave after half an hour
    assert before.idxmax() == 6


def test_files_beside_the_world_are_found_and_others_named(tmp_path):
    events, network = equil()
    (tmp_path / "e.xml.gz").write_bytes(events.read_bytes())
    (tmp_path / "n.xml").write_bytes(network.read_bytes())
    found = run(tmp_path, population={"matsim": {"events": "e.xml.gz", "network": "n.xml", "work": "w"}})
    assert found.summary["persons"] == 100
    with pytest.raises(StudyError, match=r"'x\.xml' is neither beside"):
        run(tmp_path, population={"matsim": {"events": "x.xml", "network": "n.xml"}})


@pytest.mark.parametrize("change", [
    {"population": {"matsim": {"events": "run.xml"}}}, {"population": {"drawn": {"persons": 3}}},
    {"population": {}}, {"days": 0}, {"attendance": 1.2},
    {"telework": {"share": 2, "from": "2019-01-01"}}, {"no_such_key": 1}, {"noise": -0.1}, {"slice_min": 0},
])  # fmt: skip
def test_what_the_file_may_not_say(change):
    with pytest.raises(ValidationError):
        CommutingFile(**{**FILE, **change})


def test_figures_are_drawn():
    energy = pd.DataFrame(
        {"office_kwh": [3.0, 2.0], "home_kwh": [5.0, 6.0], "transport_kwh": [4.0, 1.0]}, index=["s1", "s2"]
    )
    figure = energy_figure(energy, "title")
    assert len(figure.axes[0].patches) == 3
    assert len(figure.axes[1].patches) == 3
    figure = presence_figure({"s1": np.linspace(0, 1, 96), "s2": np.linspace(0, 0.9, 96)})
    assert len(figure.axes[0].patches) == 2
    network = read_network(equil()[1])
    figure = link_map_figure(network.nodes, network.links, pd.Series({"20": 12.0, "unknown": 3.0}))
    assert len(figure.axes[0].collections) == 2


@pytest.mark.parametrize(("change", "message"), [
    ({"tz": "Mars/Phobos"}, "no IANA time zone"),
    ({"seed": -1}, "seed is -1"),
    ({"days": 10**9}, "at most"),
    ({"jitter_min": 721}, "jitter_min is 0 to 720"),
    ({"telework": {"share": 0.1, "from": "2019-01-14"}}, "the world's last day is 2019-01-13"),
    ({"population": {"drawn": DRAWN | {"travel_min": 5000}}}, "do not fit into a day"),
])  # fmt: skip
def test_a_world_that_cannot_be_lived_is_one_sentence(tmp_path, change, message):
    with pytest.raises((DataError, StudyError), match=message):
        run(tmp_path, **change)


@pytest.mark.parametrize(("change", "message"), [
    ({"jitter_min": float("inf")}, "jitter_min: must be a finite number, not inf"),
    ({"first_day": "2019-13-40"}, "first_day: '2019-13-40' is no date"),
    ({"first_day": "2019-01-07T12:00+01:00"}, "first_day: .* is no date"),
    ({"first_day": "9999-01-01"}, "first_day: 9999-01-01 lies outside 1970 to 2199"),
    ({"telework": {"share": 0.1, "from": "soon"}}, "telework.from: 'soon' is no date"),
])  # fmt: skip
def test_values_that_no_world_has_are_refused_where_they_are_declared(change, message):
    with pytest.raises(StudyError, match=message):
        validated(CommutingFile, {**FILE, **change}, "world.yaml")


def test_a_day_may_begin_at_one_o_clock(tmp_path):
    """Clocks in Sao Paulo went from 0:00 to 1:00 on 2018-11-04."""
    result = run(tmp_path, first_day="2018-11-04", days=2, tz="America/Sao_Paulo")
    assert result.tables["panel"].loc["home_h0"].index[0] == pd.Timestamp("2018-11-04 03:00", tz="UTC")
    assert len(result.tables["panel"].loc["home_h0"]) == 23 + 24


def test_schedules_have_persons_in_every_hour_or_are_not_written(tmp_path):
    longer = run(tmp_path, slice_min=120).tables["schedule_home_h0"]
    assert longer["persons"].notna().all()
    assert longer.loc[8, "persons"] == longer.loc[9, "persons"]
    weekend = run(tmp_path, first_day="2019-01-05", days=2)
    assert not [name for name in weekend.tables if name.startswith("schedule")]
    assert any("schedules of working days" in note for note in weekend.notes)
    assert not weekend.figures


def test_a_link_with_a_slash_is_a_file_all_the_same(tmp_path):
    from cblcast.workflow.worlds import write_result

    events, network = equil()
    for source, name in ((events, "e.xml"), (network, "n.xml")):
        raw = gzip.decompress(source.read_bytes()) if source.suffix == ".gz" else source.read_bytes()
        text = raw.decode().replace('link="20"', 'link="a/b"').replace('<link id="20"', '<link id="a/b"')
        (tmp_path / name).write_text(text)
    result = run(tmp_path, population={"matsim": {"events": "e.xml", "network": "n.xml"}})
    assert "office_a/b" in result.tables["sites"].index
    write_result(result, tmp_path / "out")
    assert (tmp_path / "out" / "schedule_office_a%2Fb.csv").is_file()
