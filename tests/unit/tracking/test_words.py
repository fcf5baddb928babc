"""What parameters and measures are called in the store."""

import pytest

from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.frames.cases import View
from cblcast.metrics import UNITS
from cblcast.registry import METRICS
from cblcast.tracking.words import chain_words, column_of, method_words, metric_name

LEADERBOARD = ["mpe", "mape", "rmse", "nrmse", "coverage", "n_events", "n_sites", "n_excluded", "train_s", "predict_s"]


@pytest.mark.parametrize(
    ("column", "logged"),
    [
        ("nrmse", "nrmse_pct"),
        ("rmse", "rmse_kw"),
        ("bias", "bias_kw"),
        ("n_events", "event/judged"),
        ("train_s", "time/train_s"),
        ("income_eur", "value/income_eur"),
        ("lead_030/nrmse_pct", "lead_030/nrmse_pct"),
    ],
)
def test_a_metric_has_its_group_and_its_unit(column, logged):
    assert metric_name(column) == logged
    assert column_of(logged) == column


@pytest.mark.parametrize("column", [*LEADERBOARD, *UNITS, "income_eur"])
def test_names_of_old_stores_are_those_of_the_leaderboard(column):
    assert column_of(column) == column
    assert column_of(metric_name(column)) == column


def test_every_measure_of_the_registry_has_a_unit_or_is_a_share():
    assert set(METRICS) - set(UNITS) <= {"cvrmse", "nmbe"}


def test_bare_and_adjusted_rules_have_the_same_parameters():
    bare, adjusted = (method_words(Forecaster(make_estimator(name))) for name in ("High3of5", "PBLM-High3of5"))
    assert bare.keys() == adjusted.keys()
    different = {key for key in bare if bare[key] != adjusted[key]}
    assert different == {"adjustment", "window", "features"}  # the window is looked up by a builder of its own
    assert (bare["adjustment"], adjusted["adjustment"]) == ("none", "multiplicative")
    assert (adjusted["rule"], adjusted["x"], adjusted["y"], adjusted["rank"]) == ("High3of5", "3", "5", "event")
    assert not [key for key in adjusted if "__" in key]


def test_two_adjustments_are_told_in_their_order():
    words = chain_words(make_estimator("BW-PBLM-Nearest5of10"))
    assert words["window"] == "PBLM, then BW"
    assert words["rule"] == "Nearest5of10"


def test_what_is_set_on_a_wrapper_is_told_and_its_defaults_are_not():
    words = chain_words(make_estimator({"estimator": "Adjusted", "of": "10of10", "limits": (0.8, 1.2)}))
    assert words["adjusted.limits"] == "0.8, 1.2"
    assert [key for key in words if key.startswith("adjusted.")] == ["adjusted.limits"]


def test_members_are_numbered():
    words = chain_words(make_estimator({"estimator": "Ensemble", "members": ["High3of5", "Ridge"]}))
    assert words["members.1.rule"] == "High3of5"
    assert words["members.2.learner"] == "Ridge"


def test_the_view_is_told_in_hours():
    words = method_words(Forecaster(make_estimator("10of10"), view=View.settlement(1.0, 2.0)))
    assert (words["hidden_before_h"], words["hidden_after_h"]) == ("1", "2")
    words = method_words(Forecaster(make_estimator("10of10"), view=View.real_time()))
    assert words["hidden_after_h"] == "all"
