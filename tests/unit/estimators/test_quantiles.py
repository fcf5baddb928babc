"""Levels of quantile learners: which is the estimate, which are the limits."""

import numpy as np
import pandas as pd
import pytest

from cblcast.estimators.learners.quantile_boosting import QuantileBoosting
from cblcast.estimators.learners.quantile_forest import QuantileForest
from cblcast.estimators.neural.quantile_net import QuantileNet
from cblcast.estimators.quantiles import PERCENTILES, Levels
from cblcast.estimators.wrappers.lead_intervals import LeadIntervals
from cblcast.frames.schema import StudyError

LEARNERS = [QuantileBoosting, QuantileForest, QuantileNet, LeadIntervals]


def test_percentiles_hold_the_median_and_every_even_coverage():
    levels = Levels.of(PERCENTILES)
    assert levels.values[levels.median] == 0.5
    assert [levels.values[k] for k in levels.tails(0.8)] == [0.1, 0.9]
    assert [levels.values[k] for k in levels.tails(0.98)] == [0.01, 0.99]


@pytest.mark.parametrize("levels", [(), (0.9, 0.1), (0.5, 0.5), (0.0, 0.5), (0.5, 1.0), 0.5, (0.1, float("nan"))])
@pytest.mark.parametrize("learner", LEARNERS)
def test_levels_that_are_none_are_refused_by_every_learner_alike(learner, levels):
    with pytest.raises(StudyError, match="levels ascend and lie between 0 and 1"):
        learner(levels=levels).check()


@pytest.mark.parametrize("learner", LEARNERS)
def test_a_coverage_that_the_levels_do_not_hold_says_so(learner):
    learner(levels=(0.05, 0.1, 0.5, 0.9, 0.95), coverage=0.9).check()
    with pytest.raises(
        StudyError, match=learner.__name__ + r" has no level 0\.05, where the limits of 90 % coverage lie"
    ):
        learner(levels=(0.1, 0.5, 0.9), coverage=0.9).check()
    with pytest.raises(StudyError, match=r"has no level 0\.9, "):
        learner(levels=(0.1, 0.5, 0.95), coverage=0.8).check()
    with pytest.raises(StudyError, match="coverage lies between 0 and 1"):
        learner(coverage=90).check()


def test_the_limits_are_the_levels_of_the_coverage_and_one_level_has_none():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.normal(size=400)})
    y = X["x"].to_numpy() + rng.normal(size=400)
    forest = QuantileForest(levels=(0.05, 0.1, 0.5, 0.9, 0.95), n_estimators=5).fit(X, y)
    found = forest.predict_quantiles(X)
    np.testing.assert_array_equal(forest.predict(X), found[:, 2])
    np.testing.assert_array_equal(forest.predict_interval(X), found[:, [1, 3]])
    np.testing.assert_array_equal(forest.set_params(coverage=0.9).predict_interval(X), found[:, [0, 4]])
    single = QuantileForest(levels=(0.5,), n_estimators=5).fit(X, y)
    with pytest.raises(StudyError, match=r"has one level, 0\.5, and no limits"):
        single.predict_interval(X)
