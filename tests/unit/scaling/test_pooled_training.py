"""Training out of core against training in memory: the same rows, the same model."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.errors import DataError, StudyError
from cblcast.estimators.learned_baseline import LearnedBaseline
from cblcast.estimators.learners.boosting import Boosting
from cblcast.estimators.learners.forest import ExtraTrees
from cblcast.estimators.learners.regression import Ridge
from cblcast.estimators.neural.day_attention import DayAttention
from cblcast.estimators.neural.day_inputs import table_columns
from cblcast.estimators.pooled_baseline import PooledBaseline
from cblcast.estimators.wrappers.ensemble import Ensemble
from cblcast.estimators.wrappers.normalised import Normalised
from cblcast.estimators.wrappers.per_site import PerSite
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.frames.cases import make_cases
from cblcast.frames.panel import Panel
from cblcast.io.store import open_store
from cblcast.scaling import pooled_blocks, pooled_nets, pooled_rows
from cblcast.scaling.asked import Asked
from cblcast.scaling.pooled_features import Training
from cblcast.scaling.pooled_fit import fit_rows
from cblcast.scaling.pooled_training import portions_of_panel, portions_of_store, train_out_of_core, train_portions

CLOCK = {"calendar": {}, "weather": {}}


@pytest.fixture(scope="module")
def panel() -> Panel:
    whole = datasets.load("cambridge_sme")
    some = whole.select(list(whole.site_ids[:4]))
    time = some.data.index.get_level_values("time")
    data = some.data[(time >= "2018-06-01") & (time < "2018-12-01")][["observed_kw", "temp_air_c"]]
    data = data.copy()
    data.iloc[500:540, 0] = np.nan
    return Panel(data, some.sites)


@pytest.fixture(scope="module")
def events(panel: Panel) -> pd.DataFrame:
    return placebo_events(panel, "17:00", "19:00", first="2018-09-10", last="2018-11-20")


def in_memory(forecaster: Forecaster, panel: Panel, events: pd.DataFrame) -> Forecaster:
    return forecaster.fit(panel, make_cases(panel, events, forecaster.view, forecaster.windows(), may_overlap=True))


def both(estimator, panel, events, folder, features=None, dtype="float64"):
    """One training in memory and one of a site at a time; what each says of the training rows."""
    whole = in_memory(Forecaster(clone(estimator), features), panel, events)
    parts = train_out_of_core(
        Forecaster(clone(estimator), features), portions_of_panel(panel, events, 1), folder, dtype
    )
    cases = whole.cases(panel, events)
    X = whole.matrix(panel, cases)
    return whole, parts, whole.predict_matrix(X, np.ones(len(X), bool)), parts.predict_matrix(X, np.ones(len(X), bool))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(pooled_rows, "ROWS_AT_ONCE", 97)


def test_trees_are_those_of_a_training_in_memory(panel, events, tmp_path):
    whole, parts, one, other = both(
        Boosting(n_estimators=20, min_child_samples=10, seeds=2), panel, events, tmp_path / "f", CLOCK
    )
    assert whole.estimator.model_text_ == parts.estimator.model_text_
    pd.testing.assert_frame_equal(one, other)
    assert whole.trained_on == parts.trained_on
    pd.testing.assert_frame_equal(whole.sites, parts.sites, check_dtype=False)


@pytest.mark.parametrize(
    "ridge",
    [
        Ridge(),
        Ridge(by=("hour",), fewest_rows=5),
        Ridge(by=("site_id", "hour"), fewest_rows=5),
        Ridge(by=("site_id",), own="justified"),
    ],
    ids=["one", "by hour", "by site and hour", "justified"],
)
def test_ridges_differ_by_the_rounding_of_sums(panel, events, tmp_path, ridge):
    whole, parts, one, other = both(ridge, panel, events, tmp_path / "f", CLOCK)
    np.testing.assert_array_equal(whole.estimator.keys_, parts.estimator.keys_)
    np.testing.assert_array_equal(whole.estimator.rows_, parts.estimator.rows_)
    np.testing.assert_array_equal(whole.estimator.alpha_, parts.estimator.alpha_)
    np.testing.assert_allclose(one["predicted_kw"], other["predicted_kw"], rtol=1e-8)


def test_the_learned_baseline_is_that_of_memory(panel, events, tmp_path):
    learned = LearnedBaseline(n_estimators=15, min_child_samples=10, year_ago=False)
    _, parts, one, other = both(learned, panel, events, tmp_path / "f")
    np.testing.assert_allclose(one["predicted_kw"], other["predicted_kw"], rtol=1e-6)
    parts.save(tmp_path / "model")
    again = Forecaster.load(tmp_path / "model")
    X = again.matrix(panel, again.cases(panel, events))
    np.testing.assert_array_equal(again.estimator.predict(X), parts.estimator.predict(X))


tabled = pooled_blocks._Tabled


class Sent(tabled):
    """Work on blocks as another process does it: it and its block are pickled on their way."""

    def __call__(self, block):
        work, sent = pickle.loads(pickle.dumps((self.work, block)))  # noqa: S301 - our own
        return tabled(work)(sent)


def test_several_workers_make_the_very_same_learned_baseline(panel, events, tmp_path, monkeypatch):
    """Its members see shares and what a baseline leaves: what is made of a block goes along with it."""
    monkeypatch.setattr(pooled_rows, "ROWS_AT_ONCE", 230)
    monkeypatch.setattr(pooled_blocks, "_Tabled", Sent)
    found = {}
    for workers in (1, 2):
        learned = LearnedBaseline(n_estimators=5, min_child_samples=10, year_ago=False)
        forecaster, portions = Forecaster(learned), portions_of_panel(panel, events, 1)
        training = Training(Asked(workers, "threads" if workers == 2 else None))
        assert train_portions(forecaster, portions, tmp_path / f"{workers}", training=training).empty
        forecaster.save(tmp_path / f"model {workers}")
        found[workers] = {path.name: path.read_bytes() for path in (tmp_path / f"model {workers}").iterdir()}
    assert found[1] == found[2]


def test_features_in_single_precision_make_nearly_the_same_model(panel, events, tmp_path):
    _, _, one, other = both(Ridge(by=("site_id",)), panel, events, tmp_path / "f", CLOCK, dtype="float32")
    np.testing.assert_allclose(one["predicted_kw"], other["predicted_kw"], rtol=1e-4)


def pooled() -> PooledBaseline:
    net = DayAttention(seeds=1, epochs=2, batch_size=32, width=8, day_width=4)
    trees = Boosting(n_estimators=10, min_child_samples=10)
    return PooledBaseline(nets=(("net", net),), tables=(("ridge", Ridge(by=("lead_hours",))), ("trees", trees)))


def test_nets_are_those_of_memory_where_all_rows_fit_into_the_buffer(panel, events, tmp_path):
    pytest.importorskip("torch", reason="nets need pip install cblcast[neural]")
    whole, parts, one, other = both(pooled(), panel, events, tmp_path / "f")
    for name, value in whole.estimator.nets_[0].nets_[0].items():
        np.testing.assert_array_equal(value, parts.estimator.nets_[0].nets_[0][name])
    np.testing.assert_allclose(one["predicted_kw"], other["predicted_kw"], rtol=1e-6)


def test_a_small_buffer_deals_out_every_row_once_and_the_same_by_the_seed(panel, events, tmp_path, monkeypatch):
    torch = pytest.importorskip("torch", reason="nets need pip install cblcast[neural]")
    monkeypatch.setattr(pooled_nets, "CHUNK_ROWS", 8)
    n = 103
    index = pd.MultiIndex.from_arrays([["a"] * n, range(n), range(n)], names=["site_id", "origin", "time"])
    columns = table_columns(24, 12)
    matrix = np.random.default_rng(0).normal(size=(n, len(columns))).astype(np.float32)
    files = pooled_rows.write_matrix(tmp_path / "x.npy", columns, n, [matrix[:50], matrix[50:]])
    rows = pooled_rows.TrainingRows(files, np.arange(n), index, np.arange(n) / 10.0, columns=tuple(columns))
    draws = pooled_nets.StreamedDraws(rows, np.ones(n), 24, 12, buffer_rows=24)

    def goals(seed):
        return [batch.goal.numpy() for batch in draws.epoch(10, torch.Generator().manual_seed(seed))]

    dealt = np.concatenate(goals(1))
    assert [len(each) for each in goals(1)] == [10] * 10
    assert len(np.unique(dealt.round(4))) == 100
    np.testing.assert_array_equal(dealt, np.concatenate(goals(1)))
    assert not np.array_equal(dealt, np.concatenate(goals(2)))


def test_models_of_single_sites_are_fitted_batch_by_batch(panel, events, tmp_path):
    own = PerSite(Ridge(("temp_air_c",)), fallback=Ridge(("temp_air_c", "hour")), fewest_rows=30)
    whole, parts, one, other = both(own, panel, events, tmp_path / "f", CLOCK)
    assert whole.estimator.sites_ == parts.estimator.sites_
    np.testing.assert_allclose(one["predicted_kw"], other["predicted_kw"], rtol=1e-8)


def test_a_training_that_was_stopped_goes_on(panel, events, tmp_path):
    portions = portions_of_panel(panel, events, 1)
    asked = []

    class Watched:
        def __init__(self, portion):
            self.portion, self.key = portion, portion.key

        def read(self):
            asked.append(self.key)
            if self.key == "2" and asked.count("2") == 1:
                raise KeyboardInterrupt
            return self.portion.read()

    watched = [Watched(each) for each in portions]
    with pytest.raises(KeyboardInterrupt):
        train_out_of_core(Forecaster(Ridge(), CLOCK), watched, tmp_path / "f", "float64")
    resumed = train_out_of_core(Forecaster(Ridge(), CLOCK), watched, tmp_path / "f", "float64")
    assert asked.count("1") == 1
    whole = in_memory(Forecaster(Ridge(), CLOCK), panel, events)
    np.testing.assert_allclose(resumed.estimator.coef_, whole.estimator.coef_, rtol=1e-7, atol=1e-10)


def test_a_store_trains_like_the_panel_that_it_was_written_from(panel, events, tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    flat = panel.data[["observed_kw"]].reset_index()
    for number, (_, own) in enumerate(flat.groupby("site_id")):
        own.to_parquet(store / f"part_{number}.parquet", index=False)
    opened = open_store(store, tz="Europe/London", country="GB")

    def of(part: Panel) -> pd.DataFrame:
        return events[events["site_id"].isin(part.site_ids)]

    told: list[str] = []
    portions = portions_of_store(opened, of, bytes_at_once=1)
    assert len(portions) > 1
    found = train_out_of_core(Forecaster(Ridge(), {"calendar": {}}), portions, None, "float64", told.append)
    whole = in_memory(Forecaster(Ridge(), {"calendar": {}}), panel, events)
    np.testing.assert_allclose(found.estimator.coef_, whole.estimator.coef_, rtol=1e-6, atol=1e-9)
    assert any("s left" in each for each in told)
    assert "4 sites" in told[-1]


def test_what_learns_from_all_rows_at_once_is_refused_before_anything_is_written(panel, events, tmp_path):
    portions = portions_of_panel(panel, events, 2)
    with pytest.raises(StudyError, match=r"ExtraTrees learns from all rows at once.*Boosting"):
        train_out_of_core(Forecaster(Normalised(ExtraTrees()), CLOCK), portions, tmp_path / "f")
    assert not (tmp_path / "f").exists()


def test_stacked_weights_are_refused(panel, events, tmp_path):
    stacked = Ensemble((Ridge(), Ridge(by=("hour",))), weighting="stacked")
    with pytest.raises(StudyError, match="weighting: equal"):
        train_out_of_core(Forecaster(stacked, CLOCK), portions_of_panel(panel, events, 2), tmp_path / "f")


def test_a_folder_of_another_method_is_refused(panel, events, tmp_path):
    portions = portions_of_panel(panel, events, 2)
    train_out_of_core(Forecaster(Ridge(), {"calendar": {}}), portions, tmp_path / "f")
    with pytest.raises(StudyError, match="answers another question"):
        train_out_of_core(Forecaster(Ridge(), CLOCK), portions, tmp_path / "f")
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "notes.txt").write_text("mine")
    with pytest.raises(StudyError, match="holds no journal of a run"):
        train_out_of_core(Forecaster(Ridge(), CLOCK), portions, tmp_path / "g")


def test_a_site_in_two_portions_is_named(panel, events, tmp_path):
    twice = portions_of_panel(panel, events, 2)
    twice = [*twice, type(twice[0])("again", twice[0].panel, twice[0].events)]
    with pytest.raises(DataError, match=f"site '{panel.site_ids[0]}' lies in two parts"):
        train_out_of_core(Forecaster(Ridge(), CLOCK), twice, tmp_path / "f")


def test_no_portion_and_no_metered_hour_are_told(panel, events, tmp_path):
    with pytest.raises(StudyError, match="no part of the sites"):
        train_out_of_core(Forecaster(Ridge(), CLOCK), [], tmp_path / "f")
    dark = Panel(panel.data.assign(observed_kw=np.nan), panel.sites)
    with pytest.raises(DataError, match="nothing to train on"):
        train_out_of_core(Forecaster(Ridge(), CLOCK), portions_of_panel(dark, events, 4), tmp_path / "g")
    with pytest.raises(StudyError, match="float16"):
        train_out_of_core(Forecaster(Ridge(), CLOCK), portions_of_panel(panel, events, 4), tmp_path / "h", "float16")


def test_rules_have_nothing_to_learn(tmp_path):
    assert fit_rows(make_estimator("High5of10"), _few(tmp_path)) is not None


def _few(tmp_path) -> pooled_rows.TrainingRows:
    files = pooled_rows.write_matrix(tmp_path / "x.npy", ["ref_event_kw_01"], 1, [np.ones((1, 1))])
    index = pd.MultiIndex.from_arrays([["a"], [0], [0]], names=["site_id", "origin", "time"])
    return pooled_rows.TrainingRows(files, np.arange(1), index, np.ones(1), columns=("ref_event_kw_01",))
