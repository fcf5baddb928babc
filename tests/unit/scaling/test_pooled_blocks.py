"""Passes over blocks of training rows: the same numbers whoever does it, kept as they are done, and sites at fault left out."""

import pickle

import numpy as np
import pandas as pd
import pytest

from cblcast.errors import DataError
from cblcast.estimators.learners.regression import Ridge
from cblcast.estimators.wrappers.per_site import PerSite
from cblcast.scaling import pooled_rows
from cblcast.scaling.asked import Asked
from cblcast.scaling.pooled_blocks import Block, Hands, asked_rows, each_block, frame_of, some_columns
from cblcast.scaling.pooled_fit import fit_rows

COLUMNS = ("a", "b")


@pytest.fixture
def rows(tmp_path) -> pooled_rows.TrainingRows:
    """Six sites of forty rows in two files, in an order that mixes them."""
    rng = np.random.default_rng(5)
    values = rng.normal(size=(240, 2)).astype(np.float32)
    paths = []
    for number, part in enumerate((values[:100], values[100:])):
        paths += pooled_rows.write_matrix(tmp_path / f"{number}.npy", COLUMNS, len(part), [part]).paths
    files = pooled_rows.MatrixFiles(tuple(paths), COLUMNS, np.array([0, 100, 240]))
    place = np.concatenate([np.arange(k, 240, 6) for k in range(6)])
    times = pd.date_range("2024-01-01", periods=40, freq="D", tz="UTC")
    pairs = [(f"s{5 - k}", time, time) for k in range(6) for time in times]
    index = pd.MultiIndex.from_tuples(pairs, names=["site_id", "origin", "time"])
    return pooled_rows.TrainingRows(files, place, index, np.arange(240) / 7.0, columns=COLUMNS)


def with_hands(rows, folder=None, **asked):
    return pooled_rows.replace(rows, hands=Hands(Asked(**asked), folder, "a training"))


def first_column(block: Block) -> dict[str, np.ndarray]:
    frame = frame_of(block.rows)
    return {"a": frame["a"].to_numpy(), "none": np.empty((0, 3)), "site": np.array(block.rows.index[0][0])}


@pytest.mark.parametrize("asked", [{}, {"workers": 2}], ids=str)
def test_whoever_does_it_the_blocks_come_in_order(rows, asked, monkeypatch):
    monkeypatch.setattr(pooled_rows, "ROWS_AT_ONCE", 50)
    found = list(each_block(with_hands(rows, **asked), first_column))
    whole = rows.block(slice(0, 240))
    np.testing.assert_array_equal(np.concatenate([each["a"] for each in found]), whole["a"])
    assert found[0]["none"].shape == (0, 3)
    assert str(found[0]["site"]) == "s5"
    pd.testing.assert_frame_equal(some_columns(with_hands(rows, **asked), ["b"]), whole[["b"]])


def test_a_block_that_is_sent_holds_its_rows_alone(rows):
    block = Block(rows, slice(80, 120), of_sites=True)
    sent = pickle.loads(pickle.dumps(block))  # noqa: S301 - our own
    assert (sent.key, sent.site_ids, len(sent.whole)) == (block.key, ("s3",), 40)
    pd.testing.assert_frame_equal(frame_of(sent.rows), frame_of(block.rows))
    assert len(rows.part(slice(80, 81)).files.paths) == 1
    assert [half.site_ids for half in Block(rows, slice(0, 120), True).halves()] == [("s5", "s4"), ("s3",)]
    assert sent.halves() is None


def test_what_is_asked_of_all_rows_is_what_is_asked_at_once(rows, monkeypatch):
    monkeypatch.setattr(pooled_rows, "ROWS_AT_ONCE", 33)
    changed = rows.changed(_doubled)
    told = asked_rows(with_hands(changed, workers=2), _sum_of)
    np.testing.assert_allclose(told, 2 * rows.block(slice(0, 240)).sum(axis=1))


def _doubled(X: pd.DataFrame) -> pd.DataFrame:
    return 2 * X


def _sum_of(X: pd.DataFrame) -> np.ndarray:
    return X.sum(axis=1).to_numpy()


class Counting:
    """Takes down which blocks it is asked for; fails at one as long as it shall."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fails: str | None = None

    def __call__(self, block: Block) -> dict[str, np.ndarray]:
        self.asked.append(block.key)
        if self.fails in block.site_ids:
            raise KeyboardInterrupt
        return {"n": np.array([len(block.rows)])}


def test_a_pass_that_was_stopped_goes_on(rows, tmp_path):
    work = Counting()
    work.fails = "s2"
    with pytest.raises(KeyboardInterrupt):
        list(each_block(with_hands(rows, tmp_path / "f"), work, of_sites=True, at_once=40, kept=True))
    assert len(work.asked) == 4
    work.fails = None
    again = list(each_block(with_hands(rows, tmp_path / "f"), work, of_sites=True, at_once=40, kept=True))
    assert [int(each["n"][0]) for each in again] == [40] * 6
    assert len(work.asked) == 4 + 3  # the one that was stopped, and those after it


def test_a_site_whose_model_cannot_be_fitted_is_named_and_the_others_are(rows, tmp_path):
    y = rows.y.copy()
    y[rows.index.get_level_values("site_id") == "s3"] = np.inf
    bad = with_hands(rows.with_target(y), tmp_path / "f")
    own = fit_rows(PerSite(Ridge(COLUMNS), fewest_rows=10), bad)
    assert own.sites_ == ["s0", "s1", "s2", "s4", "s5"]
    ((site, reason),) = bad.hands.failures
    assert site == "s3"
    assert "NaN or infinite" in reason


def test_what_is_wrong_with_a_sum_is_told_as_it_is(rows):
    with pytest.raises(DataError, match=r"^the features lack the column 'c'"):
        some_columns(with_hands(rows, workers=2), ["c"])
