"""A PostgreSQL server of the tests' own, in a temporary folder, run by an ordinary user."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PASSWORD = "p@ss/word"  # with signs that a URL must escape
ESCAPED = "p%40ss%2Fword"


def programs() -> Path | None:
    """The folder of initdb and pg_ctl, None where PostgreSQL is not installed."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in found if (folder / "initdb").exists() and (folder / "pg_ctl").exists()), None)


@contextmanager
def server() -> Iterator[str]:
    """An SQLAlchemy URL of an empty database; the server and its folder are gone afterwards."""
    tools = programs()
    assert tools is not None
    folder = Path(tempfile.mkdtemp(prefix="cblcast-postgres-"))
    # The server refuses to run as root.
    user = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
    if user:
        shutil.chown(folder, "nobody", "nogroup")

    def run(tool: str, *arguments: str) -> None:
        subprocess.run(
            [str(tools / tool), *arguments], check=True, cwd=folder, capture_output=tool == "initdb", timeout=60,
            stdout=None if tool == "initdb" else subprocess.DEVNULL, **user,
        )  # fmt: skip

    try:
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o644)
        data, port = str(folder / "data"), _free_port()
        run(
            "initdb",
            "-D",
            data,
            "-U",
            "cblcast",
            "-A",
            "scram-sha-256",
            "--pwfile",
            "password",
            "--no-sync",
            "-E",
            "UTF8",
        )
        settings = f"-F -p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        run("pg_ctl", "-D", data, "-l", str(folder / "log"), "-w", "-t", "30", "-o", settings, "start")
        try:
            yield f"postgresql+pg8000://cblcast:{ESCAPED}@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
