"""A level that is given needs no history."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.errors import DataError, StudyError
from cblcast.estimators.rules.firm_service_level import FirmServiceLevel
from cblcast.frames.panel import Panel
from cblcast.programs.model import Program
from cblcast.settlement import settle


@pytest.fixture(scope="module")
def panel():
    """Four days of a building: too few for anything that learns."""
    whole = datasets.load("cambridge_sme").select(["b1"])
    data = whole.data.loc[pd.IndexSlice[:, "2019-06-10":"2019-06-13"], ["observed_kw"]]
    return Panel(data, whole.sites.assign(plc_kw=40.0))


def program(**params):
    evidence = {"selection": {"source": "a test", "as_of": "2026-11", "confidence": "own"}}
    return Program(
        name="fsl", title="", family="model", model="FirmServiceLevel", model_params=params, evidence=evidence
    )


@pytest.mark.parametrize("params", [{"level_kw": 40.0}, {"level_kw": {"b1": 40.0}}, {"level_column": "plc_kw"}])
def test_a_given_level_settles_without_training_days(panel, params):
    event = placebo_events(panel, "17:00", "20:00", first="2019-06-12", last="2019-06-12")
    told = settle(panel, event, [program(**params)]).events.iloc[0]
    assert told["baseline_kwh"] == pytest.approx(3 * 40.0)


def test_a_level_to_be_learned_still_needs_them(panel):
    event = placebo_events(panel, "17:00", "20:00", first="2019-06-12", last="2019-06-12")
    with pytest.raises(DataError, match="a learned baseline needs 20 whole days"):
        settle(panel, event, [program()])


def test_a_level_is_given_once():
    with pytest.raises(StudyError, match="by level_kw or by level_column, not by both"):
        FirmServiceLevel(level_kw=1.0, level_column="plc_kw").check()


def test_a_site_without_its_level_has_no_baseline(panel):
    dark = Panel(panel.data, panel.sites.assign(plc_kw=np.nan))
    event = placebo_events(dark, "17:00", "20:00", first="2019-06-12", last="2019-06-12")
    told = settle(dark, event, [program(level_column="plc_kw")])
    assert told.events.empty
    assert len(told.problems) == 1
