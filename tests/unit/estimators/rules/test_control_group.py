"""Control groups: matching by load shape, the three baselines, and the validity tests with their reasons."""

from functools import lru_cache

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.estimators.rules.control_group import ClusterControl, NearestControl, SyntheticControl
from cblcast.estimators.wrappers.adjusted import Adjusted
from cblcast.estimators.wrappers.intervals import Conformal
from cblcast.features.control_group import ControlGroup
from cblcast.features.control_match import cluster_shapes, load_shape, shape_gap, synthetic_weights
from cblcast.forecast.backtest import backtest
from cblcast.forecast.evaluation import evaluate
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.frames.cases import View, make_cases
from cblcast.frames.panel import Panel
from cblcast.frames.schema import DataError, StudyError

SETTLEMENT = View.settlement()


@lru_cache
def buildings() -> Panel:
    """Twelve real buildings, half of 2018; b1 and b22 are the customers, the others the control group."""
    panel = datasets.load("cambridge_sme")
    time = panel.data.index.get_level_values("time")
    keep = (time >= pd.Timestamp("2018-03-01", tz="UTC")) & (time < pd.Timestamp("2018-09-01", tz="UTC"))
    group = ["treated" if site in ("b1", "b22") else "control" for site in panel.sites.index]
    return Panel(panel.data[keep], panel.sites.assign(group=group))


def with_load(panel: Panel, site: str, load) -> Panel:
    """The panel with the load of one site replaced."""
    data = panel.data.copy()
    data.loc[[site], "observed_kw"] = np.asarray(load)
    return Panel(data, panel.sites)


def load_of(panel: Panel, site: str) -> np.ndarray:
    return panel.data.loc[site, "observed_kw"].to_numpy()


def events_of(panel: Panel, *sites: str, first="2018-06-01", last="2018-06-15") -> pd.DataFrame:
    events = placebo_events(panel, "17:00", "20:00", first=first, last=last)
    return events[events["site_id"].isin(sites)].reset_index(drop=True)


def estimates(panel: Panel, estimator, events: pd.DataFrame, **params) -> pd.DataFrame:
    return backtest(panel, {"m": Forecaster(estimator, {"control_group": params}, SETTLEMENT)}, events).scored


