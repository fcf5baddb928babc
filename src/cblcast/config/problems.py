"""What pydantic found wrong with a file, as one sentence with the nearest right key."""

from __future__ import annotations

import reprlib
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from cblcast.checked.yaml_files import Document, document_of
from cblcast.errors import StudyError, nearest

M = TypeVar("M", bound=BaseModel)


def validated(section: type[M], document: dict[str, Any], name: str) -> M:
    """`document` as a `section`; the first problem is a :class:`StudyError` that names the place in `name`."""
    checked = document if isinstance(document, Document) else document_of(document, name, "file", {})
    try:
        return section(**checked)
    except ValidationError as error:
        place = tuple(_problem(error)["loc"])
        raise StudyError(f"{checked.where(place)}: {_sentence(error, section)}") from None


def in_words(problem: Any) -> str:
    """What pydantic found wrong with one value, with the value, and what to write instead."""
    given = problem.get("input")
    shown = "nothing" if given is None else reprlib.repr(given)
    expected = {
        "string_type": "must be text (in quotes)",
        "dict_type": "must be a mapping (key: value)",
        "model_type": "must be a mapping (key: value)",
        "tuple_type": "must be a list ([a, b])",
        "bool_type": "must be true or false",
        "bool_parsing": "must be true or false",
        "float_type": "must be a number",
        "float_parsing": "must be a number",
        "int_type": "must be a whole number",
        "int_parsing": "must be a whole number",
        "int_from_float": "must be a whole number",
        "finite_number": "must be a finite number",
    }
    kind = str(problem["type"])
    if kind in expected:
        return f"{expected[kind]}, not {shown}"
    if kind == "too_short":
        return f"needs {problem['ctx']['min_length']} at least, not {problem['ctx']['actual_length']}"
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{message}, not {shown}" if message.startswith("Input should be") else message


def _problem(error: ValidationError) -> Any:
    """What is told of all that is wrong: an unknown key first, which may explain the rest."""
    return next((item for item in error.errors() if item["type"] == "extra_forbidden"), error.errors()[0])


def _sentence(error: ValidationError, section: type[BaseModel]) -> str:
    problem = _problem(error)
    key = ".".join(str(part) for part in problem["loc"] if part != "[key]")
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if problem["type"] == "extra_forbidden":
        inside = _section_at(section, problem["loc"][:-1])
        return f"unknown key {key!r}: {nearest(str(problem['loc'][-1]), inside.model_fields)}{more}"
    if problem["type"] == "missing":
        return f"the key {key!r} is missing: add it{more}"
    message = in_words(problem)
    return f"{key}: {message}{more}" if key else f"{message}{more}"


def _section_at(section: type[BaseModel], place: tuple[Any, ...]) -> type[BaseModel]:
    for part in place:
        if part not in section.model_fields:
            continue
        annotation = section.model_fields[part].annotation
        for candidate in (annotation, *get_args(annotation)):
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                section = candidate
    return section
