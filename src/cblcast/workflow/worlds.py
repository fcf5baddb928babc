"""Worlds by name: one file in, tables, figures and a summary out. A world is one class and one line of the registry.

A world is a class with ``section`` (a pydantic model that checks the file) and ``run(settings, folder) -> WorldResult``;
``folder`` is where the file lies, for paths that are relative to it. ``registry.WORLDS`` names it; `cblcast simulate FILE`
finds it by the file's key ``world``.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
from pydantic import BaseModel

from cblcast import registry
from cblcast.checked.yaml_files import apply_changes, read_yaml
from cblcast.config.problems import validated
from cblcast.errors import StudyError, nearest
from cblcast.workflow.outputs import check_writable


@dataclass(frozen=True, eq=False)
class WorldResult:
    """What a world leaves behind.

    Attributes
    ----------
    summary : mapping
        The figures that matter, with units in their names; written as ``summary.json``.
    tables : mapping name -> DataFrame
        Written as ``<name>.csv`` (with their index, where it has a name).
    figures : mapping name -> callable
        Each makes a matplotlib figure, written as ``<name>.png``.
    notes : tuple of str
        What was guessed, left out or redrawn, in sentences.
    """

    summary: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    figures: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class World(Protocol):
    """What ``registry.WORLDS`` names."""

    section: type[BaseModel]

    def run(self, settings: Any, folder: Path) -> WorldResult:
        """Simulate."""
        ...


def read_world(path: str | Path, changes: Mapping[str, Any] | None = None) -> tuple[World, Any]:
    """The world that a file names, and its checked settings.

    Parameters
    ----------
    changes : mapping "a.b" -> value, optional
        Values that replace those of the file; the value is YAML.
    """
    document = read_yaml(path, "world")
    apply_changes(document, changes)
    name = document.get("world")
    if not isinstance(name, str):
        raise StudyError(
            f"{Path(path).name} does not say what it describes: add world: NAME ({nearest('', registry.WORLDS)})"
        )
    world: World = registry.WORLDS.resolve(name)()
    return world, validated(world.section, document, Path(path).name)


def simulate_world(path: str | Path, changes: Mapping[str, Any] | None = None) -> WorldResult:
    """Read, check and run the world of a file."""
    world, settings = read_world(path, changes)
    return world.run(settings, Path(path).parent)


def check_folder(folder: Path) -> None:
    """Raise :class:`StudyError` unless a result can be written into `folder`; worth asking before the work is done."""
    if folder.exists() and not folder.is_dir():
        raise StudyError(f"--out {str(folder)!r} is a file: name a folder")
    check_writable("--out", folder, folder=True)
    if folder.is_dir():  # a result is made beside its folder
        check_writable("--out", folder.absolute().parent, folder=True)


def write_result(result: WorldResult, folder: Path) -> list[Path]:
    """Write a result into `folder`, all of it or nothing; returns the files.

    Everything is made in a folder beside it first, so that an error leaves no half of a result.
    """
    check_folder(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".writing-") as place:
        made = Path(place)
        for name, table in result.tables.items():
            table.to_csv(made / f"{name}.csv", index=table.index.names != [None], lineterminator="\n")
        for name, draw in result.figures.items():
            draw().savefig(made / f"{name}.png", dpi=110)
        summary = {**result.summary, "notes": list(result.notes)}
        (made / "summary.json").write_text(
            json.dumps(summary, indent=1, ensure_ascii=False, default=str) + "\n", "utf-8"
        )
        names = sorted(item.name for item in made.iterdir())
        _keep_what_is_not_ours(folder, names)
        folder.mkdir(exist_ok=True)
        for name in names:
            os.replace(made / name, folder / name)
    return [folder / name for name in names]


def _keep_what_is_not_ours(folder: Path, names: list[str]) -> None:
    """Refuse to replace files in a folder that holds no earlier result."""
    there = [name for name in names if (folder / name).exists()]
    if there and not (folder / "summary.json").is_file():
        raise StudyError(
            f"--out {str(folder)!r} holds {there[0]}, which is of no earlier result and would be lost: name another folder"
        )