def test_weights_are_those_of_the_mixture_that_made_the_site():
    rng = np.random.default_rng(0)
    donors = rng.gamma(4.0, 1.0, (400, 5))
    truth = np.array([0.3, 0.7, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(synthetic_weights(donors @ truth, donors, 1e-9), truth, atol=1e-4)


def test_weights_stay_on_the_simplex_and_shrink_to_the_mean():
    rng = np.random.default_rng(1)
    donors, target = rng.gamma(4.0, 1.0, (300, 6)), rng.gamma(4.0, 1.0, 300)
    donors[5, 2] = np.nan
    weights = synthetic_weights(target, donors, 0.1)
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(synthetic_weights(target, donors, 1e6), 1 / 6, atol=1e-4)
    np.testing.assert_allclose(synthetic_weights(np.full(300, np.nan), donors, 0.1), 1 / 6)


def test_weights_against_a_grid_of_the_simplex():
    rng = np.random.default_rng(2)
    donors, target, shrink = rng.gamma(2.0, 1.0, (50, 3)), rng.gamma(2.0, 1.0, 50), 0.05
    size = (donors**2).mean()

    def loss(w):
        return ((target - donors @ w) ** 2).mean() + shrink * size * ((w - 1 / 3) ** 2).sum()

    grid = [np.array([a, b, 100 - a - b]) / 100 for a in range(101) for b in range(101 - a)]
    assert loss(synthetic_weights(target, donors, shrink)) <= min(map(loss, grid)) + 1e-9


def test_shapes_have_mean_one_and_do_not_know_the_size():
    history = np.random.default_rng(3).gamma(4.0, 1.0, (2, 7, 24))
    history[1] = 50 * history[0]
    history[:, 2, 3] = np.nan
    shape, level = load_shape(history)
    np.testing.assert_allclose(shape[0], shape[1])
    np.testing.assert_allclose(shape.mean(1), 1)
    assert level[1] == pytest.approx(50 * level[0])
    assert np.isnan(load_shape(np.zeros((1, 7, 24)))[1]).all()
    assert np.isnan(load_shape(np.empty((2, 0, 24)))[1]).all()


def test_gap_against_the_plain_formula():
    rng = np.random.default_rng(4)
    one, other = rng.normal(size=(3, 24)), rng.normal(size=(4, 24))
    plain = np.sqrt(((one[:, None] - other[None]) ** 2).mean(2))
    np.testing.assert_allclose(shape_gap(one, other), plain, atol=1e-12)


def test_clusters_find_day_and_night_customers_in_any_order():
    rng = np.random.default_rng(5)
    day = 1 + np.sin(np.linspace(0, 2 * np.pi, 24)) + rng.normal(0, 0.1, (12, 24))
    night = 1 - np.sin(np.linspace(0, 2 * np.pi, 24)) + rng.normal(0, 0.1, (8, 24))
    shape = np.vstack([day, night])
    label, centre = cluster_shapes(shape, 2)
    assert len(centre) == 2
    assert len(set(label[:12])) == len(set(label[12:])) == 1
    assert label[0] != label[12]
    order = rng.permutation(20)
    again, _ = cluster_shapes(shape[order], 2)
    assert {frozenset(order[again == k]) for k in (0, 1)} == {frozenset(range(12)), frozenset(range(12, 20))}


@pytest.mark.parametrize("estimator", [ClusterControl(), NearestControl(), SyntheticControl()])
def test_a_customer_exactly_like_the_group_is_met_exactly(estimator):
    """All controls and the site share one load but for their size: every control baseline is the truth."""
    panel = buildings()
    common = np.nan_to_num(load_of(panel, "b9"), nan=1.0)
    for number, site in enumerate(panel.sites.index, start=1):
        panel = with_load(panel, site, number * common)
    scored = estimates(panel, estimator, events_of(panel, "b1", "b22"))
    np.testing.assert_allclose(scored["predicted_kw"], scored["observed_kw"], rtol=1e-5)


def test_synthetic_control_finds_the_two_buildings_the_customer_is_made_of():
    panel = buildings()
    mixed = 0.5 * load_of(panel, "b14") / np.nanmean(load_of(panel, "b14"))
    mixed = mixed + 0.5 * load_of(panel, "b70") / np.nanmean(load_of(panel, "b70"))
    panel = with_load(panel, "b1", 30 * mixed)
    events = events_of(panel, "b1")
    error = {
        name: evaluate(estimates(panel, estimator, events, shrink=1e-6), metrics=("nrmse",))["nrmse"].iloc[0]
        for name, estimator in (("nearest", NearestControl()), ("synthetic", SyntheticControl()))
    }
    assert error["synthetic"] < 2 < error["nearest"]  # % of the mean load


def test_the_group_sees_what_no_history_can():
    """A day unlike all before (everybody at 60 %): the rule of ten days misses it, the control group does not."""
    panel = buildings()
    events = events_of(panel, "b22", first="2018-06-13", last="2018-06-13")
    data = panel.data.copy()
    day = data.index.get_level_values("time").normalize() == pd.Timestamp("2018-06-13", tz="UTC")
    data.loc[day, "observed_kw"] *= 0.6
    panel = Panel(data, panel.sites)
    methods = {name: Forecaster(make_estimator(name), view=SETTLEMENT) for name in ("10of10", "ClusterControl")}
    error = evaluate(backtest(panel, methods, events).scored, metrics=("mape",))["mape"]
    assert error["ClusterControl"] < 0.5 * error["10of10"]


def test_history_is_that_of_the_days_before_the_event():
    """What any site draws after the event's day changes no feature; what a control draws at the event does."""
    panel = buildings()
    events = events_of(panel, "b1", first="2018-06-12", last="2018-06-12")
    cases = make_cases(panel, events, SETTLEMENT)
    features = ControlGroup()(panel, cases)
    time = panel.data.index.get_level_values("time")
    later = panel.data.copy()
    later.loc[time >= pd.Timestamp("2018-06-13", tz="UTC"), "observed_kw"] = 1e5
    pd.testing.assert_frame_equal(ControlGroup()(Panel(later, panel.sites), cases), features, check_exact=True)
    now = panel.data.copy()
    now.loc[time == cases.index[0][2], "observed_kw"] *= 2.0
    changed = ControlGroup()(Panel(now, panel.sites), cases)
    np.testing.assert_allclose(changed["control_cluster_kw"].iloc[0], 2 * features["control_cluster_kw"].iloc[0])
    weights = [name for name in features.columns if "weight" in name or "gap" in name]
    pd.testing.assert_frame_equal(changed[weights], features[weights], check_exact=True)


def test_features_do_not_depend_on_the_company_of_a_case():
    panel = buildings()
    events = events_of(panel, "b1", "b22")
    both = ControlGroup()(panel, make_cases(panel, events, SETTLEMENT))
    alone = ControlGroup()(panel, make_cases(panel, events[events["site_id"] == "b22"], SETTLEMENT))
    pd.testing.assert_frame_equal(both.loc[["b22"]], alone, check_exact=True)


def test_a_control_customer_is_never_its_own_control():
    panel = buildings()
    features = ControlGroup()(panel, make_cases(panel, events_of(panel, "b9", last="2018-06-04"), SETTLEMENT))
    assert (features["control_members"] == 9).all()
    assert (features["control_gap_01"] > 0.01).all()
    assert np.isnan(features["control_kw_10"]).all()


def test_a_dispatched_control_is_left_out_of_the_mean():
    panel = buildings()
    events = events_of(panel, "b1", first="2018-06-12", last="2018-06-12")
    dispatched = events.assign(site_id="b9")
    cases = make_cases(panel, events, SETTLEMENT)
    before, after = ControlGroup()(panel, cases), ControlGroup()(panel.with_events(dispatched), cases)
    shown = [name for name in before.columns if name.startswith("control_kw_")]
    assert before[shown].notna().sum(axis=1).iloc[0] == after[shown].notna().sum(axis=1).iloc[0] + 1


def test_only_controls_of_the_same_kind_are_used():
    panel = buildings()
    kind = np.where(panel.sites.index.isin(["b1", "b9", "b14"]), "small", "large")
    panel = Panel(panel.data, panel.sites.assign(kind=kind))
    features = ControlGroup(same=("kind",))(panel, make_cases(panel, events_of(panel, "b1", "b22"), SETTLEMENT))
    assert features.groupby("site_id")["control_members"].first().to_dict() == {"b1": 2, "b22": 8}
    with pytest.raises(DataError, match=r"lack the column 'knid'.*did you mean 'kind'"):
        ControlGroup(same=("knid",))(panel, make_cases(panel, events_of(panel, "b1"), SETTLEMENT))


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (ClusterControl(minimum_members=11), r"^\d+ control customers match, fewer than the 11 asked for"),
        (SyntheticControl(max_rrmse_pct=0.5), r"RRMSE before the event, more than the 0.5 % allowed"),
        (Adjusted(NearestControl(max_rrmse_pct=0.5), "PBLM"), r"RRMSE before the event"),
    ],
)
def test_an_event_that_fails_a_validity_test_is_excluded_with_its_reason(estimator, reason):
    panel = buildings()
    events = pd.concat([events_of(panel, "b1"), events_of(panel, "b22")], ignore_index=True)
    result = backtest(panel, {"m": Forecaster(estimator, view=SETTLEMENT)}, events)
    assert len(result.scored) == 0
    assert len(result.excluded) == len(events)
    assert result.excluded["reason"].str.contains(reason).all()


