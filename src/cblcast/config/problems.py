"""What pydantic found wrong with a file, as one sentence with the nearest right key."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from cblcast.errors import StudyError, nearest

M = TypeVar("M", bound=BaseModel)


def read_yaml(path: str | Path, what: str) -> dict[str, Any]:
    """The mapping in a YAML file; `what` it should hold is named in errors ("world", "study")."""
    path = Path(path)
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise StudyError(f"the {what} {str(path)!r} cannot be read ({reason}): check the path and the file") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise StudyError(
            f"{path.name}{line} is not valid YAML ({getattr(error, 'problem', None) or error}): mend it"
        ) from None
    if not isinstance(document, dict):
        raise StudyError(f"{path.name} holds no {what}: it must be a mapping of keys and values")
    return document


def validated(section: type[M], document: dict[str, Any], name: str) -> M:
    """`document` as a `section`; the first problem is a :class:`StudyError` that names the place in `name`."""
    try:
        return section(**{str(key): value for key, value in document.items()})
    except ValidationError as error:
        raise StudyError(f"{name}: {_sentence(error, section)}") from None


def _sentence(error: ValidationError, section: type[BaseModel]) -> str:
    problem = next((item for item in error.errors() if item["type"] == "extra_forbidden"), error.errors()[0])
    key = ".".join(str(part) for part in problem["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if problem["type"] == "extra_forbidden":
        inside = _section_at(section, problem["loc"][:-1])
        return f"unknown key {key!r}: {nearest(str(problem['loc'][-1]), inside.model_fields)}{more}"
    if problem["type"] == "missing":
        return f"the key {key!r} is missing: add it{more}"
    message = str(problem["msg"]).removeprefix("Value error, ")
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
