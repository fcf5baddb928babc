"""Runs of dead processes: closed at the next start, and those of living ones and of other machines left alone."""

import os
import signal
import subprocess
import sys

import pytest

from cblcast import tracking
from cblcast.frames.schema import StudyError
from cblcast.tracking import owners
from cblcast.tracking.owners import HOST, MACHINE, PID, STARTED, is_dead, owner_tags, start_of
from cblcast.tracking.store import connect

pytestmark = pytest.mark.skipif(os.name != "posix", reason="elsewhere nothing is told of a process")


@pytest.fixture
def ended() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    return process.pid


def test_this_process_lives():
    tags = owner_tags()
    assert set(tags) == {HOST, MACHINE, PID, STARTED}
    assert all(tags.values())
    assert tags == owner_tags()
    assert not is_dead(tags)


def test_a_process_that_has_ended_is_dead(ended):
    assert is_dead(owner_tags() | {PID: str(ended)})


def test_a_number_that_was_given_again_is_another_process():
    assert is_dead(owner_tags() | {STARTED: "another boot 77"})


def test_a_zombie_is_dead():
    process = subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE)
    tags = owner_tags() | {PID: str(process.pid), STARTED: start_of(process.pid)}
    assert not is_dead(tags)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and is not yet buried
    assert is_dead(tags)
    process.communicate()
    assert is_dead(tags)


@pytest.mark.parametrize(
    "change",
    [
        {MACHINE: "another"},
        {MACHINE: ""},
        {PID: ""},
        {PID: "-1"},
        {PID: "²"},
        {PID: "x"},
        {PID: "9" * 30},
        {STARTED: ""},
    ],
)
def test_what_cannot_be_told_is_left_alone(ended, change):
    assert not is_dead(owner_tags() | {PID: str(ended)} | change)
    assert not is_dead({})


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_a_process_that_the_system_hides_is_left_alone(monkeypatch, ended):
    monkeypatch.setattr(owners, "_read", lambda path: "")  # as /proc of another user with hidepid
    assert not is_dead(owner_tags() | {STARTED: "known once", MACHINE: owners.machine()})
    assert is_dead(owner_tags() | {STARTED: "known once", PID: str(ended), MACHINE: owners.machine()})


def test_other_systems_are_asked_by_ps(monkeypatch, ended):
    monkeypatch.setattr(owners.platform, "system", lambda: "Darwin")
    told = type("Told", (), {"stdout": "Thu Nov 26 03:09:29 2026\n"})
    monkeypatch.setattr(owners.subprocess, "run", lambda *_, **__: told)
    assert start_of(1) == "Thu Nov 26 03:09:29 2026"
    told.stdout = "\n"
    assert start_of(ended) is None


CUT_SHORT = """
import os, signal
from cblcast import tracking

with tracking.study_run("sme", {}, planned=5) as study:
    study.method("High5of10", metrics={"nrmse": 0.2})
    study.method("Low3of5", metrics={"nrmse": 0.3})
    with study._child("Ridge", "method"):
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def killed(store) -> str:
    """A store with a run that `kill -9` ended within its third of five methods."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", CUT_SHORT], check=False, env=os.environ.copy())
    assert done.returncode == -signal.SIGKILL
    return store


def test_a_killed_run_is_told_by_compare_and_closed_at_the_next_start(killed, capsys):
    note = "2 of 5 methods, the run was killed"
    client = connect(killed)
    experiment = client.get_experiment_by_name("sme").experiment_id
    table = tracking.compare("sme")
    assert table["method"].tolist() == ["High5of10", "Low3of5", "Ridge"]
    assert table["status"].tolist() == ["FINISHED", "FINISHED", "KILLED"]
    assert set(table["note"]) == {note}
    assert set(table["run_status"]) == {"KILLED"}
    assert (table["methods_finished"].iloc[0], table["methods_planned"].iloc[0]) == (2, 5)
    assert tracking.parent_runs("sme")["status"].tolist() == ["KILLED"]
    assert {run.info.status for run in client.search_runs([experiment])} == {"RUNNING", "FINISHED"}

    def by_command(*more):
        from cblcast.cli import studies

        studies.compare("sme", None, *more)
        return capsys.readouterr()

    assert note in by_command(False).err
    assert by_command(True).out.count(f'"note": "{note}"') == 3

    # One run of a living process, one of another machine, one of a version that noted nothing: none of them is touched.
    others = {
        name: client.create_run(experiment, run_name=name, tags=tags).info.run_id
        for name, tags in {"alive": owner_tags(), "far": owner_tags() | {MACHINE: "far"}, "old": {}}.items()
    }
    with tracking.study_run("another study", {}) as study:
        study.method("m")
    runs = {run.info.run_name: run for run in client.search_runs([experiment])}
    assert {name: runs[name].info.status for name in others} == dict.fromkeys(others, "RUNNING")
    assert {runs[name].info.status for name in ("sme", "Ridge")} == {"KILLED"}
    assert runs["sme"].data.tags["cblcast.closed"] == "its process ended without a word"
    assert runs["sme"].info.end_time >= runs["sme"].info.start_time
    assert set(tracking.compare("sme")["note"]) == {note}


def test_other_ends_of_a_run_are_told_too(store):
    with tracking.study_run("sme", {}, planned=2) as study:
        study.method("a", metrics={"nrmse": 0.2})
        during = tracking.compare("sme")
    assert during["note"].iloc[0].startswith("1 of 2 methods, the run has not ended, it was started by process ")
    assert set(tracking.compare("sme")["note"]) == {"1 of 2 methods, the run ended without the others"}
    with tracking.study_run("sme", {}, planned=1) as study:
        study.method("a", metrics={"nrmse": 0.2})
    assert tracking.compare("sme")["note"].tolist() == [None]


def test_a_run_that_failed_is_told_as_well(store):
    def draw():
        raise RuntimeError("half way")

    def run():
        with tracking.study_run("sme", {}, planned=3) as study:
            study.method("a", metrics={"nrmse": 0.2})
            study.method("b", figures={"broken": draw})

    with pytest.raises(RuntimeError, match="half way"):
        run()
    assert set(tracking.compare("sme")["note"]) == {"1 of 3 methods, the run failed"}
    with pytest.raises(KeyboardInterrupt), tracking.study_run("sme", {}, planned=3):
        raise KeyboardInterrupt()
    with pytest.raises(
        StudyError, match=r"has no methods \(0 of 3 methods, the run was killed\): train or evaluate it"
    ):
        tracking.compare("sme")


def test_the_machine_is_told_by_more_than_its_name(monkeypatch):
    here = owners.machine.__wrapped__()
    assert here == owners.machine()
    monkeypatch.setattr(owners.os, "readlink", lambda path: "pid:[1]")  # another container
    assert owners.machine.__wrapped__() != here
    monkeypatch.setattr(owners.uuid, "getnode", lambda: 1 << 40 | 7)  # made up: not used
    first = owners.machine.__wrapped__()
    monkeypatch.setattr(owners.uuid, "getnode", lambda: 1 << 40 | 8)
    assert owners.machine.__wrapped__() == first
