"""Values of a YAML text: plain ones, each key once, counted while they are made, every fault with its line.

What is plain follows the core schema of YAML 1.2.2 (section 10.3.2), so that the traps of YAML 1.1 are gone: ``17:00`` is the
text "17:00" and not 1020, ``NO`` is Norway and not false, ``1e3`` is a number. Beyond it, digits that begin with a zero
(``0077``, a meter) are text, and so are dates, after a look at the calendar.
"""

from __future__ import annotations

import copy
import datetime
import math
import re
from collections.abc import Iterator
from typing import Any

from cblcast.errors import StudyError

MOST_VALUES = 100_000  # aliases counted as often as they are used
DEEPEST = 40
LONGEST_NUMBER = 100  # characters

Place = tuple[str | float, ...]
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)$")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
_DATE = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})$")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **{f"{sign}{word}": float(f"{sign}inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
}
_MERGE = "<<"


def parse(text: str, name: str) -> tuple[Any, dict[Place, int]]:
    """The value in `text`, which errors call `name`, and the line of each of its keys and items.

    Raises
    ------
    StudyError
        One sentence with the name, the line and what to do.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        reading = _Reading(yaml.parse(text, Loader=loader), name)
        return reading.only_document(), reading.lines
    except yaml.YAMLError as error:
        raise StudyError(_fault(error, text, name)) from None
    except UnicodeError:  # half a character, as a terminal passes on what is not UTF-8
        raise StudyError(f"{name} is not valid YAML (it is not UTF-8 text): mend it") from None


def _fault(error: Any, text: str, name: str) -> str:
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error).splitlines()[0]
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    number = mark.line + 1 if mark else None
    if number is None and isinstance(position := getattr(error, "position", None), int):
        number = text[:position].count("\n") + 1
    line = text.splitlines()[number - 1] if number and number <= len(text.splitlines()) else ""
    place = f"{name}, line {number}" if number else name
    if "\t" in line[: len(line) - len(line.lstrip())] or "\\t" in problem or "'\t'" in problem:
        return f"{place} is not valid YAML (a tab indents it): indent by spaces"
    return f"{place} is not valid YAML ({problem}): mend that line"


class _Reading:
    """Values from the events of a YAML parser, counted while they are made."""

    def __init__(self, events: Iterator[Any], name: str) -> None:
        self.events = events
        self.name = name
        self.lines: dict[Place, int] = {}
        self.anchors: dict[str, tuple[Any, int]] = {}  # value, and how many values it holds
        self.count = 0

    def only_document(self) -> Any:
        """The value of a text that holds one document, None where it is empty."""
        import yaml

        value, documents = None, 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._refuse(event, "a second document begins (---)", "keep one in a file")
                value = self._value(next(self.events), (), 0)
        return value

    def _value(self, event: Any, place: Place, depth: int) -> Any:
        import yaml

        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        self._count(event, 1)
        if depth > DEEPEST:
            self._refuse(event, f"values are nested more than {DEEPEST} deep", "no file of this project is: flatten it")
        if event.tag is not None:
            self._refuse(event, f"the tag {shortened(event.tag)} is not read", "write plain values, and text in quotes")
        before = self.count
        if isinstance(event, yaml.ScalarEvent):
            value = self._plain(event) if event.implicit[0] else event.value
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(place, depth)
        else:
            value = self._mapping(place, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, self.count - before + 1)
        return value

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self.anchors:
            self._refuse(event, f"*{event.anchor} names nothing that stands above it", f"give it by &{event.anchor}")
        value, size = self.anchors[event.anchor]
        self._count(event, size)
        return copy.deepcopy(value)  # so that a change of one use is none of another

    def _sequence(self, place: Place, depth: int) -> list[Any]:
        import yaml

        values: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            at = (*place, len(values))
            self.lines[at] = event.start_mark.line + 1
            values.append(self._value(event, at, depth + 1))
        return values

    def _mapping(self, place: Place, depth: int) -> dict[Any, Any]:
        import yaml

        values: dict[Any, Any] = {}
        merged: dict[Any, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self._key(event, place, depth)
            at = (*place, key)
            if key in values or (key == _MERGE and merged):
                told = ".".join(map(str, at))
                self._refuse(
                    event, f"the key {told!r} stands twice, first in line {self.lines[at]}", "keep one of them"
                )
            self.lines[at] = event.start_mark.line + 1
            value = self._value(next(self.events), at, depth + 1)
            if key == _MERGE:
                merged = self._merged(event, value)
            else:
                values[key] = value
        return {**merged, **values}

    def _key(self, event: Any, place: Place, depth: int) -> str | float:
        key = self._value(event, place, depth + 1)
        if isinstance(key, bool) or not (
            isinstance(key, str) or (isinstance(key, (int, float)) and math.isfinite(key))
        ):
            inside = f" in {'.'.join(map(str, place))!r}" if place else ""
            self._refuse(
                event, f"{kind_of(key)} stands where a key is expected{inside}", "write key: value, text in quotes"
            )
        return key

    def _merged(self, event: Any, value: Any) -> dict[Any, Any]:
        parts = value if isinstance(value, list) else [value]
        if not all(isinstance(part, dict) for part in parts):
            self._refuse(event, "<<: merges mappings only", "give it an alias of a mapping")
        return {key: item for part in reversed(parts) for key, item in part.items()}

    def _plain(self, event: Any) -> Any:
        text: str = event.value
        if text in _WORDS:
            return _WORDS[text]
        if not (text[0].isdigit() or text[0] in "+-."):
            return text
        if date := _DATE.match(text):
            try:
                return datetime.date(*map(int, date.groups())).isoformat()
            except ValueError:
                self._refuse(event, f"{text} is no date of the calendar", "mend it")
        whole, real = _INT.match(text), _FLOAT.match(text)
        if (whole or real) and len(text) > LONGEST_NUMBER:
            self._refuse(event, f"a number has {len(text)} characters", "mend it, or write text in quotes")
        return int(text) if whole else float(text) if real else text

    def _count(self, event: Any, more: int) -> None:
        self.count += more
        if self.count > MOST_VALUES:
            self._refuse(
                event,
                f"the file holds more than {MOST_VALUES:,} values, aliases counted as often as used",
                "shorten it",
            )

    def _refuse(self, event: Any, what: str, remedy: str) -> None:
        raise StudyError(f"{self.name}, line {event.start_mark.line + 1}: {what}: {remedy}")


def kind_of(value: Any) -> str:
    """What kind of value it is, in words."""
    if value is None:
        return "nothing"
    kinds = {bool: "true or false", list: "a list", dict: "a mapping", str: "text"}
    return kinds.get(type(value), f"the number {value}")


def shortened(text: str) -> str:
    """Text that fits into a sentence."""
    return text if len(text) <= 60 else f"{text[:57]}…"
