"""A rule that is a model tells what it took an event for: beside the worked event, and on the line of a settlement."""

from __future__ import annotations

import pandas as pd
import pytest

from cblcast import datasets
from cblcast.errors import StudyError
from cblcast.forecast.methods import make_estimator
from cblcast.programs import Program, explain_event
from cblcast.programs.forecasters import program_forecaster
from cblcast.settlement import settle

EVIDENCE = {"selection": {"source": "a contract", "as_of": "2026-11", "confidence": "own"}}
TREATED = "treated as a closed day: the load before the event is 18 % of the usual"


def rule(model="UnusualDay", **params):
    return Program(
        name="own_model",
        title="Own",
        family="model",
        model=model,
        model_params=params,
        day_types="working",
        evidence=EVIDENCE,
    )


@pytest.fixture(scope="module")
def building():
    """A shop that was closed on 27 December, a working day."""
    return datasets.load("cambridge_sme").select(["b14"])


@pytest.fixture(scope="module")
def events():
    start = pd.DatetimeIndex(["2019-12-18T17:00Z", "2019-12-27T17:00Z"])
    return pd.DataFrame({"site_id": "b14", "start": start, "stop": start + pd.Timedelta(hours=3)})


def test_the_worked_event_says_what_it_was_treated_as(building, events):
    told = explain_event(rule(of="PBLM-10of10"), building, events.iloc[[1]], events)
    assert told.note == TREATED
    assert told.text().endswith(TREATED)
    assert explain_event(rule(of="PBLM-10of10"), building, events.iloc[[0]], events).note == ""


def test_the_line_of_a_settlement_says_it_too(building, events):
    lines = settle(building, events, [rule(of="PBLM-10of10")]).events
    assert lines["remarks"].tolist() == ["", TREATED]
    assert settle(building, events, [rule("XofY", x=10, y=10)]).events["remarks"].tolist() == ["", ""]


def test_the_pretrained_baseline_is_a_rule_in_the_view_of_a_settlement():
    made = program_forecaster(rule("pretrained"))
    assert made.estimator is make_estimator("pretrained/settlement")
    with pytest.raises(StudyError, match="reads what the view of the study hides"):
        program_forecaster(rule("pretrained/day_ahead"))
    with pytest.raises(StudyError, match="unknown method 'pretraind'"):
        program_forecaster(rule("pretraind"))
