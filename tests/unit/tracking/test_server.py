"""The interface in a browser: a wrong port is one sentence, and nothing that was started outlives its starter."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from cblcast import tracking
from cblcast.frames.schema import StudyError

# A server as MLflow's: it starts a child, says who they are, and goes on for ever; `stubborn` does not listen to SIGTERM.
SERVER = """
import os, signal, subprocess, sys, time
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "child" not in sys.argv:
    subprocess.Popen([sys.executable, *sys.argv, "child"])
with open(sys.argv[1], "a") as stream:
    stream.write(f"{os.getpid()}\\n")
if "broken" in sys.argv and "child" not in sys.argv:
    time.sleep(0.5)
    sys.exit(7)
time.sleep(600)
"""
# Starts the keeper as open_ui does, without loading MLflow.
STARTER = """
import subprocess, sys
from cblcast.tracking import keeper, server
keeper.GRACE_SECONDS = server.GRACE_SECONDS = 1.0
server.connect = lambda address: None
server.close_dead_runs = lambda *_: None
server._page = lambda *_: ""
popen = subprocess.Popen
def started(command, **further):
    assert further["env"]["MLFLOW_BACKEND_STORE_URI"].endswith("mlflow.db")
    assert not [part for part in command if "mlflow.db" in part]
    assert further["stdout"] == 2  # standard output is for the address
    return popen([*command[:3], *sys.argv[1:]], **further)
server.subprocess.Popen = started
try:
    server.open_ui("sqlite:///mlflow.db", port=int(sys.argv.pop(1)))
except server.StudyError as error:
    sys.exit(str(error))
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def eventually(what, seconds: float = 200.0) -> bool:
    until = time.monotonic() + seconds
    while not (done := what()) and time.monotonic() < until:
        time.sleep(0.05)
    return bool(done)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def started(tmp_path):
    """Start the interface on a stand-in of the server; gives its process and the numbers of what that started."""
    (tmp_path / "server.py").write_text(textwrap.dedent(SERVER))
    processes, pids = [], tmp_path / "pids"

    def start(*kind):
        command = [sys.executable, "-c", STARTER, str(free_port()), sys.executable, str(tmp_path / "server.py")]
        made = subprocess.Popen([*command, str(pids), *kind], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
        processes.append(made)
        assert eventually(lambda: pids.exists() and len(pids.read_text().split()) == 2)
        return made, [int(pid) for pid in pids.read_text().split()]

    yield start
    for made in processes:
        made.kill()
        made.communicate()
    for pid in pids.read_text().split() if pids.exists() else ():
        if alive(int(pid)):
            os.kill(int(pid), signal.SIGKILL)


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are counted in /proc")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_no_child_outlives_the_interface(started, number):
    made, children = started()
    assert all(map(alive, children))
    made.send_signal(number)
    made.wait(200)
    assert eventually(lambda: not any(map(alive, children)))
    assert made.returncode == (-9 if number == signal.SIGKILL else 0)


def test_a_child_that_does_not_listen_is_ended_too(started):
    made, children = started("stubborn")
    made.terminate()
    made.wait(200)
    assert eventually(lambda: not any(map(alive, children)))


def test_a_server_that_ends_by_itself_is_told_and_leaves_nothing(started):
    made, children = started("broken")
    _, told = made.communicate(timeout=200)
    assert told.strip() == "the MLflow server ended with code 7: see its lines above"
    assert eventually(lambda: not any(map(alive, children)))


def test_a_keeper_that_is_killed_leaves_nothing(started):
    made, children = started()
    parent_of = {pid: int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) for pid in children}
    keeper = next(parent for pid, parent in parent_of.items() if parent not in children)
    os.kill(keeper, signal.SIGKILL)
    made.communicate(timeout=200)
    assert eventually(lambda: not any(map(alive, children)))


@pytest.mark.parametrize("port", [-1, 0, 65536, 99999999])
def test_a_port_that_is_none_is_told(port):
    with pytest.raises(StudyError, match=f"there is no port {port}: choose a --port from 1 to 65535"):
        tracking.open_ui("sqlite:///mlflow.db", port=port)


def test_a_taken_port_is_told_before_the_store_is_opened():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(StudyError, match=r"cannot listen on .* choose another --port"):
            tracking.open_ui("sqlite:///mlflow.db", port=taken.getsockname()[1])


@pytest.mark.parametrize("host", ["no.such.host.invalid", "999.1.1.1", "a" * 300])
def test_a_host_that_is_none_is_told(host):
    with pytest.raises(StudyError, match=r"cannot listen on .* or --host"):
        tracking.open_ui("sqlite:///mlflow.db", host=host, port=free_port())


def test_a_server_has_an_interface_of_its_own():
    with pytest.raises(StudyError, match=r"the store https://\*\*\*@mlflow.example is a server"):
        tracking.open_ui("https://ann:secret@mlflow.example", port=free_port())
