"""However a command ends: one sentence, a short report, or silence; never a traceback unless it is asked for."""

from __future__ import annotations

import errno
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cblcast.cli import main
from cblcast.cli.boundary import guarded
from cblcast.cli.plain_help import show_brackets
from cblcast.cli.sentences import masked, told_of
from cblcast.errors import DataError, DataWarning, StudyError


class Ended:
    def __init__(self, capsys: pytest.CaptureFixture[str], arguments: list[str], run: Any) -> None:
        self.code = guarded(arguments, run)
        self.out, self.err = capsys.readouterr()


def raises(error: BaseException) -> Any:
    def run(arguments: list[str]) -> None:
        raise error

    return run


def foreign() -> list[tuple[BaseException, str, str]]:
    import gzip

    import lightgbm
    import pandas as pd
    import pyarrow as pa
    import yaml
    from mlflow.exceptions import MlflowException
    from optuna.exceptions import StorageInternalError
    from pydantic import BaseModel
    from sklearn.utils._param_validation import InvalidParameterError
    from sqlalchemy.exc import OperationalError

    class Small(BaseModel):
        x: int

    def of(make: Any) -> BaseException:
        try:
            make()
        except Exception as error:  # noqa: BLE001 - whatever it raises is what is tried
            return error
        raise AssertionError

    nested = "[" * 100_000
    return [
        (DataError("line 3 of m.csv: mend it"), "data", "line 3 of m.csv: mend it"),
        (StudyError("no such key"), "study", "no such key"),
        (of(lambda: Path("gone.csv").read_text()), "file", "'gone.csv' cannot be read or written: it is not there"),
        (OSError(errno.ENOSPC, "x", "o.csv"), "file", "'o.csv' cannot be read or written: the disk is full"),
        (PermissionError(errno.EACCES, "x", "o.csv"), "file", "mend its permissions"),
        (of(lambda: b"\xff".decode()), "file", "is not utf-8 text at byte 0: save it as UTF-8"),
        (of(lambda: "\ud800".encode()), "file", "cannot be written as utf-8"),
        (of(lambda: json.loads(nested)), "file", "nested too deeply"),
        (of(lambda: json.loads('{"a":\n1,,}')), "file", "line 2 is not valid JSON"),
        (of(lambda: yaml.safe_load("a: [1")), "study", "line 1 is not valid YAML"),
        (of(lambda: Small(x="seven")), "study", "x: Input should be a valid integer"),
        (MemoryError(), "memory", "the memory does not suffice"),
        (of(lambda: pa.array([1]).cast(pa.date64()).cast(pa.list_(pa.int8()))), "file", "as a table"),
        (pd.errors.ParserError("line 4"), "file", "as a table (line 4)"),
        (of(lambda: pd.Timestamp("1600-01-01").as_unit("ns").value), "data", "mend its year"),
        (of(lambda: gzip.decompress(b"\x1f\x8b\x00")), "file", "cannot be unpacked"),
        (zipfile.BadZipFile("no zip"), "file", "cannot be unpacked (no zip)"),
        (EOFError(), "file", "cannot be unpacked"),
        (MlflowException("no\nstore"), "store", "(no store)"),
        (OperationalError("select", {}, Exception("locked")), "store", "the MLflow store refuses this"),
        (sqlite3.DatabaseError("malformed"), "store", "malformed"),
        (StorageInternalError("gone"), "study", "--journal"),
        (InvalidParameterError("alpha must be"), "study", "alpha must be"),
        (lightgbm.basic.LightGBMError("bad"), "study", "refuses its parameters"),
        (ModuleNotFoundError("x", name="torch.nn"), "install", "pip install 'cblcast[neural]'"),
    ]  # fmt: skip


def test_each_foreign_exception_is_one_sentence_with_its_kind() -> None:
    for error, kind, part in foreign():
        told = told_of(error)
        assert told is not None, repr(error)
        assert (told.kind, told.code) == (kind, 2), repr(error)
        assert part in told.message
        assert "\n" not in told.message


@pytest.mark.parametrize(
    "error", [ValueError("x"), KeyError("x"), TypeError("x"), AssertionError(), ZeroDivisionError()]
)
def test_what_no_input_should_cause_is_no_sentence(error: Exception) -> None:
    assert told_of(error) is None


