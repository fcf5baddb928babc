"""The manifest of a saved model: whatever is not as it was saved is named in one sentence, before it is parsed."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cblcast.errors import DataError, StudyError
from cblcast.estimators.rules.similar_days import XofY
from cblcast.forecast import manifest, state
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.manifest import MANIFEST, digest_of, seal

FILES = ("arrays.npz", "forecaster.json", "model.json")
REMEDY = "train and register it again"


@pytest.fixture
def saved(tmp_path) -> Path:
    folder = tmp_path / "model"
    made = Forecaster(XofY(2, 3))
    made.estimator.level_ = np.arange(20.0)
    made.sites = pd.DataFrame({"tz": ["Europe/Rome"]}, index=pd.Index(["a"], name="site_id"))
    made.save(folder)
    return folder


def sentence(folder: Path, kind: type[Exception] = DataError, digest: str | None = None) -> str:
    with pytest.raises(kind) as told:
        Forecaster.load(folder, digest)
    message = str(told.value)
    assert "\n" not in message
    return message


def rewrite(folder: Path, **changes) -> None:
    """A manifest that a stranger wrote, whole in itself."""
    document = json.loads((folder / MANIFEST).read_text())
    document |= changes
    (folder / MANIFEST).write_bytes(manifest._written(document))


def test_it_names_every_file_and_who_saved_it(saved):
    document = json.loads((saved / MANIFEST).read_text())
    assert sorted(document["files"]) == sorted(FILES)
    assert sorted(path.name for path in saved.iterdir()) == sorted((*FILES, MANIFEST))
    assert document["format"] == 1
    assert document["cblcast"]
    assert Forecaster.load(saved, digest_of(saved)).estimator.y == 3


def test_every_byte_of_the_manifest_counts(saved):
    whole = (saved / MANIFEST).read_bytes()
    for place in range(len(whole)):
        torn = bytearray(whole)
        torn[place] ^= 1 << (place % 8)
        (saved / MANIFEST).write_bytes(torn)
        with pytest.raises((DataError, StudyError), match=r"manifest\.json|cblcast"):
            manifest.read_whole(saved)


@pytest.mark.parametrize("name", FILES)
def test_every_byte_of_every_file_counts(saved, name):
    whole = (saved / name).read_bytes()
    for place in range(len(whole)):
        torn = bytearray(whole)
        torn[place] ^= 1 << (place % 8)
        (saved / name).write_bytes(torn)
        with pytest.raises(DataError, match=f"is damaged: {name} is not the file that was saved"):
            manifest.read_whole(saved)


def test_nothing_is_parsed_of_a_damaged_model(saved, monkeypatch):
    (saved / "arrays.npz").write_bytes((saved / "arrays.npz").read_bytes()[:-1] + b"x")
    monkeypatch.setattr("cblcast.forecast.forecaster.state_of", lambda *_: pytest.fail("parsed"))
    assert "arrays.npz" in sentence(saved)


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_missing_file_is_named(saved, name):
    (saved / name).unlink()
    message = sentence(saved)
    assert name in message
    assert REMEDY in message


@pytest.mark.parametrize("size", [0, 1, -1])
@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_cut_file_is_named(saved, name, size):
    content = (saved / name).read_bytes()
    (saved / name).write_bytes(content[:size])
    assert name in sentence(saved)


def test_an_extra_file_is_named(saved):
    (saved / "notes.txt").write_text("x")
    assert "'notes.txt', which its manifest.json does not name: take it out" in sentence(saved)


def test_swapped_files_are_named(saved, tmp_path):
    other = tmp_path / "other"
    Forecaster(XofY(3, 4)).save(other)
    shutil.copy(other / "model.json", saved / "model.json")
    assert "model.json is not the file that was saved" in sentence(saved)


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_link_is_not_followed(saved, tmp_path, name):
    (saved / name).rename(tmp_path / "elsewhere")
    (saved / name).symlink_to(tmp_path / "elsewhere")
    assert f"a link for {name}, where a file should be" in sentence(saved)


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_folder_in_place_of_a_file_is_named(saved, name):
    (saved / name).unlink()
    (saved / name).mkdir()
    assert f"a folder for {name}, where a file should be" in sentence(saved)


def test_a_pipe_is_not_waited_for(saved):
    (saved / "arrays.npz").unlink()
    os.mkfifo(saved / "arrays.npz")
    assert "arrays.npz" in sentence(saved)


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_huge_file_is_not_read(saved, name):
    with (saved / name).open("r+b") as stream:
        stream.truncate(2**42)  # a hole: takes no room
    assert name in sentence(saved)


@pytest.mark.parametrize(
    "name", ["../model.json", "/etc/passwd", "a/b", "..", ".", "", "a\\b", "C:model.json", "a\0b", MANIFEST]
)
def test_a_manifest_cannot_leave_its_folder(saved, name):
    files = json.loads((saved / MANIFEST).read_text())["files"]
    rewrite(saved, files={**files, name: files["model.json"]})
    assert "which is no file of it" in sentence(saved)


def test_a_manifest_that_names_too_little_or_too_much(saved):
    files = json.loads((saved / MANIFEST).read_text())["files"]
    rewrite(saved, files={**files, "more.bin": files["model.json"]})
    assert "it has no more.bin" in sentence(saved)
    rewrite(saved, files={key: files[key] for key in files if key != "arrays.npz"})
    assert "'arrays.npz'" in sentence(saved)
    (saved / "arrays.npz").unlink()
    assert "no arrays.npz" in sentence(saved)
    rewrite(saved, files={**files, "model.json": {"bytes": 2**40, "sha256": "0"}})
    assert "too large: model.json" in sentence(saved)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"3", b"null", b"\xff\xfe", b"[" * 3000 + b"]" * 3000,
    b'{"format": 1}', b'{"format": "1", "cblcast": "0.1.0", "files": {}}', b'{"format": 1, "cblcast": 3, "files": [1]}',
])  # fmt: skip
def test_a_strange_manifest_is_one_sentence(saved, content):
    (saved / MANIFEST).write_bytes(content)
    assert f"its {MANIFEST} is not what was written" in sentence(saved)


def test_what_is_too_new_asks_for_an_update(saved):
    whole = (saved / MANIFEST).read_bytes()
    rewrite(saved, cblcast="99.0.1")
    assert "was saved by cblcast 99.0.1, this is" in sentence(saved, StudyError)
    assert "update cblcast" in sentence(saved, StudyError)
    rewrite(saved, cblcast="newest")
    assert "'newest', which is no version" in sentence(saved)
    rewrite(saved, format=7)
    assert "has format 7, this cblcast reads up to 1: update cblcast" in sentence(saved, StudyError)
    (saved / MANIFEST).write_bytes(whole)
    document = json.loads((saved / "forecaster.json").read_text())
    (saved / "forecaster.json").write_text(json.dumps(document | {"format": 9}))
    seal(saved, FILES)
    assert "format 9, this cblcast reads up to 2: update cblcast" in sentence(saved, StudyError)


@pytest.mark.parametrize("version", ["0.0.9", "0.1.99", "0.1.0.dev3"])
def test_an_older_version_and_the_last_place_do_not_matter(saved, version, monkeypatch):
    monkeypatch.setattr(manifest, "__version__", "0.1.0")
    rewrite(saved, cblcast=version)
    assert Forecaster.load(saved).estimator.y == 3


def test_another_manifest_than_the_noted_one_is_noticed(saved, tmp_path):
    noted = digest_of(saved)
    Forecaster(XofY(3, 4)).save(saved)
    Forecaster.load(saved)
    assert "is not the one that was registered" in sentence(saved, digest=noted)
    (saved / MANIFEST).unlink()
    assert "has lost its manifest.json" in sentence(saved, digest=noted)


def test_a_folder_that_holds_something_else_is_left_as_it_is(tmp_path):
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(DataError, match=r"holds 'thesis\.txt', which is no part of a model: name an empty one"):
        Forecaster(XofY(2, 3)).save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("earlier", ["model", "saved_by_0_1"])
def test_a_save_that_is_cut_short_leaves_no_model_that_loads(saved, tmp_path, monkeypatch, earlier):
    if earlier == "saved_by_0_1":
        saved = tmp_path / earlier
        shutil.copytree(Path(__file__).parent / earlier / "kernel", saved)
        (saved / "expected.json").unlink()
        Forecaster.load(saved)

    def stop(*_, **__):
        raise KeyboardInterrupt

    for where in (np, "savez"), (state, "seal"):
        with monkeypatch.context() as patch:
            patch.setattr(*where, stop)
            with pytest.raises(KeyboardInterrupt):
                Forecaster(XofY(7, 9)).save(saved)
        assert MANIFEST in sentence(saved)


def test_arrays_that_unpack_to_too_much_are_not_unpacked(saved, monkeypatch):
    monkeypatch.setattr(state, "MOST_BYTES", 100)
    assert "arrays.npz holds" in sentence(saved)


def test_a_model_too_large_to_be_loaded_is_not_sealed(tmp_path, monkeypatch):
    monkeypatch.setattr(manifest, "MOST_BYTES", 300)
    made = XofY(2, 3)
    made.level_ = np.arange(100.0)
    with pytest.raises(DataError, match=r"bytes in arrays\.npz, where 300 are the most: train a smaller one"):
        state.save_state(made, tmp_path)
    assert not (tmp_path / MANIFEST).exists()
