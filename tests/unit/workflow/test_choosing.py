"""Which measure chooses: quantiles are judged with the limits that make them, and what is not asked is not told of."""

import warnings

import pytest

from cblcast.config import make_study
from cblcast.errors import DataWarning
from cblcast.workflow.choosing import choose_method, plain_study
from cblcast.workflow.study_data import load_panel, prepare

DOCUMENT = {
    "study": "s",
    "data": {"dataset": "la_haute_borne", "reanalysis": ["era5"]},
    "events": {"every_min": 360, "horizon_min": 20},
    "train": ["2014-01-02", "2014-04-10"],
    "test": ["2014-04-11", "2014-04-12"],
    "scale": "rated_kw",
    "intervals": 0.8,
    "features": {"lags": {"ago": [1, 72]}},
    "methods": [
        {"name": "AR", "estimator": "ByLead", "of": {"estimator": "Autoregression", "orders": [1]}},
        {"name": "Persistence", "estimator": "Persistence"},
    ],
}


@pytest.mark.parametrize("metrics", [["crps"], ["nrmse", "crps", "pinball"]])
def test_a_study_with_crps_chooses_whatever_comes_first_and_says_nothing_of_missing_quantiles(metrics):
    chosen = set()
    for methods in (DOCUMENT["methods"], DOCUMENT["methods"][::-1]):
        study = make_study({**DOCUMENT, "metrics": metrics, "methods": methods})
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", DataWarning)
            chosen.add(choose_method(prepare(study, load_panel(study))))
        assert not [str(each.message) for each in told if "quantiles" in str(each.message)]
    assert len(chosen) == 1
    assert chosen.pop()[1].startswith(f"smallest {metrics[0]} from 2014-03-")


def test_limits_are_made_only_for_a_measure_that_reads_them():
    study = make_study({**DOCUMENT, "metrics": ["nrmse", "crps", "coverage"]})
    assert (plain_study(study, "nrmse").intervals, plain_study(study, "nrmse").metrics) == (None, ("nrmse",))
    assert (plain_study(study, "crps").intervals, plain_study(study, "crps").metrics) == (0.8, ("crps",))
    assert plain_study(study, "coverage").intervals == 0.8
