"""Work over partitions: the same everywhere, gone on with after a kill, failures named and the rest done."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import worked
from pandas.testing import assert_frame_equal
from worked import Counting, begun, large, made, means, partly, warns

from cblcast.errors import DataError, DataWarning, StudyError
from cblcast.scaling import Outcome, over_partitions
from cblcast.scaling.journal import NAME, noted

HERE = Path(worked.__file__).parent


def plain(pieces) -> pd.DataFrame:
    return pd.concat([means(piece) for piece in pieces], ignore_index=True)


def rows(told: Outcome) -> pd.DataFrame:
    return told.table().reset_index(drop=True)


def test_here_on_threads_and_in_processes_it_is_the_same(tmp_path):
    pieces = made(tmp_path)
    expected = plain(pieces)
    for number, options in enumerate(({}, {"workers": 2}, {"workers": 2, "scheduler": "processes"})):
        held = over_partitions(means, pieces, **options)
        written = over_partitions(means, pieces, tmp_path / f"out{number}", **options)
        assert_frame_equal(rows(held), expected)
        assert_frame_equal(rows(written), expected)
        assert (written.sites, written.partitions, written.partial) == (18, 6, False)
    assert_frame_equal(pd.read_parquet(tmp_path / "out2" / "rows"), expected)  # parts are an ordinary data set


def test_what_is_finished_is_not_done_again_unless_it_was_made_from_something_else(tmp_path):
    pieces = made(tmp_path)
    counting, out = Counting(tmp_path), tmp_path / "out"
    over_partitions(counting, pieces[:4], out, question=("mean", 1))
    again = over_partitions(counting, pieces, out, question=("mean", 1))
    assert again.skipped == 4
    assert [len(begun(tmp_path, piece.key)) for piece in pieces] == [1] * 6
    assert again.names() == ["rows", "counts"]
    assert_frame_equal(rows(again), plain(pieces))

    changed = pd.read_parquet(pieces[2].file).assign(kw=1.0)
    changed.to_parquet(pieces[2].file)
    (out / "rows" / "p4.parquet").write_bytes(b"")  # as a power cut leaves it
    with pytest.warns(
        DataWarning, match=r"2 partition\(s\) that were finished in .* are done again, since .* changed.*: p2, p4$"
    ):
        third = over_partitions(counting, pieces, out, question=("mean", 1))
    assert third.skipped == 4
    assert [len(begun(tmp_path, piece.key)) for piece in pieces] == [1, 1, 2, 1, 2, 1]
    assert_frame_equal(rows(third), plain(pieces))


def test_parts_of_another_question_are_refused_or_taken_away(tmp_path):
    pieces, out = made(tmp_path, 2), tmp_path / "out"
    over_partitions(means, pieces, out, question={"rule": "High5of10"}, notes={"bytes_at_once": 7})
    assert noted(out)["bytes_at_once"] == 7
    with pytest.raises(StudyError, match=r"answers another question.*begin anew with --no-resume"):
        over_partitions(means, pieces, out, question={"rule": "High4of5"})
    (out / "mine.txt").write_text("mine")
    told = over_partitions(means, pieces[:1], out, question={"rule": "High4of5"}, resume=False)
    assert told.skipped == 0
    assert sorted(path.name for path in (out / "rows").iterdir()) == ["p0.parquet"]
    assert (out / "mine.txt").read_text() == "mine"


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    pieces, out = made(tmp_path, 1), tmp_path / "out"
    out.mkdir()
    (out / "thesis.odt").write_text("mine")
    with pytest.raises(StudyError, match=r"is not empty and holds no journal of a run, e\.g\. thesis\.odt"):
        over_partitions(means, pieces, out)
    (out / "thesis.odt").unlink()
    (out / NAME).write_text("my diary\n")
    with pytest.raises(StudyError, match=r"is no journal of a run.*left as it is"):
        over_partitions(means, pieces, out)
    assert (out / NAME).read_text() == "my diary\n"


def test_a_run_of_which_nothing_comes_leaves_nothing(tmp_path):
    pieces = made(tmp_path, 2)
    for piece in pieces:
        piece.file.write_bytes(b"PAR1")
    with pytest.raises(DataError, match="none of the 2 partitions could be done"):
        over_partitions(means, pieces, tmp_path / "new" / "out")
    assert not (tmp_path / "new").exists()
    (tmp_path / "mine").mkdir()
    with pytest.raises(DataError, match="none of the 2 partitions"):
        over_partitions(means, pieces, tmp_path / "mine")
    assert list((tmp_path / "mine").iterdir()) == []


def test_a_part_that_has_rotted_is_no_part(tmp_path):
    pieces, out = made(tmp_path, 2), tmp_path / "out"
    told = over_partitions(means, pieces, out)
    part = out / "rows" / "p0.parquet"
    chunk = pq.read_metadata(part).row_group(0).column(1)
    whole = part.read_bytes()
    for at in range(chunk.dictionary_page_offset + 24, chunk.data_page_offset):  # what is packed may hide it
        content = bytearray(whole)
        content[at] ^= 0x40
        part.write_bytes(content)
        with pytest.raises(DataError, match=r"p0\.parquet is no part of this run any more: take it away"):
            told.table()


RUN = """
import sys
from pathlib import Path
from worked import Counting, found
from cblcast.scaling import over_partitions
folder = Path(sys.argv[1])
if __name__ == "__main__":
    pieces = found(folder, 8)
    print("begun", flush=True)
    over_partitions(Counting(folder, 0.25), pieces, folder / "out", workers=2, scheduler=sys.argv[2])
