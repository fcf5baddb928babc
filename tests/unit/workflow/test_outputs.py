"""Outputs: never over inputs, all or none, with their folders; what cannot be written is said, and nothing is left."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pandas as pd
import pytest

from cblcast.frames.schema import StudyError
from cblcast.tuning.journal import mend
from cblcast.workflow.outputs import check_ending, check_outputs, frame_writer, text_writer, write_all


def left(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_an_output_may_be_no_input_whatever_it_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meter = tmp_path / "meter.csv"
    meter.write_text("time,load_kw\n")
    (tmp_path / "link.csv").symlink_to(meter)
    os.link(meter, tmp_path / "hard.csv")
    monkeypatch.chdir(tmp_path)
    for out in (
        meter,
        Path("meter.csv"),
        tmp_path / "link.csv",
        tmp_path / "hard.csv",
        tmp_path / "x" / ".." / "meter.csv",
    ):
        with pytest.raises(
            StudyError, match="is the file of --data, which would be lost: choose another name for --out"
        ):
            check_outputs({"--out": out}, {"--data": meter, "--events": None})
    check_outputs({"--out": tmp_path / "new.csv", "--html": None}, {"--data": meter})


@pytest.mark.parametrize("other", ["a.csv", "./a.csv", "b/../a.csv"])
def test_two_outputs_may_not_be_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError, match="--html and --out both name"):
        check_outputs({"--out": Path("a.csv"), "--html": Path(other)}, {})


def test_all_are_written_with_their_folders(tmp_path: Path) -> None:
    table, page = tmp_path / "deep" / "er" / "t.parquet", tmp_path / "page.html"
    write_all({table: frame_writer(pd.DataFrame({"a": [1]}), table), page: text_writer("<p>ü</p>")})
    assert pd.read_parquet(table)["a"].tolist() == [1]
    assert page.read_text(encoding="utf-8") == "<p>ü</p>"
    assert left(tmp_path) == ["deep", "deep/er", "deep/er/t.parquet", "page.html"]


def full_disk(_: Path) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def half_then_full(path: Path) -> None:
    path.write_text("half")
    full_disk(path)


@pytest.mark.parametrize(
    ("name", "writer", "sentence"),
    [
        ("second.html", full_disk, "second.html cannot be written: the disk is full"),
        ("new/second.html", half_then_full, "second.html cannot be written: the disk is full"),
        ("first.csv/second.html", text_writer("x"), "a part of its path is a file"),
        ("folder", text_writer("x"), "it is a folder: name a file in it"),
        ("x" * 300 + ".html", text_writer("x"), "its name is too long"),
    ],
)
def test_if_one_cannot_be_written_none_is(tmp_path: Path, name: str, writer, sentence: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "first.csv").write_text("old")
    before = left(tmp_path)
    with pytest.raises(StudyError, match=sentence):
        write_all({tmp_path / "first.csv": text_writer("new"), tmp_path / name: writer})
    assert (tmp_path / "first.csv").read_text() == "old"
    assert left(tmp_path) == before


def test_a_defect_of_a_writer_leaves_no_draft(tmp_path: Path) -> None:
    def broken(path: Path) -> None:
        path.write_text("half")
        raise KeyError("a defect")

    with pytest.raises(KeyError):
        write_all({tmp_path / "new" / "a.csv": broken})
    assert left(tmp_path) == []


def test_endings_are_judged_before_anything_is_computed() -> None:
    check_ending(None)
    check_ending(Path("a.CSV"))
    with pytest.raises(StudyError, match=r"'a\.xls' ends in neither \.csv nor \.parquet"):
        check_ending(Path("a.xls"))


def test_places_that_cannot_be_written_are_told_before_anything_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StudyError, match=r"a\.csv cannot be written: a part of its path is a file"):
        check_outputs({"--out": tmp_path / "file" / "new" / "a.csv"}, {})
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(
        StudyError, match=r"folder\.csv cannot be written: it is a folder: name a file in it; nothing is written"
    ):
        check_ending(tmp_path / "folder.csv")

    def refused(path: Path, *args: object, **options: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "touch", refused)  # whoever runs this may be allowed everything
    with pytest.raises(
        StudyError, match=r"a\.csv cannot be written: it may not be .*mend its permissions; nothing was begun"
    ):
        check_outputs({"--out": tmp_path / "new" / "a.csv"}, {})
    assert not (tmp_path / "new").exists()


def test_a_file_that_is_no_journal_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "meter.csv"
    path.write_text("time,load_kw\n2019-01-01,1\n2019-01-02,2")
    with pytest.raises(StudyError, match="is no journal of a tuning, and is left as it is"):
        mend(path)
    assert path.read_text().endswith("2019-01-02,2")


@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        ("there", "it is a folder: name a file in it"),
        ("file/new/page.html", "a part of its path is a file"),
        (f"new/{'n' * 300}.html", "its name is too long"),
        ("/proc/no/page.html", "cannot be written"),  # where nobody can write, not even root
    ],
)
def test_what_cannot_be_written_is_told_before_anything_is_begun(tmp_path: Path, out: str, sentence: str) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "file").touch()
    if out.startswith("/proc") and not Path("/proc").is_dir():
        pytest.skip("there is no /proc here")
    before = left(tmp_path)
    with pytest.raises(StudyError, match=f"--out .*{sentence}.*nothing was begun"):
        check_outputs({"--out": tmp_path / out}, {})
    assert left(tmp_path) == before


def test_a_file_that_may_not_be_written_is_told_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(StudyError, match="it may not be read or written: choose another place, or mend its perm"):
        check_outputs({"--out": tmp_path / "page.html"}, {})


def test_trying_leaves_nothing_and_a_store_may_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    check_outputs({"--out": tmp_path / "deep" / "page.html", "--mail": tmp_path / "mail.html"}, {})
    check_outputs({"--out": tmp_path / "store"}, {}, folders=True)
    assert left(tmp_path) == ["store"]
