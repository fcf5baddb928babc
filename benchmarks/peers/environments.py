"""An environment of its own for each peer, made by venv and pip from package names and kept from run to run."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from shutil import which


@dataclass(frozen=True)
class Peer:
    """A library that is compared with.

    Attributes
    ----------
    name : str
        Of its environment and of its script ``peer_<name>.py``.
    packages : tuple of str
        What pip installs.
    least : (int, int)
        The oldest Python that it runs on.
    """

    name: str
    packages: tuple[str, ...]
    least: tuple[int, int] = (3, 11)


PEERS = (
    Peer("naive_pandas", ("pandas", "pyarrow")),
    Peer("opendsm", ("opendsm", "multimethod<2", "pandas<3", "pyarrow")),
    Peer("mlforecast", ("mlforecast", "lightgbm", "pandas<3", "pyarrow")),
    Peer("skforecast", ("skforecast", "lightgbm", "pandas<3", "pyarrow")),
    Peer("openstef", ("openstef-core>=4,<5", "openstef-models[xgb-cpu]>=4,<5", "pyarrow"), (3, 12)),
    Peer("windpowerlib", ("windpowerlib", "pyarrow")),
    Peer("matsim-tools", ("matsim-tools",)),
)


class NotInstalled(Exception):
    """A peer that cannot be had here, with the line that says why."""


def interpreter(least: tuple[int, int]) -> str:
    """A Python not older than `least`: this one, or one on the path or under pyenv.

    Raises
    ------
    NotInstalled
        There is none.
    """
    if sys.version_info[:2] >= least:
        return getattr(sys, "_base_executable", sys.executable)
    for minor in range(least[1], least[1] + 3):
        named = which(f"python3.{minor}")
        candidates = [Path(named)] if named else []
        candidates += sorted((Path.home() / ".pyenv" / "versions").glob(f"3.{minor}.*/bin/python3"))
        for python in candidates:
            if subprocess.run([python, "-c", "import venv"], capture_output=True, check=False).returncode == 0:
                return str(python)
    raise NotInstalled(f"needs Python {least[0]}.{least[1]} or newer; here is {sys.version.split()[0]} alone")


def python_of(peer: Peer, folder: Path) -> Path:
    """The interpreter of a peer's environment in `folder`; it is made if it is not there, or was made of other packages.

    Raises
    ------
    NotInstalled
        No Python is new enough, or pip refuses; the message is its own last line of error.
    """
    home = folder / peer.name
    python, stamp = home / "bin" / "python", home / "packages.json"
    wanted = json.dumps(peer.packages)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    base = interpreter(peer.least)
    for command in (
        [base, "-m", "venv", "--clear", str(home)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", *peer.packages],
    ):
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if ran.returncode:
            lines = [line for line in ran.stderr.splitlines() if line.startswith("ERROR")] or ran.stderr.splitlines()
            raise NotInstalled((lines or ["pip ended without a word"])[-1])
    stamp.write_text(wanted, encoding="utf-8")
    return python