"""


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_killed_half_way_and_started_again_it_ends_as_if_it_had_not_been(tmp_path, scheduler):
    pieces = made(tmp_path, 8)
    (tmp_path / "run.py").write_text(RUN)
    process = subprocess.Popen(
        [sys.executable, "run.py", str(tmp_path), scheduler], cwd=tmp_path, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, sys.path)])},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    journal = tmp_path / "out" / NAME
    until = time.monotonic() + 120  # a busy machine is slow and not broken
    while time.monotonic() < until and process.poll() is None:
        if journal.is_file() and journal.read_text().count("\n") >= 5:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    noted_then = journal.read_text().count("\n") - 1
    assert 4 <= noted_then < 8
    before = sum(len(begun(tmp_path, piece.key)) for piece in pieces)
    with journal.open("a") as file:
        file.write('{"key": "p7", "dig')  # a line that was being written
    told = over_partitions(Counting(tmp_path, 0.25), pieces, tmp_path / "out")
    assert told.skipped == noted_then
    assert sum(len(begun(tmp_path, piece.key)) for piece in pieces) - before == 8 - noted_then
    assert before - noted_then <= 2  # no more is repeated than was being worked on
    assert_frame_equal(rows(told), plain(pieces))
    assert not list((tmp_path / "out").glob("*/.*"))


def test_another_run_in_the_same_folder_is_told(tmp_path):
    from filelock import FileLock

    pieces, out = made(tmp_path, 1), tmp_path / "out"
    out.mkdir()
    with (
        FileLock(out / ".journal.lock"),
        pytest.raises(StudyError, match=r"another run is at work in .*out: wait for it"),
    ):
        over_partitions(means, pieces, out)


def test_a_corrupt_partition_is_named_and_the_rest_is_done(tmp_path):
    pieces = made(tmp_path)
    whole = pieces[3].file.read_bytes()
    pieces[3].file.write_bytes(whole[: len(whole) // 2])
    out = tmp_path / "out"
    told = over_partitions(means, pieces, out, workers=2)
    assert told.partial
    assert told.failures["partition"].tolist() == ["p3"]
    assert "part3.parquet cannot be read as Parquet" in told.failures["reason"].iloc[0]
    assert_frame_equal(rows(told), plain(pieces[:3] + pieces[4:]))
    pieces[3].file.write_bytes(whole)
    mended = over_partitions(means, pieces, out)
    assert (mended.skipped, mended.partial) == (5, False)
    assert_frame_equal(rows(mended), plain(pieces))


def test_a_site_that_cannot_be_used_does_not_take_its_partition_with_it(tmp_path):
    pieces = made(tmp_path, 2, sites=7)
    table = pd.read_parquet(pieces[0].file)
    table.loc[table["site_id"].isin(["s0c", "s0f"]), "kw"] *= -1
    table.to_parquet(pieces[0].file)
    told = over_partitions(means, pieces, tmp_path / "out")
    assert told.failures["site_id"].tolist() == ["s0c", "s0f"]
    assert told.failures["reason"].tolist() == [
        f"site {site!r} has a negative load: mend it" for site in ("s0c", "s0f")
    ]
    assert told.table()["site_id"].tolist() == [*(f"s0{c}" for c in "abdeg"), *(f"s1{c}" for c in "abcdefg")]
    assert told.sites == 12
    again = over_partitions(means, pieces, tmp_path / "out")
    assert again.skipped == 2
    assert_frame_equal(again.failures, told.failures)
    assert_frame_equal(again.table(), told.table())


def test_sites_that_work_itself_names_are_collected(tmp_path):
    told = over_partitions(partly, made(tmp_path, 2))
    assert told.failures.to_numpy().tolist() == [
        ["p0", "s0a", "it has no reference day"],
        ["p1", "s1a", "it has no reference day"],
    ]
    assert told.names() == ["rows"]


def test_when_nothing_can_be_done_the_first_reason_is_the_error(tmp_path):
    pieces = made(tmp_path, 3)
    for piece in pieces:
        piece.file.write_bytes(b"")
    with pytest.raises(
        DataError, match=r"none of the 3 partitions could be done; the first, p0: part0.parquet cannot be read"
    ):
        over_partitions(means, pieces)
    with pytest.raises(DataError, match=r"^part0.parquet cannot be read"):
        over_partitions(means, pieces[:1])


def test_when_no_site_can_be_done_the_first_reason_is_the_error_and_nothing_is_left(tmp_path):
    pieces = made(tmp_path, 1, sites=2)
    table = pd.read_parquet(pieces[0].file)
    table.assign(kw=-1.0).to_parquet(pieces[0].file)
    for out in (None, tmp_path / "out"):
        with pytest.raises(
            DataError, match="none of the 2 sites could be done; the first, 's0a': site 's0a' has a negative load"
        ):
            over_partitions(means, pieces, out)
    assert not (tmp_path / "out").exists()


def test_a_worker_that_is_killed_once_is_replaced(tmp_path):
    pieces = made(tmp_path, 4)
    told = over_partitions(Counting(tmp_path, kills="p1", times=1), pieces, workers=2, scheduler="processes")
    assert not told.partial
    assert told.retried >= 1
    assert_frame_equal(rows(told), plain(pieces))


def test_a_partition_that_kills_its_worker_twice_is_named(tmp_path):
    pieces = made(tmp_path, 4)
    told = over_partitions(Counting(tmp_path, kills="p1"), pieces, tmp_path / "out", workers=2, scheduler="processes")
    assert told.failures["partition"].tolist() == ["p1"]
    assert "ended from outside, most often for lack of memory" in told.failures["reason"].iloc[0]
    assert len(begun(tmp_path, "p1")) == 2
    assert_frame_equal(rows(told), plain([pieces[0], *pieces[2:]]))


def test_a_full_disk_names_the_part_and_leaves_none_of_it(tmp_path):
    code = (
        "import resource, sys\nfrom pathlib import Path\nfrom worked import large, made\n"
        "from cblcast.scaling import over_partitions\n"
        "folder = Path(sys.argv[1])\npieces = made(folder, 3)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))\n"
        "told = over_partitions(large, pieces, folder / 'out')\n"
        "print(told.failures.to_csv(index=False))\nprint(sorted(p.name for p in (folder / 'out' / 'rows').iterdir()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, sys.path)])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "p1" in done.stdout
    assert "rows/p1.parquet cannot be written: it would be larger than its disk allows" in done.stdout
    assert "['p0.parquet', 'p2.parquet']" in done.stdout


@pytest.mark.parametrize("options", [{}, {"workers": 2, "scheduler": "processes"}], ids=["here", "processes"])
def test_warnings_of_all_partitions_are_told_once(tmp_path, options):
    with pytest.warns(DataWarning, match=r"^a reading looks odd \(and the like of 1 other partitions\)$") as caught:
        over_partitions(warns, made(tmp_path, 2), **options)
    assert len(caught) == 1


def test_progress_counts_sites_and_what_was_done_before(tmp_path):
    class Watch:
        def __init__(self):
            self.expected, self.counts = [], []

        def expect(self, total, what):
            self.expected.append((total, what))

        def advance(self, count, what):
            self.counts.append(count)

    pieces, watch = made(tmp_path, 4), Watch()
    over_partitions(means, pieces[:1], tmp_path / "out")
    over_partitions(means, pieces, tmp_path / "out", progress=watch)
    assert watch.expected == [(9, "1 of 4 partitions were done before")]
    assert watch.counts == [3, 3, 3]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"workers": 0}, "--workers 0 does nothing: give 1 or more"),
        (
            {"workers": 10**9, "scheduler": "processes"},
            "--workers 1000000000 is more than this machine of .* cores can carry",
        ),
        (
            {"scheduler": "tcp://x:99999"},
            "'tcp://x:99999' is no address of a scheduler: write what `dask scheduler` tells",
        ),
        ({"scheduler": "http://127.0.0.1:8786"}, "is no address of a scheduler"),
        ({"scheduler": "tcp://127.0.0.1"}, "is no address of a scheduler"),
        ({"scheduler": "thread"}, "did you mean 'threads'"),
        ({"scheduler": "cluster:8786"}, "neither the address of a cluster"),
    ],
)
def test_bad_options(tmp_path, options, sentence):
    with pytest.raises(StudyError, match=sentence):
        over_partitions(means, made(tmp_path, 1), **options)


def test_no_partition_and_two_of_one_name_are_refused(tmp_path):
    with pytest.raises(DataError, match="there is no partition"):
        over_partitions(means, [])
    with pytest.raises(DataError, match="two partitions are called 'p0'"):
        over_partitions(means, made(tmp_path, 1) * 2)


def test_a_journal_is_lines_of_json(tmp_path):
    over_partitions(partly, made(tmp_path, 2), tmp_path / "out")
    lines = [json.loads(line) for line in (tmp_path / "out" / NAME).read_text().splitlines()]
    assert lines[0]["format"] == 1
    assert [line["key"] for line in lines[1:]] == ["p0", "p1"]
    assert lines[1]["failures"] == [["s0a", "it has no reference day"]]


def test_nothing_is_warned_of_where_nothing_is_odd(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        over_partitions(large, made(tmp_path, 1), tmp_path / "out")