def test_an_error_that_knows_no_file_names_those_of_the_line(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("x")
    arguments = ["data", "check", str(tmp_path / "m.csv"), f"--weather={tmp_path / 'none.csv'}"]
    told = told_of(RecursionError(), arguments)
    assert told is not None
    assert told.message.startswith("m.csv is nested too deeply")


def test_bad_input_is_a_sentence_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    ended = Ended(capsys, ["train"], raises(DataError("what is wrong, and how to mend it")))
    assert (ended.code, ended.out, ended.err) == (2, "", "Error: what is wrong, and how to mend it\n")


def test_a_machine_gets_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    ended = Ended(capsys, ["train", "--json"], raises(DataError("wrong")))
    assert json.loads(ended.out) == {"error": {"kind": "data", "message": "wrong", "exit_code": 2}}
    assert ended.err == ""
    assert Ended(capsys, ["train", "--", "--json"], raises(DataError("wrong"))).out == ""


def test_a_defect_is_a_short_report_that_keeps_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["compare", "a b", "--store", "postgresql://me:hush@host/db?password=hush"]
    ended = Ended(capsys, arguments, raises(KeyError("hour")))
    assert ended.code == 1
    assert "Traceback" not in ended.err
    assert "hush" not in ended.err
    assert len(ended.err.splitlines()) == 5
    for part in (
        "KeyError: 'hour'",
        "Python 3.",
        "cblcast compare 'a b' --store",
        "--debug",
        "cblcast/cli/boundary.py",
    ):
        assert part in ended.err
    told = json.loads(Ended(capsys, ["--json"], raises(KeyError("hour"))).out)["error"]
    assert {"kind", "message", "exit_code", "where", "version", "python", "command"} == set(told)
    assert (told["kind"], told["exit_code"]) == ("defect", 1)


@pytest.mark.parametrize("switch", ["option", "variable"])
def test_all_of_it_is_shown_on_request(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, switch: str
) -> None:
    seen: list[str] = []

    def run(arguments: list[str]) -> None:
        seen[:] = arguments
        raise KeyError("sqlite://me:hush@host")

    if switch == "variable":
        monkeypatch.setenv("CBLCAST_DEBUG", "1")
    ended = Ended(capsys, ["methods", "--debug"] if switch == "option" else ["methods"], run)
    assert seen == ["methods"]
    assert "Traceback (most recent call last)" in ended.err
    assert "hush" not in ended.err


def test_masked() -> None:
    assert masked("see https://u:p@h/x?token=abc&a=1 and x") == "see https://***@h/x?token=***&a=1 and x"
    assert masked("a@b.c and sqlite:///a@b.db") == "a@b.c and sqlite:///a@b.db"


def test_a_warning_is_one_line_and_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    def run(arguments: list[str]) -> None:
        for _ in range(3):
            warnings.warn("two\nlines", DataWarning, stacklevel=1)
        warnings.warn("for developers", DeprecationWarning, stacklevel=1)

    assert Ended(capsys, [], run).err == "Warning: two lines\n"
    assert json.loads(Ended(capsys, ["--json"], run).err) == {"warning": {"message": "two lines", "times": 1}}


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signals_end_in_130(capsys: pytest.CaptureFixture[str], name: str) -> None:
    before = signal.getsignal(getattr(signal, name))

    def run(arguments: list[str]) -> None:
        os.kill(os.getpid(), getattr(signal, name))
        raise AssertionError("not reached")

    ended = Ended(capsys, [], run)
    assert (ended.code, ended.err.count("\n")) == (130, 1)
    assert "Traceback" not in ended.err
    assert signal.getsignal(getattr(signal, name)) is before


def test_a_signal_in_the_middle_of_a_settlement_leaves_no_process(tmp_path: Path) -> None:
    code = (
        "import sys, time\n"
        "from cblcast.cli.boundary import guarded\n"
        "from cblcast.scaling.processes import worker_processes\n"
        "def run(arguments):\n"
        "    with worker_processes(2) as pool:\n"
        "        for _ in pool.map(time.sleep, [0.01] * 2): print('begun', flush=True)\n"
        "        list(pool.map(time.sleep, [60] * 6))\n"
        "if __name__ == '__main__': sys.exit(guarded([], run))\n"
    )
    (tmp_path / "waits.py").write_text(code)
    process = subprocess.Popen(
        [sys.executable, "waits.py"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.count("\n") == 1, err
    for _ in range(100):
        left = alive_in_group(process.pid)
        if not left:
            break
        time.sleep(0.1)
    assert not left


def alive_in_group(group: int) -> list[str]:
    """What runs in a process group; zombies do not."""
    listed = subprocess.run(["ps", "-eo", "pgid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    rows = (line.split(maxsplit=2) for line in listed.splitlines())
    return [" ".join(row) for row in rows if row[0] == str(group) and not row[1].startswith("Z")]


def test_a_closed_pipe_ends_quietly() -> None:
    code = "import sys; from cblcast.cli.boundary import guarded\nsys.exit(guarded([], lambda a: print('x' * 10**6)))"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert process.wait() == 141
    process.stderr.close()


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["trian"], "No such command 'trian'"),
        (["settle", "--data"], "requires an argument"),
        (["ui", "--port", "x"], "valid integer"),
    ],
)
def test_a_usage_error_is_told_to_both(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], part: str
) -> None:
    for as_json in ([], ["--json"]):
        monkeypatch.setattr(sys, "argv", ["cblcast", *as_json, *arguments])
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        assert stop.value.code == 2
        told = json.loads(out)["error"]["message"] if as_json else err
        assert part in told or "No such option" in told


def test_brackets_of_a_help_text_are_shown() -> None:
    small = typer.Typer(help="About [all].")

    @small.command()
    def one(x: str = typer.Option("", help="Which [method] to take [0]."), y: int = 0) -> None:
        """Do [it]."""

    @small.command()
    def two() -> None:
        """Other."""

    command = show_brackets(typer.main.get_command(small))
    for arguments, parts in (
        (["--help"], ("About [all].", "Do [it].")),
        (["one", "--help"], ("Which [method] to take [0].",)),
    ):
        runner = CliRunner()
        with runner.isolation() as streams:
            command.main(args=arguments, standalone_mode=False)
            shown = streams[0].getvalue().decode()
        for part in parts:
            assert part in shown
