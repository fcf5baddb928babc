"""The SQLite file of a store: made whole or not at all, and told in seconds when it cannot be used."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from cblcast import tracking
from cblcast.frames.schema import StudyError
from cblcast.tracking import database_file
from cblcast.tracking.database_file import check_file, make_store

# MLflow takes seconds to make its tables; one table, made slowly, shows what matters: who makes it, and how often.
MAKER = """
import sqlite3, sys, time
from pathlib import Path
from cblcast.tracking import database_file

def slowly(draft, artifacts):
    with open("made", "a") as stream:
        stream.write("x")
    link = sqlite3.connect(draft)
    link.execute("CREATE TABLE experiments (a)")
    time.sleep(float(sys.argv[1]))
    link.execute("CREATE TABLE alembic_version (version_num)")
    link.execute("INSERT INTO alembic_version VALUES ('now')")
    link.commit()
    link.close()

database_file._check_schema = lambda uri, schema: None
database_file._make_tables = slowly
path = Path("mlflow.db").absolute()
if database_file.check_file(path, True):
    print("ready", flush=True)
    database_file.make_store(path, "file:///nowhere")
print(sorted(database_file._look(path, True)[0]))
"""


def maker(folder: Path, seconds: float) -> subprocess.Popen:
    command = [sys.executable, "-c", MAKER, str(seconds)]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_eight_processes_make_one_store(tmp_path):
    processes = [maker(tmp_path, 0.5) for _ in range(8)]
    for process in processes:
        out, errors = process.communicate(timeout=300)
        assert (process.returncode, errors) == (0, "")
        assert out.splitlines()[-1] == "['alembic_version', 'experiments']"
    assert (tmp_path / "made").read_text() == "x"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mlflow.db.lock", "made", "mlflow.db"]


def test_a_maker_that_is_killed_leaves_neither_a_half_store_nor_a_lock(tmp_path):
    first = maker(tmp_path, 600)
    while not (tmp_path / ".mlflow.db.draft").exists():
        assert first.poll() is None
        time.sleep(0.02)
    first.kill()
    first.communicate()
    assert not (tmp_path / "mlflow.db").exists()
    second = maker(tmp_path, 0)
    assert second.communicate(timeout=300)[0].splitlines()[-1] == "['alembic_version', 'experiments']"
    assert not (tmp_path / ".mlflow.db.draft").exists()


def test_a_store_that_cannot_be_made_leaves_no_draft(tmp_path, monkeypatch):
    def full(draft, artifacts):
        draft.write_bytes(b"half")
        raise OSError("database or disk is full")

    monkeypatch.setattr(database_file, "_make_tables", full)
    with pytest.raises(OSError, match="disk is full"):
        make_store(tmp_path / "mlflow.db", "file:///nowhere")
    assert [path.name for path in tmp_path.iterdir()] == [".mlflow.db.lock"]


def test_a_maker_that_does_not_end_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(database_file, "MAKING_SECONDS", 0.1)
    first = maker(tmp_path, 600)
    while not (tmp_path / ".mlflow.db.draft").exists():
        assert first.poll() is None
        time.sleep(0.02)
    with pytest.raises(StudyError, match=r"another process has been making it for 0 s, see .*\.mlflow\.db\.lock"):
        make_store(tmp_path / "mlflow.db", "file:///nowhere")
    first.kill()
    first.communicate()


def test_a_new_store_is_one_that_mlflow_opens(migrated_database):
    assert sorted(path.name for path in migrated_database.parent.iterdir()) == [".mlflow.db.lock", "mlflow.db"]
    with closing(sqlite3.connect(migrated_database)) as link:
        assert link.execute("SELECT count(*) FROM experiments").fetchone() == (1,)
        assert link.execute("SELECT artifact_location FROM experiments").fetchone()[0].endswith("/artifacts/0")
    assert check_file(migrated_database, True) is False


def sentence(path: Path, writing: bool = True) -> str:
    begun = time.process_time()
    with pytest.raises(StudyError) as told:
        check_file(path, writing)
    assert time.process_time() - begun < 5
    message = str(told.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("writing", [True, False])
def test_what_is_no_store_is_told(tmp_path, writing):
    (tmp_path / "folder.db").mkdir()
    assert "it is a folder, not a file" in sentence(tmp_path / "folder.db", writing)
    (tmp_path / "text.db").write_text("no database " * 100)
    assert "file is not a database" in sentence(tmp_path / "text.db", writing)
    with closing(sqlite3.connect(tmp_path / "other.db")) as link:
        link.execute("CREATE TABLE customers (a)")
    assert "a database of something else, with the table 'customers'" in sentence(tmp_path / "other.db", writing)
    assert (tmp_path / "other.db").read_bytes().count(b"CREATE TABLE") == 1


def test_an_empty_file_becomes_a_store_when_something_is_written(tmp_path):
    (tmp_path / "mlflow.db").touch()
    assert "is empty: train a study first" in sentence(tmp_path / "mlflow.db", False)
    assert check_file(tmp_path / "mlflow.db", True) is True


@pytest.mark.parametrize("place", ["/proc/mlflow.db", "/proc/nowhere/mlflow.db", "/dev/null/mlflow.db"])
@pytest.mark.skipif(sys.platform != "linux", reason="folders that nobody may write to")
def test_a_folder_that_cannot_be_written_is_told_at_once(place, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)  # not even loaded
    assert f"sqlite:///{place} cannot be used (" in sentence(Path(place))


def test_a_folder_without_leave_to_write_is_told(tmp_path, monkeypatch, migrated_database):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    for path in (tmp_path / "mlflow.db", migrated_database):
        assert "may not be written to" in sentence(path)
    assert check_file(migrated_database, False) is False


def test_a_store_in_a_folder_that_is_a_file_is_told(tmp_path):
    (tmp_path / "a").touch()
    assert "cannot be used (" in sentence(tmp_path / "a" / "mlflow.db")


@pytest.mark.parametrize("place", ["a/mlflow.db", "a", "a/b/c/mlflow.db"])
def test_a_place_is_looked_at_before_any_work(tmp_path, place):
    tracking.check_store(f"sqlite:///{tmp_path}/new/folder/mlflow.db")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "a").write_text("no database " * 100)
    with pytest.raises(StudyError, match=r"cannot be used \((file is not a database|.*/a is no folder that may be)"):
        tracking.check_store(f"sqlite:///{tmp_path}/{place}")


def test_a_study_tells_of_its_store_before_it_reads_its_meter(tmp_path, monkeypatch):
    from cblcast.config import make_study
    from cblcast.workflow import studies

    study = make_study({
        "study": "sme", "data": {"dataset": "turin"}, "events": {"start": "17:00", "stop": "20:00"},
        "test": ["2019-03-01", "2019-03-31"], "methods": ["High5of10"],
    })  # fmt: skip
    monkeypatch.setattr(studies, "load_panel", lambda _: pytest.fail("the meter was read"))
    with pytest.raises(StudyError, match="it is a folder, not a file"):
        studies.evaluate_study(study, store=f"sqlite:///{tmp_path}")


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        (
            "451aebb31d03",
            "by an older MLflow (schema 451aebb31d03): keep a copy of the file and run 'mlflow db upgrade sql",
        ),
        ("ffffffffffff", "by a newer MLflow (schema ffffffffffff): update mlflow"),
        ("a'b\n.*", "by a newer MLflow"),
    ],
)
def test_a_store_of_another_mlflow_is_told(migrated_database, tmp_path, schema, told):
    path = tmp_path / "mlflow.db"
    shutil.copy(migrated_database, path)
    with closing(sqlite3.connect(path)) as link, link:
        link.execute("UPDATE alembic_version SET version_num = ?", (schema,))
    before = path.read_bytes()
    with pytest.raises(StudyError) as raised:
        tracking.compare("sme", uri=f"sqlite:///{path}")
    assert told in str(raised.value)
    assert path.read_bytes() == before
