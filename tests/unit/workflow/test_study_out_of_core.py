"""A study on a folder of Parquet files against the same study on one file."""

from pathlib import Path

import numpy as np
import pytest

from cblcast import datasets
from cblcast.config import Study, make_study
from cblcast.errors import StudyError
from cblcast.workflow.studies import run_study
from cblcast.workflow.study_out_of_core import names_store, train_and_judge, train_study_store

ASKED = {
    "study": "at_scale",
    "events": {"start": "17:00", "stop": "19:00"},
    "train": ["2018-09-10", "2018-10-31"],
    "test": ["2018-11-01", "2018-11-20"],
    "methods": [{"estimator": "Ridge", "by": ["site_id"], "features": {"calendar": {}}}, "High5of10"],
}


@pytest.fixture(scope="module")
def meters(tmp_path_factory) -> Path:
    whole = datasets.load("cambridge_sme")
    flat = whole.select(list(whole.site_ids[:3])).data[["observed_kw"]].reset_index()
    flat = flat[(flat["time"] >= "2018-07-01") & (flat["time"] < "2018-12-01")]
    folder = tmp_path_factory.mktemp("meters")
    (folder / "store").mkdir()
    for site, own in flat.groupby("site_id"):
        own.to_parquet(folder / "store" / f"{site}.parquet", index=False)
    flat.to_parquet(folder / "all.parquet", index=False)
    return folder


def study(meters: Path, panel: str, **changes) -> Study:
    data = {"panel": panel, "tz": "Europe/London", "country": "GB"} | changes.pop("data", {})
    return make_study({**ASKED, **changes, "data": data}, "study.yaml", meters)


def test_it_is_trained_and_judged_as_in_memory(meters):
    at_scale = study(meters, "store")
    assert names_store(at_scale)
    assert not names_store(study(meters, "all.parquet"))
    told: list[str] = []
    result, used, outcome = train_and_judge(at_scale, told.append)
    assert not outcome.partial
    usual = run_study(study(meters, "all.parquet"))
    assert list(result.leaderboard.index) == list(usual.leaderboard.index)
    for column in ("nrmse", "mpe", "n_events", "n_sites", "n_excluded"):
        np.testing.assert_allclose(result.leaderboard[column], usual.leaderboard[column], rtol=1e-4)
    assert used.profile["sites"] == 3
    assert any("features of" in each for each in told)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"aggregate": "pooled"}, "aggregate: pooled needs all rows at once"),
        ({"data": {"portfolio": "p"}}, "data.portfolio: needs all sites in memory"),
        ({"train": None}, "must be trained"),
    ],
)
def test_what_needs_all_sites_is_told(meters, changes, sentence):
    with pytest.raises(StudyError, match=sentence):
        train_and_judge(study(meters, "store", **changes), lambda _: None)


def test_of_several_methods_the_one_to_register_is_named(meters):
    with pytest.raises(StudyError, match="--method NAME"):
        train_study_store(study(meters, "store"), register="big", progress=lambda _: None)
