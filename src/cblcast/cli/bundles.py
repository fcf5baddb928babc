"""Options that travel together: declared once, asked for one by one, handed to a command as one object."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

Command = TypeVar("Command", bound=Callable[..., None])


@dataclass(frozen=True)
class Asked:
    """How the fields of a dataclass of another floor are asked for.

    Attributes
    ----------
    by : mapping
        Field → its annotated typer option, in the order of the help.
    made : callable
        The answers by field → the object.
    """

    by: Mapping[str, Any]
    made: Callable[[Mapping[str, Any]], Any]


def unbundled(command: Command) -> Command:
    """`command` as typer is to see it: each parameter that is a dataclass is replaced by one option for each field.

    A dataclass of the command line annotates its fields with typer options; one of another floor comes as
    ``Annotated[Its, Asked(...)]``. Defaults are those of the dataclass.
    """
    hints = get_type_hints(command, include_extras=True)
    bundles: dict[str, Asked] = {}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        hint = hints[parameter.name]
        asked = _asked(hint)
        if asked is None:
            parameters.append(_keyword(parameter.name, parameter.default, hint))
            continue
        bundles[parameter.name] = asked
        defaults = _defaults(_bare(hint))
        parameters += [_keyword(name, defaults[name], annotation) for name, annotation in asked.by.items()]

    def asked_one_by_one(**answers: Any) -> None:
        made = {name: asked.made({field: answers.pop(field) for field in asked.by}) for name, asked in bundles.items()}
        command(**answers, **made)

    # Not functools.wraps: typer would look through it and see the bundles again.
    asked_one_by_one.__name__ = getattr(command, "__name__", "command")
    asked_one_by_one.__doc__ = command.__doc__
    asked_one_by_one.__module__ = command.__module__
    asked_one_by_one.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    asked_one_by_one.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    asked_one_by_one.command = command  # type: ignore[attr-defined]
    return asked_one_by_one  # type: ignore[return-value]


def _asked(hint: Any) -> Asked | None:
    told = next((part for part in get_args(hint)[1:] if isinstance(part, Asked)), None)
    if told is not None or not is_dataclass(hint) or not isinstance(hint, type):
        return told
    made: type = hint
    return Asked(get_type_hints(made, include_extras=True), lambda answers: made(**answers))


def _bare(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _defaults(bundle: Any) -> dict[str, Any]:
    return {
        field.name: inspect.Parameter.empty if field.default is MISSING else field.default for field in fields(bundle)
    }


def _keyword(name: str, default: Any, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
