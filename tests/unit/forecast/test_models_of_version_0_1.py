"""Models that version 0.1 saved, under names of modules that have moved since, still load and say the same."""

import json
from pathlib import Path

import numpy as np
import pytest

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.cases import View

SAVED = Path(__file__).parent / "saved_by_0_1"  # made by version 0.1 on Turin, June to September 2019


@pytest.fixture(scope="module")
def asked():
    panel = datasets.load("turin")
    events = placebo_events(panel, "17:00", "20:00", first="2019-06-01", last="2019-10-31")
    events = events[events["start"] >= "2019-10-01"].reset_index(drop=True)[:3]
    return panel.with_events(events), events


@pytest.mark.parametrize("name", sorted(folder.name for folder in SAVED.iterdir()))
def test_a_saved_model_says_what_it_said(name, asked):
    panel, events = asked
    forecaster = Forecaster.load(SAVED / name)
    assert forecaster.view == View.settlement()
    said = forecaster.predict(panel, forecaster.cases(panel, events))["predicted_kw"].to_numpy()
    expected = np.array(json.loads((SAVED / name / "expected.json").read_text()), dtype=np.float64)
    np.testing.assert_allclose(said, expected, rtol=1e-9)


@pytest.mark.parametrize("name", sorted(folder.name for folder in SAVED.iterdir()))
def test_it_is_saved_again_in_the_present_format(name, asked, tmp_path):
    panel, events = asked
    Forecaster.load(SAVED / name).save(tmp_path)
    assert "cblcast." not in (tmp_path / "model.json").read_text()
    again = Forecaster.load(tmp_path)
    said = again.predict(panel, again.cases(panel, events))["predicted_kw"].to_numpy()
    expected = np.array(json.loads((SAVED / name / "expected.json").read_text()), dtype=np.float64)
    np.testing.assert_allclose(said, expected, rtol=1e-9)
