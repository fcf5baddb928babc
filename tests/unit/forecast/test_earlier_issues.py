"""Earlier issues beside those that are asked, on the bundled farm: the same alone and together, and nothing of the future."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.estimators.rules.persistence import Persistence
from cblcast.estimators.wrappers.lead_intervals import LeadIntervals
from cblcast.estimators.wrappers.recent_intervals import RecentIntervals
from cblcast.forecast.earlier_issues import beside_earlier_issues
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.nowcast import issue_nowcast
from cblcast.frames.panel import Panel
from cblcast.frames.recent_issues import ISSUE_COLUMNS, ISSUE_ENDS, ISSUE_POWER
from cblcast.frames.rolling import Horizon, rolling_origins

ORIGIN = pd.Timestamp("2014-03-20T12:00Z")
LIMITS = ["lower_kw", "upper_kw", "q10_kw", "q90_kw"]


@pytest.fixture(scope="module")
def farm():
    whole = datasets.load("la_haute_borne")
    time = whole.data.index.get_level_values("time")
    return Panel(whole.data[(time >= "2014-01-01") & (time < "2014-04-01")].astype(np.float64), whole.sites)


def desk(farm, limits):
    cases = rolling_origins(farm, range(10, 70, 10), every_min=60, last="2014-03-01")
    return Forecaster(limits, name="desk", horizon=Horizon(60)).fit(farm, cases)


@pytest.fixture(scope="module")
def trained(farm):
    return desk(farm, RecentIntervals(Persistence(), bins=4, days=10))


def test_a_nowcast_alone_is_that_of_the_backtest_and_of_the_saved_model(farm, trained, tmp_path):
    cases = rolling_origins(farm, range(10, 70, 10), every_min=60, first="2014-03-10", last="2014-03-25")
    judged = trained.predict(farm, cases).xs(ORIGIN, level="origin", drop_level=False)
    data = farm.data[farm.data.index.get_level_values("time") < ORIGIN]
    trained.save(tmp_path / "model")
    for forecaster in (trained, Forecaster.load(tmp_path / "model")):
        issued = issue_nowcast(forecaster, Panel(data, farm.sites), "data").rows
        np.testing.assert_allclose(issued[LIMITS], judged[LIMITS])
        np.testing.assert_allclose(issued["nowcast_kw"], judged["predicted_kw"])
    plain = desk(farm, LeadIntervals(Persistence(), bins=4)).predict(farm, cases)
    np.testing.assert_array_equal(plain["predicted_kw"], trained.predict(farm, cases)["predicted_kw"])
    assert (plain["upper_kw"] != trained.predict(farm, cases)["upper_kw"]).mean() > 0.5


def test_earlier_issues_are_metered_and_outside_the_training(farm, trained):
    cases = rolling_origins(farm, (10, 60), every_min=60, first="2014-03-10", last="2014-03-12")
    X = trained.matrix(farm, cases)
    beside, asked = beside_earlier_issues(farm, cases, X, trained.estimator, lambda *of, room: [trained.matrix(*of)])
    pd.testing.assert_frame_equal(beside[asked].drop(columns=list(ISSUE_COLUMNS)), X)
    assert beside.loc[asked, ISSUE_POWER].isna().all()
    earlier = beside[~asked]
    origin = earlier.index.get_level_values("origin")
    assert (origin.min(), origin.max()) == (pd.Timestamp("2014-03-01T00:00Z"), pd.Timestamp("2014-03-10T21:00Z"))
    assert set(origin.hour) == {*range(0, 24, 3)}
    assert set(origin.minute) == {0}
    time = earlier.index.get_level_values("time")
    metered = farm.data["observed_kw"].xs("la_haute_borne").reindex(time)
    np.testing.assert_array_equal(earlier[ISSUE_POWER], metered)
    assert (pd.to_datetime(earlier[ISSUE_ENDS], unit="us", utc=True).array == time + pd.Timedelta(minutes=10)).all()


def test_limits_know_nothing_that_was_metered_after_the_origin(farm, trained):
    late = np.asarray(farm.data.index.get_level_values("time") >= ORIGIN)
    garbage = {name: farm.data[name].where(~late, 1e4) for name in farm.data.columns}
    cases = rolling_origins(farm, (10, 60), every_min=60, first="2014-03-19", last="2014-03-22")
    known = np.asarray(cases.index.get_level_values("origin") <= ORIGIN)
    one, other = (
        trained.predict(panel, cases[known]) for panel in (farm, Panel(farm.data.assign(**garbage), farm.sites))
    )
    pd.testing.assert_frame_equal(one, other)


def test_a_short_panel_gives_the_limits_that_were_learned_and_those_of_the_last_training_days(farm, trained):
    time = farm.data.index.get_level_values("time")
    short = Panel(farm.data[(time >= "2014-03-20") & (time < ORIGIN)], farm.sites)
    issued = issue_nowcast(trained, short, "data").rows  # no issue of the ten days before: as learned
    plain = issue_nowcast(desk(farm, LeadIntervals(Persistence(), bins=4)), short, "data").rows
    np.testing.assert_allclose(issued[LIMITS], plain[LIMITS])


def test_an_issue_that_lacks_what_those_asked_have_tells_nothing_of_their_errors(farm, trained):
    cases = rolling_origins(farm, (10, 60), every_min=60, first="2014-03-10", last="2014-03-12")
    ahead = Forecaster(
        trained.estimator, {"lags": {"columns": ("wind_speed_nacelle_ms",), "ago": (1,)}}, horizon=Horizon(60)
    )
    time = farm.data.index.get_level_values("time")
    wind = farm.data["wind_speed_nacelle_ms"]
    late = Panel(farm.data.assign(wind_speed_nacelle_ms=wind.where(time >= "2014-03-05")), farm.sites)
    beside, asked = beside_earlier_issues(
        late, cases, ahead.matrix(late, cases), ahead.estimator, lambda *of, room: [ahead.matrix(*of)]
    )
    assert beside.index.get_level_values("origin")[~asked].min() == pd.Timestamp("2014-03-05T03:00Z")
    assert asked.sum() == len(cases)


def test_issues_that_lack_a_feature_are_left_out_wherever_they_stand(farm, trained):
    """Beside the slow way, which makes, filters and joins frames."""
    cases = rolling_origins(farm, (10, 30, 60), every_min=60, first="2014-03-10", last="2014-03-11")
    X = trained.matrix(farm, cases)
    rng, made = np.random.default_rng(4), []

    def features(panel, earlier, room):
        whole = trained.matrix(panel, earlier)
        whole = whole.mask(rng.random(whole.shape) < 0.05)
        made.append(whole)
        return [whole.iloc[:, :2], whole.iloc[:, 2:]]

    never = X.assign(**{X.columns[1]: np.nan})  # what none of those that are asked has may be lacking
    beside, asked = beside_earlier_issues(farm, cases, never, trained.estimator, features)
    lacking = made[0].isna() & never.notna().any(axis=0)
    slow = pd.concat([never, made[0][~lacking.any(axis=1)]])
    assert 0 < lacking.any(axis=1).sum() < len(made[0])
    pd.testing.assert_frame_equal(beside.drop(columns=list(ISSUE_COLUMNS)), slow)
    np.testing.assert_array_equal(asked, np.arange(len(slow)) < len(X))
