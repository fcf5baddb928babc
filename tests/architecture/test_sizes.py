"""A file, a function and a class stay small enough to be read at one sitting; docs/decisions/300_lines.md says why."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST = {"lines": 300, "statements": 40, "methods": 10}
# What is larger, how large it may stay, and why. The list gets shorter; whoever makes it longer gives a reason.
LARGER = {
    "src/cblcast/estimators/neural/training.py:_train_batch": (51, "one epoch after the other, with its stop criteria"),
}
FILES = sorted(path for folder in ("src", "experiments", "benchmarks") for path in (ROOT / folder).rglob("*.py"))


def statements(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Statements inside, nested ones included, the docstring not."""
    inside = sum(isinstance(node, ast.stmt) for node in ast.walk(function)) - 1
    return inside - (ast.get_docstring(function) is not None)


def public_methods(owner: ast.ClassDef) -> int:
    """Methods without an underscore before their name; a property is an attribute to whoever reads it."""
    functions = [node for node in owner.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return sum(not node.name.startswith("_") and not is_property(node) for node in functions)


def is_property(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(
        ast.unparse(one).rsplit(".")[-1] in ("property", "cached_property", "setter") for one in function.decorator_list
    )


def sizes(text: str) -> Iterator[tuple[str, str, int]]:
    """The sizes of a module and all it holds: name after the path, what is counted, how many."""
    yield "", "lines", len(text.splitlines())
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield f":{node.name}", "statements", statements(node)
        elif isinstance(node, ast.ClassDef):
            yield f":{node.name}", "methods", public_methods(node)


def too_large(path: str, text: str) -> list[str]:
    found = []
    for name, what, count in sizes(text):
        most = LARGER.get(f"{path}{name}", (MOST[what], ""))[0]
        if count > most:
            found.append(f"{path}{name} has {count} {what}, more than {most}: split what it does")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_holds_one_idea(path):
    assert not too_large(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    assert path.stem not in {"utils", "util", "base", "helpers", "manager", "common"}, "a name says what is inside"


@pytest.mark.parametrize("name", LARGER)
def test_an_exception_is_still_needed(name):
    path, _, member = name.partition(":")
    found = {what: count for one, what, count in sizes((ROOT / path).read_text(encoding="utf-8")) if one[1:] == member}
    assert any(count > MOST[what] for what, count in found.items()), f"{name} is small now: take it off the list"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1\n" * 301, "has 301 lines"),
        ("def f():\n    '''What.'''\n" + "    x = 1\n" * 41, ":f has 41 statements"),
        ("def f():\n    '''What.'''\n    if x:\n" + "        x = 1\n" * 40, ":f has 41 statements"),
        ("class A:\n" + "".join(f"    def m{k}(self): pass\n" for k in range(11)), ":A has 11 methods"),
    ],
)
def test_the_limits_bite(text, told):
    assert told in "".join(too_large("somewhere.py", text))


def test_what_is_within_the_limits_passes():
    body = "    x = 1\n" * 40
    methods = "".join(f"    def m{k}(self): pass\n" for k in range(10))
    properties = "".join(f"    @property\n    def p{k}(self): pass\n    def _q{k}(self): pass\n" for k in range(5))
    assert not too_large("somewhere.py", f"def f():\n    '''What.'''\n{body}class A:\n{methods}{properties}")
