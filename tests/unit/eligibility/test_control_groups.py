"""Control groups: drawn, matched, and judged before any event."""

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.eligibility.control_groups import PrePeriod, balance, event_loads, match, randomise
from cblcast.eligibility.control_power import power, pre_period_bias
from cblcast.errors import DataError, StudyError
from cblcast.frames.panel import Panel

PERIOD = PrePeriod("17:00", "20:00", "2019-02-01", "2019-05-31")


@pytest.fixture(scope="module")
def panel():
    """Twelve buildings, and the same twelve a week later: twins that no chance tells apart."""
    whole = datasets.load("cambridge_sme")
    load = whole.data["observed_kw"].unstack(0)
    later = load.shift(24 * 7).add_suffix("_twin")
    both = pd.concat([load, later], axis=1).loc["2019-01-15":"2019-06-15"].stack(future_stack=True).swaplevel()
    sites = pd.concat([whole.sites, whole.sites.rename(index=lambda name: f"{name}_twin")])
    data = both.rename_axis(["site_id", "time"]).rename("observed_kw").to_frame().sort_index()
    return Panel(data, sites.loc[data.index.get_level_values(0).unique()])


@pytest.fixture(scope="module")
def twins(panel):
    return pd.Series(np.where(panel.site_ids.str.endswith("_twin"), "control", "treated"), index=panel.site_ids)


def test_each_stratum_gives_the_same_share_and_the_draw_is_repeatable():
    sites = pd.Series(np.arange(40.0), index=[f"s{k}" for k in range(40)])
    told = randomise(sites, 0.25, strata=4, seed=3)
    assert (told["group"] == "treated").sum() == 10
    counts = told.assign(treated=told["group"] == "treated").groupby("stratum")["treated"].agg(["sum", "size"])
    assert counts["size"].tolist() == [10] * 4
    assert counts["sum"].between(2, 3).all()
    assert sites[told["stratum"] == 0].max() < sites[told["stratum"] == 1].min()
    pd.testing.assert_frame_equal(told, randomise(sites, 0.25, strata=4, seed=3))
    assert not told["group"].equals(randomise(sites, 0.25, strata=4, seed=4)["group"])


def test_every_site_is_as_likely_to_be_treated():
    sites = pd.Series(np.arange(10.0), index=list("abcdefghij"))
    drawn = np.mean([randomise(sites, 0.5, strata=2, seed=seed)["group"] == "treated" for seed in range(400)], axis=0)
    assert np.abs(drawn - 0.5).max() < 0.1


def test_a_site_is_matched_to_its_twin(panel):
    treated = [site for site in panel.site_ids if not site.endswith("_twin")]
    told = match(panel, treated, PERIOD)
    assert len(told) == 12
    assert told["control"].is_unique
    assert (told["control"] == told["treated"] + "_twin").sum() >= 10


def test_twins_are_balanced_and_sorted_groups_are_not(panel, twins):
    told = balance(panel, twins, PERIOD)
    assert told["balanced"].all()
    assert (told["standardised_difference"].abs() < 0.1).all()
    mean = panel.data["observed_kw"].groupby("site_id").mean()
    sorted_ = pd.Series(np.where(mean > mean.median(), "treated", "control"), index=mean.index)
    apart = balance(panel, sorted_, PERIOD)
    assert not apart.loc["mean_kw", "balanced"]
    own = [mean[sorted_ == group] for group in ("treated", "control")]
    # By hand: over the period instead of all rows the mean differs a little.
    by_hand = (own[0].mean() - own[1].mean()) / np.sqrt((own[0].var() + own[1].var()) / 2)
    assert apart.loc["mean_kw", "standardised_difference"] == pytest.approx(by_hand, rel=0.05)


def test_twins_move_together_and_a_group_that_shrank_does_not(panel, twins):
    told = pre_period_bias(panel, twins, PERIOD, draws=500)
    assert told.p > 0.05
    assert told.limits_pct[0] < told.bias_pct < told.limits_pct[1]
    assert (told.n_treated, told.n_control) == (12, 12)
    shrunk = panel.data.copy()
    time = shrunk.index.get_level_values("time")
    moved = twins.reindex(shrunk.index.get_level_values(0)).to_numpy() == "treated"
    days = event_loads(panel, PERIOD).dropna(axis=1).columns
    shrunk.loc[moved & (time >= days[len(days) // 2].tz_localize("UTC")), "observed_kw"] *= 0.7
    gone = pre_period_bias(Panel(shrunk, panel.sites), twins, PERIOD, draws=500)
    assert gone.p < 0.01
    assert gone.bias_pct == pytest.approx(100 * (0.7 * (1 + told.bias_pct / 100) - 1), abs=1e-3)


def test_the_bias_is_the_ratio_by_hand(panel, twins):
    loads = event_loads(panel, PERIOD).dropna(axis=1)
    first, second = loads.iloc[:, : loads.shape[1] // 2], loads.iloc[:, loads.shape[1] // 2 :]
    ratio = {group: second[twins == group].mean(axis=1).sum() / first[twins == group].mean(axis=1).sum()
             for group in ("treated", "control")}  # fmt: skip
    told = pre_period_bias(panel, twins, PERIOD, draws=50)
    assert told.bias_pct == pytest.approx(100 * (ratio["treated"] / ratio["control"] - 1))


def test_more_events_and_more_sites_show_smaller_effects(panel, twins):
    one, ten = (power(panel, twins, PERIOD, n, draws=500) for n in (1, 10))
    assert ten.detectable_pct < one.detectable_pct
    assert one.detectable_pct == pytest.approx(2.8016 * one.error_pct, rel=1e-4)
    assert ten.sites_for[2.0] == pytest.approx(24 * (ten.detectable_pct / 2) ** 2, abs=1)
    some = [site for site in twins.index if site.removesuffix("_twin") in ("b1", "b14", "b15")]
    assert power(panel, twins[some], PERIOD, 10, draws=500).detectable_pct > ten.detectable_pct


def test_groups_and_periods_that_are_none_are_refused_in_a_sentence(panel, twins):
    with pytest.raises(DataError, match="the group of site 'b1' is 'Treated': write treated or control"):
        balance(panel, twins.replace("treated", "Treated"), PERIOD)
    with pytest.raises(DataError, match="1 sites are treated, and at least two are needed"):
        balance(panel, twins[["b1", "b1_twin", "b14_twin"]], PERIOD)
    with pytest.raises(DataError, match="is in a group twice"):
        pre_period_bias(panel, pd.concat([twins, twins[:1]]), PERIOD)
    with pytest.raises(DataError, match="extend it"):
        pre_period_bias(panel, twins, PrePeriod("17:00", "20:00", "2019-02-01", "2019-02-08"))
    with pytest.raises(DataError, match="events cannot be tried"):
        power(panel, twins, PERIOD, 500)
    with pytest.raises(StudyError, match="give a share between 0 and 1"):
        randomise(pd.Series([1.0, 2.0], index=["a", "b"]), 1.0)
    with pytest.raises(StudyError, match="give fewer strata"):
        randomise(pd.Series([1.0, 2.0], index=["a", "b"]))
    with pytest.raises(DataError, match="0 untreated sites are metered"):
        match(panel, panel.site_ids.tolist(), PERIOD)
