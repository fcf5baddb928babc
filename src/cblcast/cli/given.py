"""Options that were given where they would be ignored."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import fields
from typing import Any

from cblcast.errors import StudyError


def refuse_beside_record(question: str, kept: Set[str], *bundles: Any) -> None:
    """Refuse options of `bundles` beside a record: whoever gives one believes that it changes something.

    Parameters
    ----------
    question : str
        The option that names the record.
    kept : set of str
        Names of the options that it takes.

    Raises
    ------
    StudyError
    """
    for bundle in bundles:
        for each in fields(bundle):
            if each.name not in kept and getattr(bundle, each.name) not in (each.default, None, []):
                raise StudyError(
                    f"--{each.name.replace('_', '-')} would change nothing: {question} takes events, rules, terms and how the "
                    "meter is read from the record; leave it out, or ask without the record"
                )
