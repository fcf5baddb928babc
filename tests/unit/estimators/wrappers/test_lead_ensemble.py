"""The blend by lead: convex weights against a slow oracle, members that fail get none, leads and sites differ, gaps are kept."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, RegressorMixin

from cblcast.errors import DataError, StudyError
from cblcast.estimators.rules.column import Column
from cblcast.estimators.wrappers.lead_ensemble import LeadEnsemble, convex_weights
from cblcast.forecast.state import load_state, save_state

LEADS = (0, 60, 360)


def rows(n_days=60, seed=0):
    """Two farms, four origins a day, three leads; `now` is good soon, `later` at the last lead, `b` swaps them."""
    rng = np.random.default_rng(seed)
    origins = pd.date_range("2024-01-01", periods=4 * n_days, freq="6h", tz="UTC").as_unit("us")
    frames = []
    for site in ("a", "b"):
        for lead in LEADS:
            y = rng.uniform(0, 100, len(origins))
            soon, late = (2.0, 20.0) if (lead < 200) == (site == "a") else (20.0, 2.0)
            index = pd.MultiIndex.from_arrays(
                [[site] * len(origins), origins, origins + pd.Timedelta(minutes=lead)],
                names=["site_id", "origin", "time"],
            )
            columns = {"now": y + rng.normal(0, soon, len(y)), "later": y + rng.normal(0, late, len(y)), "y": y}
            frames.append(pd.DataFrame(columns, index=index))
    frame = pd.concat(frames).sort_index()
    return frame[["now", "later"]], frame["y"].to_numpy()


class Memory(RegressorMixin, BaseEstimator):
    """Knows what it was trained on by heart and nothing else."""

    def fit(self, X, y):
        self.known_ = pd.Series(y, X.index)
        return self

    def predict(self, X):
        return self.known_.reindex(X.index).fillna(500.0).to_numpy()


class Noted(Column):
    """Notes which rows it was trained on."""

    seen: list = []  # noqa: RUF012

    def fit(self, X, y):
        Noted.seen.append(X.index)
        return super().fit(X, y)


def test_convex_weights_are_the_constrained_least_squares():
    rng = np.random.default_rng(1)
    for _ in range(20):
        error = rng.normal(size=(50, 4)) * rng.uniform(0.2, 3, 4) + rng.normal(size=(50, 1))
        product = error.T @ error / 50
        slow = minimize(
            lambda w, p=product: w @ p @ w,
            np.full(4, 0.25),
            bounds=[(0, 1)] * 4,
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
            options={"ftol": 1e-14},
        )
        found = convex_weights(product)
        assert found.sum() == pytest.approx(1.0)
        assert found @ product @ found <= slow.fun * (1 + 1e-6)


def test_each_lead_and_site_takes_the_member_that_is_good_there():
    X, y = rows()
    model = LeadEnsemble((Column("now"), Column("later")), width=0.1, lean=10.0).fit(X, y)
    assert model.leads_ == list(LEADS)
    assert model.weights_.shape == (3, 3, 2)
    a, b = model.weights_[0], model.weights_[1]
    assert a[0][0] > 0.9 < b[0][1]
    assert a[2][1] > 0.9 < b[2][0]
    other, z = rows(seed=9)
    error = {name: np.sqrt(((other[name] - z) ** 2).mean()) for name in other}
    assert np.sqrt(((model.predict(other) - z) ** 2).mean()) < 0.3 * min(error.values())


def test_a_member_that_only_remembers_ruins_nothing():
    X, y = rows()
    model = LeadEnsemble((Memory(), Column("now"))).fit(X, y)
    assert (model.weights_[..., 0] == 0).all()
    np.testing.assert_allclose(model.predict(X), X["now"])


def test_rows_that_meet_the_gap_are_not_trained_on():
    X, y = rows(20)
    Noted.seen.clear()
    model = LeadEnsemble((Noted("now"),), folds=4, gap_h=12.0)
    model.out_of_fold(X, y)
    blocks = [pd.DatetimeIndex(part) for part in np.array_split(X.index.get_level_values("origin").unique(), 4)]
    for seen, block in zip(Noted.seen, blocks, strict=True):
        origin, stop = (seen.get_level_values(level) for level in ("origin", "time"))
        begin, end = block.min() - pd.Timedelta("12h"), block.max() + pd.Timedelta("6h") + pd.Timedelta("12h")
        assert ((stop < begin) | (origin > end)).all()
        assert len(seen) > 0


def test_a_strange_farm_and_a_strange_lead_and_a_gap_are_estimated(tmp_path):
    X, y = rows()
    model = LeadEnsemble((Column("now"), Column("later"))).fit(X, y)
    strange = X.rename(index={"a": "z"}, level="site_id").loc[["z"]]
    last = model.weights_[-1][np.searchsorted(LEADS, 360)]
    at = strange[
        (strange.index.get_level_values("time") - strange.index.get_level_values("origin")) > pd.Timedelta("5h")
    ]
    np.testing.assert_allclose(model.predict(at), at.to_numpy() @ last)
    gap = X.copy()
    gap.iloc[0, 0] = np.nan
    gap.iloc[1] = np.nan
    found = model.predict(gap)
    assert found[0] == X["later"].iloc[0]
    assert np.isnan(found[1])
    save_state(LeadEnsemble((Column("now"), Column("later"))).fit(X, y), tmp_path)
    np.testing.assert_array_equal(load_state(tmp_path).predict(X), model.predict(X))


def test_bad_input_is_told():
    X, y = rows(10)
    with pytest.raises(DataError, match=r"gap of 2000 h leaves nothing to learn from"):
        LeadEnsemble((Column("now"),), gap_h=2000.0).fit(X, y)
    with pytest.raises(DataError, match="folds need at least as many event days"):
        LeadEnsemble((Column("now"),), folds=500).fit(X, y)
    with pytest.raises(StudyError, match="members"):
        LeadEnsemble(()).fit(X, y)
