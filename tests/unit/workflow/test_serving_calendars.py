"""A registered model at work on a meter without a calendar says what it did with holidays; one that knows no day types does not."""

import pandas as pd
import pytest

from cblcast import datasets
from cblcast.errors import DataWarning
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.io.options import ReaderOptions
from cblcast.workflow.serving import read_panel_for, tells_days_apart


@pytest.fixture(scope="module")
def meter(tmp_path_factory):
    path = tmp_path_factory.mktemp("serving") / "meter.csv"
    rows = datasets.load("cambridge_sme").data.loc[pd.IndexSlice["b1", "2019-06-01":"2019-06-07"], ["observed_kw"]]
    rows.reset_index().to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("method", "features", "tells"),
    [
        ("High5of10", None, True),
        ("MeterBeforeMeterAfter", None, False),
        ("MeterBeforeMeterAfter", {"calendar": {}}, True),
    ],
)
def test_who_tells_days_apart(method, features, tells):
    assert tells_days_apart(Forecaster(make_estimator(method), features)) is tells


def test_a_meter_without_a_calendar_is_told_once(meter):
    made = Forecaster(make_estimator("High5of10"), name="mine")
    with pytest.warns(DataWarning, match="1 of 1 sites have no calendar, e.g. 'b1', and mine tells types of day apart"):
        read_panel_for(made, meter, ReaderOptions(tz="Europe/London"))
    read_panel_for(made, meter, ReaderOptions(tz="Europe/London", country="GB", subdivision="ENG"))
    plain = Forecaster(make_estimator("MeterBeforeMeterAfter"))
    read_panel_for(plain, meter, ReaderOptions(tz="Europe/London"))  # warnings are errors here
