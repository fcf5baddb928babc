"""Tables of a scored frame: what is averaged, over what, on which scale."""

import numpy as np
import pandas as pd
import pytest

from cblcast.errors import DataWarning, StudyError
from cblcast.forecast.evaluation import evaluate


@pytest.fixture
def scored():
    """Two sites of very different size; a has two events, b one; two intervals each."""
    rows = [("a", 1, 0, 10.0, 11.0), ("a", 1, 1, 10.0, 11.0), ("a", 2, 0, 30.0, 30.0), ("a", 2, 1, 30.0, 30.0),
            ("b", 1, 0, 100.0, 80.0), ("b", 1, 1, 300.0, 280.0)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["site_id", "origin", "time", "observed_kw", "predicted_kw"])
    frame = frame.assign(method="m", fold="test", lower_kw=np.nan, upper_kw=np.nan)
    return frame.set_index(["site_id", "origin", "time"])


def test_pooled_per_site_and_per_event_differ_as_they_should(scored):
    def mpe(aggregate):
        return evaluate(scored, aggregate=aggregate).loc["m", "mpe"]

    assert mpe("pooled") == pytest.approx(100 * (2 - 40) / 480)
    assert mpe("per_site") == pytest.approx(((100 * 2 / 80) + (100 * -40 / 400)) / 2)
    assert mpe("per_event") == pytest.approx((10 + 0 - 10) / 3)
    by_site = evaluate(scored, by=["method", "site_id"], aggregate="per_event")["mpe"]
    assert by_site.to_numpy() == pytest.approx([5, -10])


def test_counts(scored):
    table = evaluate(scored)
    assert (table.loc["m", "n_events"], table.loc["m", "n_sites"]) == (3, 2)
    assert (evaluate(scored, by=["site_id"])["n_events"] == [2, 1]).all()


@pytest.mark.parametrize("aggregate", ["pooled", "per_site", "per_event"])
def test_rated_power_is_each_rows_own(scored, aggregate):
    rated = pd.Series({"a": 50.0, "b": 1000.0})
    found = evaluate(scored, metrics=["nrmse"], aggregate=aggregate, scale=rated).loc["m", "nrmse"]
    share = np.array([1 / 50, 1 / 50, 0, 0, 20 / 1000, 20 / 1000]) ** 2
    groups = {"pooled": [range(6)], "per_site": [range(4), range(4, 6)], "per_event": [[0, 1], [2, 3], [4, 5]]}
    assert found == pytest.approx(100 * np.mean([np.sqrt(share[list(rows)].mean()) for rows in groups[aggregate]]))


def test_measures_of_intervals_wait_for_intervals(scored):
    assert np.isnan(evaluate(scored, metrics=["coverage"]).loc["m", "coverage"])
    wide = scored.assign(lower_kw=0.0, upper_kw=150.0)
    assert evaluate(wide, metrics=["coverage"], aggregate="pooled").loc["m", "coverage"] == pytest.approx(500 / 6)


@pytest.mark.parametrize(("options", "message"), [
    ({"aggregate": "per_sight"}, "per_site"),
    ({"by": ["segmnet"]}, "cannot group by 'segmnet'"),
    ({"by": []}, "at least one column"),
    ({"metrics": ["maep"]}, "'mape'"),
    ({"scale": "rated"}, "Series of kW"),
])  # fmt: skip
def test_what_cannot_be_judged_is_said(scored, options, message):
    with pytest.raises(StudyError, match=message):
        evaluate(scored, **options)


def test_a_mean_over_sites_says_which_relative_errors_do_not_exist():
    index = pd.MultiIndex.from_product(
        [
            ["empty", "full"],
            [pd.Timestamp("2019-01-02 17:00", tz="UTC")],
            pd.date_range("2019-01-02 17:00", periods=2, freq="h", tz="UTC"),
        ],
        names=["site_id", "origin", "time"],
    )
    scored = pd.DataFrame({"method": "m", "observed_kw": [0.0, 0, 2, 2], "predicted_kw": [0.0, 0, 3, 3]}, index=index)
    with pytest.warns(DataWarning, match="nrmse is undefined for 1 of 2 sites"):
        table = evaluate(scored, metrics=["nrmse"])
    assert table.loc["m", "nrmse"] == pytest.approx(50)


def test_whole_distributions_are_judged_by_their_quantiles(scored):
    told = scored.assign(
        q10_kw=scored["predicted_kw"] - 5, q50_kw=scored["predicted_kw"], q90_kw=scored["predicted_kw"] + 5
    )
    table = evaluate(told, metrics=["crps", "pinball"], aggregate="pooled")
    loss = []
    for level, column in ((0.1, "q10_kw"), (0.5, "q50_kw"), (0.9, "q90_kw")):
        error = told["observed_kw"] - told[column]
        loss.append(np.maximum(level * error, (level - 1) * error).mean())
    assert table.loc["m", "pinball"] == pytest.approx(np.mean(loss))
    assert table.loc["m", "crps"] == pytest.approx(2 * np.mean(loss))
    with pytest.warns(DataWarning, match="crps judges quantiles, and no method gives any: take one that does"):
        assert np.isnan(evaluate(scored, metrics=["crps"]).loc["m", "crps"])
