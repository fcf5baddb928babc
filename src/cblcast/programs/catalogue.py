"""The catalogue: program files in the package, and a user's own, which work the same way."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from cblcast import registry
from cblcast.checked.found_wrong import in_words
from cblcast.checked.yaml_files import parse_document, read_yaml
from cblcast.errors import StudyError, nearest
from cblcast.programs.model import Program

FOLDER = "catalogue"
OWN_EVIDENCE = {"selection": {"source": "the user's own file", "as_of": "today", "confidence": "own"}}


def list_programs() -> list[Program]:
    """Every rule of the catalogue, sorted by name."""
    return [load_program(name) for name in sorted({*_known(), *registry.RULES})]


def load_program(name: str | Path | Program) -> Program:
    """A rule by its name in the catalogue, or from a user's own YAML file.

    Raises
    ------
    StudyError
        Unknown name or vintage (``NAME@VINTAGE``), with the nearest known; a file that cannot be read, or a key that is none, by name.
    """
    if isinstance(name, Program):
        return name
    text, _, vintage = str(name).partition("@")
    if vintage:
        return _vintage(load_program(text), vintage)
    if text.endswith((".yaml", ".yml")) or "/" in text:
        return _with_its_files(read_program(Path(text)), Path(text).parent)
    if text in registry.RULES:
        return _added(text)
    known = _known()
    if text not in known:
        raise StudyError(
            f"there is no program {text!r}: {nearest(text, [*known, *registry.RULES])}; a rule of your own is given as a path to its .yaml"
        )
    return _from_catalogue(text)


def _with_its_files(program: Program, folder: Path) -> Program:
    """The program with a calendar file that lies beside its own."""
    own = program.calendar
    if own is None or own.file is None or own.file.is_absolute():
        return program
    return program.model_copy(update={"calendar": own.model_copy(update={"file": folder / own.file})})


def _vintage(program: Program, vintage: str) -> Program:
    """One vintage of a program, for events of any day, since it was asked for by name."""
    known = {each.vintage: each for each in program.dated if each.vintage}
    if vintage not in known:
        told = nearest(vintage, known) if known else "it has one only, so leave @ out"
        raise StudyError(f"{program.name} has no vintage {vintage!r}: {told}")
    found = known[vintage]
    return found.model_copy(update={"name": found.asked_name, "only_in_force": False, "vintages": ()})


def read_program(path: Path) -> Program:
    """A rule from a YAML file; without ``evidence`` it is the user's own."""
    return _checked(read_yaml(path, "program"), path.name, own=True)


def _added(name: str) -> Program:
    """A rule that an installed package or a plugin adds: a mapping as a program file holds it, or the path of one."""
    if name in _known():
        raise StudyError(f"an added program is called {name!r}, as one of the catalogue: give it another name")
    given = registry.RULES.resolve(name)
    if isinstance(given, Program):
        return given
    if not isinstance(given, Mapping):
        return read_program(Path(str(given)))
    return _checked({"name": name, **given}, f"the added program {name!r}", own=True)


@lru_cache(maxsize=1)
def _known() -> tuple[str, ...]:
    return tuple(
        entry.name.removesuffix(".yaml")
        for entry in (files("cblcast.programs") / FOLDER).iterdir()
        if entry.name.endswith(".yaml")
    )


@lru_cache(maxsize=128)
def _from_catalogue(name: str) -> Program:
    content = (files("cblcast.programs") / FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    program = _checked(parse_document(content, f"{name}.yaml", "program"), f"{name}.yaml", own=False)
    if program.name != name:
        raise StudyError(f"the catalogue file {name}.yaml names its program {program.name!r}: they must be alike")
    return program


def _checked(document: dict[str, Any], where: str, own: bool) -> Program:
    from pydantic import ValidationError

    if own:
        document.setdefault("evidence", OWN_EVIDENCE)
    try:
        return Program(**document)
    except ValidationError as error:
        raise StudyError(f"{where}: {_first_problem(error)}") from None


def _first_problem(error: Any) -> str:
    problem = error.errors()[0]
    place = ".".join(str(part) for part in problem["loc"])
    message = in_words(problem)
    if problem["type"] == "extra_forbidden":
        key = str(problem["loc"][-1])
        message = f"is no key of a program: {nearest(key, Program.model_fields)}"
    return f"{place} {message}" if place else message
