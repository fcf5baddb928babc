"""The keeper of a server: it starts the server, and ends all that this started when whoever asked for it is gone.

:func:`main` runs in a process of its own, the leader of its group, with a pipe for standard input. The pipe
ends with the process that holds its other end, however that ends, and then the group ends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

GRACE_SECONDS = 5.0


def keep(command: list[str]) -> int:
    """Run `command` until it ends, a signal comes, or standard input does; returns its exit code."""
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGTERM)):
        signal.signal(number, lambda *_: over.set())
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    for wait in (sys.stdin.buffer.read, server.wait):
        threading.Thread(target=_then_set, args=(wait, over), daemon=True).start()
    over.wait()
    code = server.poll()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end_group(os.getpid(), signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        server.wait(GRACE_SECONDS)
    if code is None:
        end_group(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))  # this process too, so it comes last
        server.kill()
    return server.wait() if code is None else code


def end_group(leader: int, number: int) -> None:
    """Signal every process of the group of `leader`; Windows has none, and its server no children."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, number)


def _then_set(wait: Callable[[], object], over: threading.Event) -> None:
    wait()
    over.set()


def main() -> None:
    """Keep the command on the command line; threads that still wait for the pipe are not waited for."""
    os._exit(keep(sys.argv[1:]) & 0xFF)
