"""A study on a folder of Parquet files against the same study on one file."""

from pathlib import Path

import numpy as np
import pytest

from cblcast import datasets
from cblcast.config import Study, make_study
from cblcast.errors import DataWarning, StudyError
from cblcast.scaling import StorePiece
from cblcast.workflow.studies import run_study, silent
from cblcast.workflow.study_out_of_core import names_store, train_and_judge, train_study_store
from cblcast.workflow.working import Working

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


PER_SITE = {"estimator": "PerSite", "of": {"estimator": "Ridge"}, "features": {"calendar": {}}, "name": "own"}


@pytest.fixture
def a_site_at_a_time(monkeypatch):
    monkeypatch.setattr("cblcast.scaling.asked.bytes_at_once", lambda workers: 1)


def models(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.glob("*/model/*"))}


@pytest.fixture(scope="module")
def whole(meters, tmp_path_factory) -> dict[str, bytes]:
    """The models of a training that nothing happened to."""
    parts = tmp_path_factory.mktemp("whole") / "parts"
    train_and_judge(study(meters, "store", methods=[*ASKED["methods"], PER_SITE]), silent, Working(parts=parts))
    return models(parts)


def test_several_workers_make_the_very_same_models(meters, whole, tmp_path, a_site_at_a_time):
    asked = study(meters, "store", methods=[*ASKED["methods"], PER_SITE])
    _, _, outcome = train_and_judge(asked, silent, Working(2, "processes", tmp_path / "parts"))
    assert (outcome.partitions, outcome.sites) == (3, 3)
    assert models(tmp_path / "parts") == whole
    assert len(whole) == 12  # three methods, four files each


def test_one_that_was_killed_goes_on_and_repeats_one_partition(meters, whole, tmp_path, monkeypatch, a_site_at_a_time):
    asked = study(meters, "store", methods=[*ASKED["methods"], PER_SITE])
    place, read, usual = tmp_path / "study.yaml", [], StorePiece.panel

    def panel(piece, columns=None):
        read.append(piece.key)
        if len(read) == stop:
            raise KeyboardInterrupt
        return usual(piece, columns)

    monkeypatch.setattr(StorePiece, "panel", panel)
    stop = 0
    train_and_judge(asked, silent, beside=place)
    assert not Path(f"{place}.parts").exists()  # all is done
    n_read = len(read)
    for stop in (3, n_read - 1):  # among the features of the first method, and while all are judged
        read.clear()
        with pytest.raises(KeyboardInterrupt):
            train_and_judge(asked, silent, beside=place)
        done, stop = len(read), 0
        read.clear()
        train_and_judge(asked, silent, Working(parts=Path(f"{place}.parts")))
        assert done + len(read) <= n_read + 2  # the partition, and the first one, which says what the data have
        assert models(Path(f"{place}.parts")) == whole
        with pytest.raises(StudyError, match=r"a training of another study.*--no-resume"):
            train_and_judge(study(meters, "store"), silent, beside=place)
        train_and_judge(study(meters, "store"), silent, Working(resume=False), beside=place)
        assert not Path(f"{place}.parts").exists()


def test_one_that_was_killed_before_its_result_was_kept_has_nothing_to_do_again(meters, tmp_path):
    place = tmp_path / "study.yaml"

    def killed(result, used):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_and_judge(study(meters, "store"), silent, beside=place, then=killed)
    kept: list[str] = []
    train_and_judge(study(meters, "store"), kept.append, beside=place)
    assert any("trained before" in each for each in kept)
    assert not any("features" in each or "judged of" in each for each in kept)
    assert not Path(f"{place}.parts").exists()


def test_a_broken_file_is_named_and_the_rest_is_trained(meters, whole, tmp_path, a_site_at_a_time):
    store = tmp_path / "store"
    store.mkdir()
    for path in (meters / "store").iterdir():
        (store / path.name).write_bytes(path.read_bytes())
    path = sorted(store.iterdir())[1]
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    asked, working = study(tmp_path, "store", methods=[*ASKED["methods"], PER_SITE]), Working(parts=tmp_path / "parts")
    result, _, outcome = train_and_judge(asked, silent, working)
    assert outcome.partial
    assert outcome.failures["reason"].str.contains(path.name).all()
    assert result.leaderboard["n_sites"].tolist() == [2, 2, 2]
    path.write_bytes(content)
    with pytest.warns(
        DataWarning, match=r"1 partition\(s\) that were finished in .* are done again"
    ):  # its number is another's now
        result, _, outcome = train_and_judge(asked, silent, working)
    assert not outcome.partial
    assert result.leaderboard["n_sites"].tolist() == [3, 3, 3]
    assert models(tmp_path / "parts") == whole


def test_a_folder_with_other_things_is_left_alone(meters, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(StudyError, match="holds no training"):
        train_and_judge(study(meters, "store"), silent, Working(parts=tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_one_file_is_worked_through_in_parts_where_that_is_asked_for(meters):
    one = study(meters, "all.parquet")
    assert not names_store(one)
    assert names_store(one, Working(workers=2))
    with pytest.raises(StudyError, match="--workers works through"):
        names_store(make_study({**ASKED, "data": {"dataset": "turin"}}, "study.yaml", meters), Working(workers=2))


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


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"register": "big", "method": "Rigde"}, "no method 'Rigde': did you mean 'Ridge'"),
        ({"alias": "champion"}, "an alias needs a name"),
        ({"register": "a/b", "method": "Ridge"}, "a/b"),
    ],
)
def test_what_cannot_be_registered_is_told_before_anything_is_trained(meters, asked, sentence):
    with pytest.raises(StudyError, match=sentence):
        train_study_store(study(meters, "store"), **asked, progress=pytest.fail)


def test_of_several_methods_the_one_to_register_is_named(meters):
    with pytest.raises(StudyError, match="--method NAME"):
        train_study_store(study(meters, "store"), register="big", progress=lambda _: None)
