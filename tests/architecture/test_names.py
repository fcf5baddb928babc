"""A message or a page that names a function names one that exists: advice that cannot be followed is worse than none."""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
DOTTED = re.compile(r"(?<![\w./-])cblcast(?:\.[A-Za-z_]\w*)+(?::[A-Z]\w*)?(?!\w*[/-])")
ROLE = re.compile(r":(?:py:)?(func|class|meth|mod|data|attr|exc|obj):`(?:[^`<]*<)?[~!]?([^`>]+?)>?`")
IMPORT = re.compile(r"^\s*(?:>>> )?from (cblcast[\w.]*) import ([\w, ]+)$", re.MULTILINE)
NOT_PYTHON = {
    "cblcast.kind", "cblcast.model_uri", "cblcast.manifest_sha256", "cblcast.methods_planned",  # tags of an MLflow run
    "cblcast.host", "cblcast.machine", "cblcast.pid", "cblcast.process_started", "cblcast.closed",  # and of its process
    "cblcast.parts", "cblcast.readers", "cblcast.rules", "cblcast.worlds",  # groups of entry points, in which other packages name their own
    "cblcast.module:Class",  # the pattern of a path
}  # fmt: skip
FILE_ENDINGS = ("yaml", "yml", "toml", "db", "json", "md", "csv")


def resolve(name: str, inside: Any = None) -> Any:
    """The object that a dotted name stands for: below `inside`, or imported. AttributeError where there is none."""
    found, parts = inside, re.split("[.:]", name)
    if inside is None:
        found, parts = importlib.import_module(parts[0]), parts[1:]
    for part in parts:
        try:
            found = member(found, part)
        except AttributeError:
            if not isinstance(found, ModuleType):
                raise
            try:
                found = importlib.import_module(f"{found.__name__}.{part}")
            except ModuleNotFoundError:
                raise AttributeError(f"{found.__name__} has no {part}") from None
    return found


def member(owner: Any, name: str) -> Any:
    """An attribute, or a field of a class that only instances hold."""
    if isinstance(owner, type) and any(name in inspect.get_annotations(one) for one in owner.__mro__):
        return None
    return getattr(owner, name)


def texts(tree: ast.AST, within: tuple[str, ...] = ()) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Every string of a module: its line, itself, and the names of the classes around it."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value, within
        yield from texts(node, (*within, node.name) if isinstance(node, ast.ClassDef) else within)


def exists(name: str, module: ModuleType | None = None, classes: tuple[str, ...] = ()) -> bool:
    """Whether a name can be reached: from the classes around it, from its module, or by its whole path."""
    places: list[Any] = [] if module is None else [module]
    for one in classes:
        places.append(getattr(places[-1], one))
    for place in [*reversed(places), None]:
        try:
            resolve(name, place)
        except (AttributeError, ImportError):
            continue
        return True
    return False


def missing_in_module(path: Path) -> list[str]:
    """What the strings of a module name and nothing answers to."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    module = importlib.import_module(name)
    found = []
    for line, text, classes in texts(ast.parse(path.read_text(encoding="utf-8"))):
        asked = [(match, None, ()) for match in DOTTED.findall(ROLE.sub("", text)) if match not in NOT_PYTHON]
        asked += [(match, module, classes) for _, match in ROLE.findall(text)]
        found += [f"{path.relative_to(ROOT)}:{line} names {one}" for one, *place in asked if not exists(one, *place)]
    return found


def missing_in_page(path: Path) -> list[str]:
    """What a page names and nothing answers to, its imports included."""
    text = path.read_text(encoding="utf-8")
    asked = [name for name in DOTTED.findall(ROLE.sub("", text)) if not name.endswith(FILE_ENDINGS)]
    asked += [name for _, name in ROLE.findall(text)]
    asked += [f"{module}.{name.strip()}" for module, names in IMPORT.findall(text) for name in names.split(",")]
    return [f"{path.relative_to(ROOT)} names {name}" for name in asked if name not in NOT_PYTHON and not exists(name)]


READ = {"README.md", "docs", "data", "experiments", "benchmarks"}
MODULES = sorted(path for path in SOURCE.rglob("*.py") if path.name != "__main__.py")
PAGES = sorted(
    page for top in ("README.md", "*/**/*.md") for page in ROOT.glob(top) if page.parts[len(ROOT.parts)] in READ
)


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType")  # MLflow, of the file that it runs itself
def test_what_messages_and_docstrings_name_exists():
    assert not [line for path in MODULES for line in missing_in_module(path)]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_page_names_exists(path):
    assert not missing_in_page(path)


def test_every_import_of_the_pages_is_read():
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "CONTRIBUTING.md", ROOT / "README.md")]
    for text in texts:
        assert len(IMPORT.findall(text)) == len(re.findall(r"^from cblcast", text, re.MULTILINE))
    assert IMPORT.findall(texts[0])


@pytest.mark.parametrize(
    ("name", "place", "there"),
    [
        ("cblcast.frames.schema.check_panel", None, True),
        ("cblcast.frames.panel.Panel.with_events", None, True),
        ("cblcast.io.read_nothing", None, False),
        ("cblcast.nowhere", None, False),
        ("cblcast.frames.schema:check_panel", None, True),
        ("cblcast.frames.schema:check_nothing", None, False),
        ("check_panel", "cblcast.frames.schema", True),
        ("check_nothing", "cblcast.frames.schema", False),
    ],
)
def test_the_search_finds_and_misses(name, place, there):
    assert exists(name, importlib.import_module(place) if place else None) is there
