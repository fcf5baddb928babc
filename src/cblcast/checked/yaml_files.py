"""YAML files as this project reads them: studies, worlds, rules, contracts; of bounded size, every fault with its line.

What a plain value is, :mod:`cblcast.checked.yaml_values` says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cblcast.checked.yaml_values import Place, kind_of, parse, shortened
from cblcast.errors import StudyError

MOST_BYTES = 4 * 2**20
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
    found, lines = parse(read_text(path, what), name)
    return document_of(found, name, what, lines)


def parse_document(text: str, name: str, what: str) -> Document:
    """The mapping in `text`, which errors call `name`."""
    found, lines = parse(text, name)
    return document_of(found, name, what, lines)


def parse_yaml(text: str, name: str) -> Any:
    """Whatever value stands in `text`, which errors call `name`."""
    return parse(text, name)[0]


def document_of(found: Any, name: str, what: str, lines: Mapping[Place, int]) -> Document:
    """`found` as a document, if it is a mapping whose keys are text."""
    article = "an" if what[0] in "aeiou" else "a"
    if not isinstance(found, dict):
        kind = "is empty" if found is None else f"holds {kind_of(found)}"
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
    name = f"--set {key}={shortened(text)}"
    try:
        return parse(text, name)[0]
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
