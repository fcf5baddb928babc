"""YAML as this project reads it: plain values only, each key once, bounded in size, and every fault with its line.

What is plain follows the core schema of YAML 1.2.2 (section 10.3.2), so that the traps of YAML 1.1 are gone: ``17:00`` is the
text "17:00" and not 1020, ``NO`` is Norway and not false, ``1e3`` is a number. Beyond it, digits that begin with a zero
(``0077``, a meter) are text, and so are dates, after a look at the calendar.
"""

from __future__ import annotations

import copy
import datetime
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cblcast.errors import StudyError

MOST_BYTES = 4 * 2**20
MOST_VALUES = 100_000  # aliases counted as often as they are used
DEEPEST = 40
LONGEST_NUMBER = 100  # characters

Place = tuple[str | int, ...]
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
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))


class Document(dict[str, Any]):
    """The mapping that a file holds, with the line of each of its keys."""

    def __init__(self, values: Mapping[str, Any], name: str, lines: Mapping[Place, int]) -> None:
        super().__init__(values)
        self.name = name
        self.lines = dict(lines)

    def where(self, place: Place) -> str:
        """The file and, where it is known, the line of the key at `place`."""
        for length in range(len(place), 0, -1):
            if place[:length] in self.lines:
                return f"{self.name}, line {self.lines[place[:length]]}"
        return self.name


def read_yaml(path: str | Path, what: str) -> Document:
    """The mapping in a YAML file.

    Parameters
    ----------
    path : path
    what : str
        What the file should hold, as errors call it: "study", "world", "contract".

    Raises
    ------
    StudyError
        One sentence with the file, the line and the key.
    """
    name = Path(path).name
    found, lines = _parse(read_text(path, what), name)
    return document_of(found, name, what, lines)


def parse_document(text: str, name: str, what: str) -> Document:
    """The mapping in `text`, which errors call `name`."""
    found, lines = _parse(text, name)
    return document_of(found, name, what, lines)


def parse_yaml(text: str, name: str) -> Any:
    """Whatever value stands in `text`, which errors call `name`."""
    return _parse(text, name)[0]


def document_of(found: Any, name: str, what: str, lines: Mapping[Place, int]) -> Document:
    """`found` as a document, if it is a mapping whose keys are text."""
    article = "an" if what[0] in "aeiou" else "a"
    if not isinstance(found, dict):
        kind = "is empty" if found is None else f"holds {_kind(found)}"
        raise StudyError(
            f"{name} holds no {what}: {article} {what} is a mapping of keys and values, and this file {kind}"
        )
    for key in found:
        if not isinstance(key, str):
            raise StudyError(
                f"{Document(found, name, lines).where((key,))}: {key!r} is no key of {article} {what}: keys are words"
            )
    return Document(found, name, lines)


def read_text(path: str | Path, what: str) -> str:
    """The text of a file, of bounded size: UTF-8, or UTF-16 that says so by its first two bytes."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # a zero byte in the path is a ValueError
        reason = getattr(error, "strerror", None) or str(error)
        lacks = f"there is no {what} file {str(path)!r}" if isinstance(error, FileNotFoundError) else ""
        raise StudyError(
            f"{lacks or f'the {what} {str(path)!r} cannot be read ({reason})'}: check the path (it is a YAML file)"
        ) from None
    if len(raw) > MOST_BYTES:
        raise StudyError(
            f"{path.name} is larger than {MOST_BYTES // 2**20} MiB, which no {what} is: name the right file, or split it"
        )
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), "utf-8")
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        said = "UTF-16" if encoding == "utf-16" else "UTF-8"
        raise StudyError(
            f"{path.name}, line {line} is not {said} text (byte 0x{raw[error.start]:02x}): save the file as UTF-8"
        ) from None


def value_of(text: str, key: str) -> Any:
    """The value that ``--set key=text`` gives."""
    name = f"--set {key}={_short(text)}"
    try:
        return _parse(text, name)[0]
    except StudyError as error:
        said = str(error).removeprefix(name)
        raise StudyError(name + re.sub(r"^, line \d+", "", said).replace("mend that line", "mend the value")) from None


def apply_changes(document: Document, changes: Mapping[str, Any] | None) -> None:
    """Put ``--set a.b=value`` into a document; text is read as YAML."""
    for key, value in (changes or {}).items():
        *parents, last = key.split(".")
        if not all((*parents, last)):
            raise StudyError(f"--set {key}: a key is written section.key, without empty parts")
        into: dict[str, Any] = document
        for part in parents:
            into = into.setdefault(part, {})
            if not isinstance(into, dict):
                raise StudyError(f"--set {key}: {part!r} is no section of {document.name}")
        into[last] = value_of(value, key) if isinstance(value, str) else value
        place = (*parents, last)
        document.lines = {at: line for at, line in document.lines.items() if at[: len(place)] != place}


def _parse(text: str, name: str) -> tuple[Any, dict[Place, int]]:
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
            self._refuse(event, f"the tag {_short(event.tag)} is not read", "write plain values, and text in quotes")
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

    def _key(self, event: Any, place: Place, depth: int) -> str | int:
        key = self._value(event, place, depth + 1)
        if isinstance(key, bool) or not isinstance(key, (str, int)):
            inside = f" in {'.'.join(map(str, place))!r}" if place else ""
            self._refuse(
                event, f"{_kind(key)} stands where a key is expected{inside}", "write key: value, text in quotes"
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


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    kinds = {bool: "true or false", list: "a list", dict: "a mapping", str: "text"}
    return kinds.get(type(value), f"the number {value}")


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}…"