def test_a_site_that_draws_nothing_is_excluded_with_its_reason():
    panel = buildings()
    panel = with_load(panel, "b1", np.zeros(len(load_of(panel, "b1"))))
    result = backtest(panel, {"m": Forecaster(NearestControl(), view=SETTLEMENT)}, events_of(panel, "b1"))
    assert result.excluded["reason"].str.contains("the site has no load in the days before").all()
    assert len(result.excluded) > 0


def test_adjustments_and_intervals_go_around_a_control_group():
    panel = buildings()
    train = events_of(panel, "b1", "b22", first="2018-05-01", last="2018-07-15")
    test = events_of(panel, "b1", "b22", first="2018-07-16", last="2018-08-30")
    method = Forecaster(Conformal(Adjusted(SyntheticControl(), "PBLM")), view=SETTLEMENT)
    scored = backtest(panel, {"m": method}, test, train).scored
    assert scored["lower_kw"].lt(scored["predicted_kw"]).all()
    assert scored["upper_kw"].gt(scored["predicted_kw"]).all()
    assert len(scored) == 3 * len(test)


def test_bad_input_is_one_clear_sentence():
    panel = buildings()
    cases = make_cases(panel, events_of(panel, "b1"), SETTLEMENT)
    with pytest.raises(DataError, match="needs the column 'group' in sites"):
        ControlGroup()(Panel(panel.data, panel.sites.drop(columns="group")), cases)
    with pytest.raises(DataError, match=r"never says 'std' \(control, treated\)"):
        ControlGroup(control="std")(panel, cases)
    with pytest.raises(DataError, match="which control_group makes"):
        ClusterControl().fit(cases).predict(cases)
    for estimator, sentence in (
        (ClusterControl(minimum_members=0), "minimum_members must be a whole number from 1"),
        (ClusterControl(max_rrmse_pct=-1), "max_rrmse_pct must be a number above 0"),
        (ClusterControl(per_unit_of="week"), "unknown per_unit_of 'week'"),
        (NearestControl(donors=3), "3 donors can never be the 5"),
        (NearestControl(power=-1), "power must be a number from 0"),
    ):
        with pytest.raises(StudyError, match=sentence):
            estimator.fit(cases)


def test_per_unit_of_the_day_is_the_mean_of_the_paper():
    panel = buildings()
    cases = make_cases(panel, events_of(panel, "b1"), SETTLEMENT)
    X = ControlGroup()(panel, cases)
    np.testing.assert_array_equal(ClusterControl(per_unit_of="day").fit(X).predict(X), X["control_cluster_kw"])
    shifted = ClusterControl().fit(X).predict(X) / X["control_cluster_kw"]
    np.testing.assert_allclose(shifted, X["control_site_usual_kw"] / X["control_cluster_usual_kw"])
