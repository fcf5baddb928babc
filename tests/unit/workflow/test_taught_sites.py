"""Sites that taught the pretrained baseline are known by their readings, whatever they are called; others are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.config import make_study
from cblcast.forecast.paired_bootstrap import Bootstrap
from cblcast.frames.panel import Panel, panel_of
from cblcast.report.judged import LEARNED, PRETRAINED, RECALLS, RULE, recommended
from cblcast.report.words import words_of
from cblcast.workflow.judged_report import kinds_of
from cblcast.workflow.meter_report import Asked, report_meter
from cblcast.workflow.study_report import report_study
from cblcast.workflow.taught_sites import taught_themselves

TEST = ("2019-09-02", "2019-12-20")


@pytest.fixture(autouse=True)
def _bundled_alone(monkeypatch):
    monkeypatch.delenv(datasets.ENVIRONMENT_VARIABLE, raising=False)


def building(name="mine", first="2019-06-01", decimals=2, factor=1.0):
    """A bundled building as a user may have it: under another name, in UTC, rounded."""
    data = datasets.load("cambridge_sme").data.loc[["b22"], ["observed_kw"]].reset_index()
    data = data[data["time"] >= first].assign(site_id=name)
    return panel_of(data.assign(observed_kw=(factor * data["observed_kw"]).round(decimals)), tz="Europe/London")


def test_a_building_that_taught_is_known_under_another_name():
    assert taught_themselves(building(), *TEST) == {"mine": "cambridge_sme"}


def test_a_home_is_known_by_its_load_and_by_its_meter():
    home = datasets.load("fontana_homes").select(["home_01"])
    days = ("2017-05-01", "2017-06-30")
    assert taught_themselves(Panel(home.data[["observed_kw"]], home.sites), *days) == {"home_01": "fontana_homes"}
    load = home.data[["load_kw"]].rename(columns={"load_kw": "observed_kw"})
    assert taught_themselves(Panel(load, home.sites), *days) == {"home_01": "fontana_homes"}


@pytest.mark.parametrize(
    "stranger", [building(factor=1.1), building(first="2019-12-19")], ids=["another size", "too few readings"]
)
def test_other_sites_are_not(stranger):
    assert taught_themselves(stranger, *TEST) == {}


def test_a_dead_meter_is_nobody():
    dead = building().data * 0.0
    assert taught_themselves(Panel(dead, building().sites), *TEST) == {}
    assert taught_themselves(Panel(dead * np.nan, building().sites), *TEST) == {}


def test_days_that_it_did_not_learn_from_praise_nothing():
    later = building().data.reset_index()
    later["time"] = later["time"] + pd.Timedelta(days=7 * 520)
    assert taught_themselves(panel_of(later, tz="Europe/London"), "2029-09-02", "2029-12-01") == {}


def test_what_recalls_is_recommended_only_where_nothing_else_can_be():
    def compared(*names):
        table = pd.DataFrame({"nrmse": range(1, 4), "behind_low": [0.0, 0.1, 0.2]}, index=["box", "learned", "rule"])
        return Bootstrap(table.loc[list(names)], np.nan, 10, 10, 0.9)

    kinds = {"box": RECALLS, "learned": LEARNED, "rule": RULE}
    assert recommended(compared("box", "learned", "rule"), kinds) == "learned"
    assert recommended(compared("box", "learned", "rule"), kinds | {"box": PRETRAINED}) == "box"
    assert recommended(compared("box"), kinds) == "box"


def test_the_page_says_it(tmp_path):
    data = building(first="2019-10-20").data.reset_index()
    data.to_csv(tmp_path / "mine.csv", index=False)
    found = report_meter(tmp_path / "mine.csv", words_of(), Asked("17:00-20:00", ("10of10", "pretrained")))
    html = found.page.html()
    assert found.recommended == "10of10"
    assert "pretrained learned from these very sites on the days that are judged here" in html
    assert "pretrained: learned from these very days" in html
    assert "it learned from these very sites and days: it recalls them" in html


def test_kinds_of_a_study_on_a_bundled_set_need_no_meter():
    study = make_study(
        {
            "study": "s",
            "data": {"dataset": "turin"},
            "events": {"start": "17:00", "stop": "20:00", "days": "working"},
            "test": ["2019-01-01", "2019-06-30"],
            "methods": ["10of10", "pretrained"],
        },
        "test",
    )
    assert kinds_of(study, study.forecasters(), None) == {"10of10": RULE, "pretrained": RECALLS}


def test_a_page_on_a_bundled_set_says_why_the_line_is_missing(tmp_path, caplog):
    text = (
        "study: s\ndata: {dataset: turin}\nevents: {start: '17:00', stop: '20:00', days: working}\n"
        "test: [2019-06-03, 2019-06-14]\nmethods: [High5of10]\n"
    )
    (tmp_path / "s.yaml").write_text(text)
    with caplog.at_level("INFO", "cblcast.io"):
        html = report_study(tmp_path / "s.yaml", words_of()).html()
    said = "o line of the pretrained baseline: the pretrained baseline learned from turin itself"
    assert f"N{said}" in html
    assert f"n{said}" in caplog.text
