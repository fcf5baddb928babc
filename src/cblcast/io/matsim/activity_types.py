"""What a MATSim activity type means: at home, at work, or elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cblcast.errors import DataError, StudyError, nearest

HOME, WORK, ELSEWHERE, TRAVEL = "home", "work", "elsewhere", "travel"
PURPOSES = (HOME, WORK, ELSEWHERE, TRAVEL)
# home, home_1, home_86400.0, h, h_2; work, work_3600, w …; business as the office types of several scenarios.
HOME_PATTERNS = (r"home", r"h")
WORK_PATTERNS = (r"work", r"w", r"business")


@dataclass(frozen=True)
class Meaning:
    """Purpose of each activity type of a file, and how it was found.

    Attributes
    ----------
    purpose : dict
        Activity type → ``home``, ``work`` or ``elsewhere``.
    guessed : dict
        What was told from the file and not from the patterns: ``home``, ``work`` → activity type.
    """

    purpose: dict[str, str]
    guessed: dict[str, str]


def meaning_of(
    hours: Mapping[str, float],
    overnight: Mapping[str, int],
    *,
    home: Iterable[str] = HOME_PATTERNS,
    work: Iterable[str] = WORK_PATTERNS,
) -> Meaning:
    """Purpose of the activity types of a file.

    A pattern (regular expression, letter case ignored) stands for the whole type or for what comes before ``_`` and
    anything: ``work`` is also ``work_3600`` and ``Work_2``, but not ``workshop``. Where no type is a home by the
    patterns, it is the type that most persons begin the day with; where none is work, the type off home with the most
    person-hours.

    Parameters
    ----------
    hours : mapping activity type -> float
        Person-hours of each type.
    overnight : mapping activity type -> int
        Persons who begin the day with it.
    home, work : patterns

    Raises
    ------
    StudyError
        A pattern that is no regular expression, or one type that is both.
    DataError
        A file without any activity.
    """
    types = sorted({*hours, *overnight} - {""})
    if not types:
        raise DataError("the file holds no activities: events of type actend and actstart are needed")
    at_home, at_work = _matching(types, home), _matching(types, work)
    both = at_home & at_work
    if both:
        raise StudyError(f"the activity type {min(both)!r} is both home and work by its patterns: narrow one of them")
    guessed = {}
    if not at_home:
        guess = max(types, key=lambda name: (overnight.get(name, 0), name not in at_work, name))
        if overnight.get(guess, 0):
            guessed[HOME] = guess
            at_home, at_work = {guess}, at_work - {guess}
    if not at_work:
        candidates = [name for name in types if name not in at_home and hours.get(name, 0.0) > 0]
        if candidates:
            guessed[WORK] = max(candidates, key=lambda name: (hours[name], name))
            at_work = {guessed[WORK]}
    return Meaning(
        {name: HOME if name in at_home else WORK if name in at_work else ELSEWHERE for name in types}, guessed
    )


def _matching(types: Iterable[str], patterns: Iterable[str]) -> set[str]:
    try:
        known = [re.compile(rf"(?:{pattern})(?:_.*)?", re.IGNORECASE) for pattern in patterns]
    except re.error as error:
        raise StudyError(
            f"{error.pattern!r} is no regular expression ({error}): escape it, or write the bare type"
        ) from None
    return {name for name in types if any(pattern.fullmatch(name) for pattern in known)}


def check_purpose(name: str) -> str:
    """`name` if it is a purpose; else a :class:`StudyError` with the nearest."""
    if name not in PURPOSES:
        raise StudyError(f"unknown purpose {name!r}: {nearest(name, PURPOSES)}")
    return name
