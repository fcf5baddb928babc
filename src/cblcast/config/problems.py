"""What pydantic found wrong with a file, as one sentence with the nearest right key."""

from __future__ import annotations

from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from cblcast.checked.found_wrong import in_words
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
