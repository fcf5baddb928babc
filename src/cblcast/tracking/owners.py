"""Which process a run belongs to, and whether that still lives: what a kill left open is closed at the next start.

A process is known by its machine, its number and its start: a number is given again, and two containers may both have
a process 7. What cannot be told is left alone.
"""

from __future__ import annotations

import hashlib
import os
import platform
import socket
import subprocess
import uuid
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from cblcast.tracking.store import every_run, guarded

HOST, MACHINE, PID, STARTED = "cblcast.host", "cblcast.machine", "cblcast.pid", "cblcast.process_started"
CLOSED = "cblcast.closed"
_HIDDEN = "hidden"
_MOST_EXPERIMENTS = 500  # of one question: SQLite counts the values of a query


def owner_tags() -> dict[str, str]:
    """Tags of a run of this process."""
    pid = os.getpid()
    return {HOST: socket.gethostname(), MACHINE: machine(), PID: str(pid), STARTED: start_of(pid) or ""}


def is_dead(tags: Mapping[str, str]) -> bool:
    """Whether the process that opened a run has surely ended; False of another machine, and of what cannot be told."""
    pid, started = tags.get(PID, ""), tags.get(STARTED, "")
    if not (pid.isascii() and pid.isdigit() and len(pid) < 10 and started) or tags.get(MACHINE) != machine():
        return False
    return start_of(int(pid)) not in (started, _HIDDEN)


def close_dead_runs(client: Any, uri: str) -> int:
    """Mark every open run of a process that has ended as KILLED; returns how many."""
    dead: list[str] = []
    with guarded(uri):
        homes = [home.experiment_id for home in every_experiment(client)]
        for first in range(0, len(homes), _MOST_EXPERIMENTS):
            some = homes[first : first + _MOST_EXPERIMENTS]
            open_runs = every_run(client, uri, some, "attributes.status = 'RUNNING'")
            dead += [run.info.run_id for run in open_runs if is_dead(run.data.tags)]
        for run_id in dead:
            client.set_tag(run_id, CLOSED, "its process ended without a word")
            client.set_terminated(run_id, "KILLED")
    return len(dead)


def every_experiment(client: Any) -> list[Any]:
    """All experiments of a store, page by page."""
    page = client.search_experiments(max_results=1000)
    found = list(page)
    while page.token:
        page = client.search_experiments(max_results=1000, page_token=page.token)
        found += page
    return found


@cache
def machine() -> str:
    """What tells this machine, or container, from others: a digest, since a store may be shared."""
    parts = [socket.gethostname(), platform.system()]
    for file in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        parts.append(_read(Path(file)))
    node = uuid.getnode()
    parts.append("" if node >> 40 & 1 else str(node))  # one that was made up differs from process to process
    try:
        parts.append(os.readlink("/proc/self/ns/pid"))  # containers count their processes each by itself
    except OSError:
        parts.append("")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def start_of(pid: int) -> str | None:
    """When the process `pid` of this machine began, as a text that no other process of that number has; None of none.

    A system may hide the processes of other users: of those it is only known that they are there.
    """
    if platform.system() == "Linux":
        status = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
        if not status:
            return _HIDDEN if _exists(pid) else None
        if status[0] in "ZX":  # a zombie is dead, only not buried
            return None
        return (
            f"{_read(Path('/proc/sys/kernel/random/boot_id'))} {status[19]}"  # field 22 of proc_pid_stat(5), in ticks
        )
    if os.name == "posix":
        command, plain = ["ps", "-o", "lstart=", "-p", str(pid)], {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
        told = subprocess.run(command, env=plain, capture_output=True, text=True, check=False)
        return told.stdout.strip() or None
    return None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
