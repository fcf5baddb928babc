"""A study over a store: the same leaderboard as of the whole panel, and what needs all sites at once is refused."""

from __future__ import annotations

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from cblcast import datasets
from cblcast.config import Study
from cblcast.errors import StudyError
from cblcast.workflow.studies import run_study
from cblcast.workflow.study_over_store import evaluate_study_store, refuse_at_once
from cblcast.workflow.working import Working


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "store"
    folder.mkdir()
    panel = datasets.load("cambridge_sme").select(["b1", "b14", "b22"])
    rows = panel.data.loc[pd.IndexSlice[:, "2019-03-01":"2019-06-30"], ["observed_kw"]].reset_index()
    for site, own in rows.groupby("site_id"):
        own.to_parquet(folder / f"{site}.parquet", index=False)
    rows.to_parquet(folder.parent / "one.parquet", index=False)
    return folder


def study_of(panel, **changes) -> Study:
    asked = {
        "study": "over_store", "data": {"panel": str(panel), "tz": "Europe/London", "country": "GB"},
        "events": {"start": "17:00", "stop": "19:00", "days": "working"},
        "train": ["2019-04-01", "2019-05-31"], "test": ["2019-06-01", "2019-06-30"],
        "methods": ["High5of10", "Mid4of6"], "metrics": ["mpe", "nrmse"],
    }  # fmt: skip
    return Study(**{**asked, **changes})


def test_the_leaderboard_is_that_of_the_whole_panel(store):
    whole = run_study(study_of(store.parent / "one.parquet")).leaderboard
    board, _, outcome = evaluate_study_store(study_of(store), Working(scheduler="threads"))
    assert outcome.sites == 3
    assert_frame_equal(board, whole[board.columns], check_exact=False, rtol=1e-12)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"methods": ["Ridge"]}, "Ridge learns from all sites at once"),
        ({"aggregate": "pooled"}, "aggregate: pooled needs all rows at once"),
    ],
)
def test_what_needs_all_sites_at_once_is_refused(store, changes, sentence):
    with pytest.raises(StudyError, match=sentence):
        refuse_at_once(study_of(store, **changes))
