"""The MLflow user interface on this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.request import urlopen

from cblcast.errors import StudyError, nearest
from cblcast.tracking.keeper import GRACE_SECONDS, end_group
from cblcast.tracking.owners import close_dead_runs, every_experiment
from cblcast.tracking.store import artifact_root, connect, guarded, store_uri
from cblcast.tracking.study_runs import study_run_of
from cblcast.tracking.unusable import shown
from cblcast.tracking.views import show_training, training_page

_ERROR_STREAM = 2


def open_ui(
    uri: str | None = None,
    host: str = "127.0.0.1",
    port: int = 5000,
    *,
    study: str | None = None,
    ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve the store in a browser until interrupted; whatever was started for it ends with this process.

    Parameters
    ----------
    uri : str, optional
        See :func:`~cblcast.tracking.store_uri`.
    host, port
        Where to listen.
    study : str, optional
        The study whose methods the page shows, best first, or a run of it by its id; the newest unless given.
    ready : callable
        Told the address of that page when the server answers.

    Raises
    ------
    StudyError
        No such store, the port is taken or none, or the server ended by itself.
    """
    _check_port(host, port)
    address = store_uri(uri)
    if address.startswith(("http://", "https://")):
        raise StudyError(f"the store {shown(address)} is a server with an interface of its own: open it in a browser")
    client = connect(address)
    with suppress(StudyError):  # a store that is only read is shown as it is
        close_dead_runs(client, address)
    page = _page(client, address, study)
    root = artifact_root(address)
    command = [sys.executable, "-c", "from cblcast.tracking.keeper import main; main()"]
    command += [sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port), "--workers", "1"]
    command += [] if root is None else ["--no-serve-artifacts", "--default-artifact-root", root]
    # The address goes by the environment, since a list of processes shows what stands on a command line. No jobs: they
    # are language models that judge others, and cost eight processes.
    further = {
        "MLFLOW_BACKEND_STORE_URI": address,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    with _signals_interrupt():
        # What the server says of itself goes to the error stream: standard output is for the address.
        keeper = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=_ERROR_STREAM,
            env={**os.environ, **further},
            start_new_session=True,
        )
        here = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}"
        threading.Thread(target=_tell_when_ready, args=(here, page, keeper, ready), daemon=True).start()
        try:
            if keeper.wait() != 0:
                raise StudyError(f"the MLflow server ended with code {keeper.returncode}: see its lines above")
        except KeyboardInterrupt:
            pass
        finally:
            _end(keeper)


def _page(client: Any, address: str, study: str | None) -> str:
    """The part of the address that shows the methods of a study; of a store of version 0.1 the view is made first."""
    with guarded(address):
        studies = [one for one in every_experiment(client) if one.name != "Default"]
        named = next((one for one in studies if one.name == study), None)
        if study is not None and named is None:
            run = study_run_of(client, study)
            named = None if run is None else next(o for o in studies if o.experiment_id == run.info.experiment_id)
        if study is not None and named is None:
            raise StudyError(
                f"there is no study {study!r} in {shown(address)}: {nearest(study, [o.name for o in studies])}"
            )
        for one in studies:
            with suppress(StudyError), guarded(address):  # a store that is only read is shown as it is
                show_training(client, one)
        if not studies:
            return ""
        latest = named or max(studies, key=lambda one: one.last_update_time or 0)
        return training_page(client.get_experiment(latest.experiment_id))


def _tell_when_ready(here: str, page: str, keeper: subprocess.Popen[bytes], ready: Callable[[str], None]) -> None:
    """Ask the server until it answers, then tell the address of the page."""
    while keeper.poll() is None:
        try:
            with urlopen(f"{here}/health", timeout=2):
                break
        except OSError:
            time.sleep(0.3)
    else:
        return
    ready(f"{here}/{page}")


def _end(keeper: subprocess.Popen[bytes]) -> None:
    """End a keeper and all that it keeps: by its pipe, and what is left by force."""
    assert keeper.stdin is not None
    keeper.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        keeper.wait(timeout=2 * GRACE_SECONDS)
    end_group(keeper.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    if keeper.poll() is None:
        keeper.kill()
    keeper.wait()


def _check_port(host: str, port: int) -> None:
    """Find out before MLflow is loaded what it would find out after."""
    if not 1 <= port <= 65535:
        raise StudyError(f"there is no port {port}: choose a --port from 1 to 65535, such as 5000")
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise StudyError(f"cannot listen on {host}:{port} ({why}): choose another --port or --host") from error


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """SIGTERM and a closed terminal interrupt as Ctrl-C does, so that what was started is ended first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, _: Any) -> None:
        signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    numbers = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
