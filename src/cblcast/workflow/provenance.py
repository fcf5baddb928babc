"""What a page rests on: the study, the versions, the hashes of the data."""

from __future__ import annotations

import datetime as dt
import hashlib
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path, PurePath

import yaml

from cblcast.config import Study
from cblcast.frames.panel import Panel
from cblcast.report.page import SOFTWARE, Facts, Part, Section, Source
from cblcast.report.words import Words

_PARTS = ("numpy", "pandas", "scikit-learn", "lightgbm")


def provenance_section(
    study: Study | None, files: Mapping[str, str | PurePath], words: Words, command: str = ""
) -> Section:
    """The study, the versions and the SHA-256 of each file that was read.

    Parameters
    ----------
    files : mapping option -> path
    command : str
        What wrote the page.
    """
    pairs = [(words("versions"), versions())]
    if command:
        pairs.append((words("command"), command))
    pairs += [
        (f"{words('sha256')}: {Path(path).name}", sha256_of(Path(path)))
        for path in files.values()
        if Path(path).is_file()
    ]
    parts: list[Part] = [Facts(tuple(pairs))]
    if study is not None:
        settings = study.model_dump(mode="json", exclude_defaults=True)
        parts.append(
            Source(words("the_study"), yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=100))
        )
    return Section("provenance", words("provenance"), tuple(parts))


def versions() -> str:
    """cblcast, Python and what computes."""
    return ", ".join([SOFTWARE, f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in _PARTS)])


def sha256_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def local_now(panel: Panel | None = None) -> dt.datetime:
    """Now, on the clock of the sites."""
    from zoneinfo import ZoneInfo

    zone = "UTC" if panel is None else str(panel.sites["tz"].iloc[0])
    return dt.datetime.now(ZoneInfo(zone))
