"""What the fields of a day rule may hold: whole numbers, finite numbers and texts, each in its range."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

from cblcast.frames.schema import StudyError

# Field -> least and largest value of a whole number; None may be left out.
WHOLE = {
    "x": (0, 366),
    "y": (0, 366),
    "minimum_days": (1, 366),
    "look_back_days": (0, 3660),
    "extended_look_back_days": (1, 3660),
    "candidate_days": (1, 3660),
    "gap_days": (0, 366),
}
REAL = {
    "min_metered_share": (0.0, 1.0),
    "low_share": (0.0, 10.0),
    "high_share": (0.0, 1000.0),
    "buffer_hours": (0.0, 24.0),
    "decay": (-10.0, 10.0),
}
MAY_BE_LEFT_OUT = {"minimum_days", "extended_look_back_days", "candidate_days", "high_share", "decay"}


def check_fields(rule: Any) -> None:
    """Raise :class:`StudyError` for a field of another kind, infinite, or out of its range, by name."""
    for ranges, kind, what in ((WHOLE, Integral, "whole number"), (REAL, Real, "number")):
        for name, (least, most) in ranges.items():
            value = getattr(rule, name)
            if value is None and name in MAY_BE_LEFT_OUT:
                continue
            right = isinstance(value, kind) and not isinstance(value, bool)
            if not right or not math.isfinite(value) or not least <= value <= most:
                raise StudyError(f"{name} of a day rule is a {what} from {least:g} to {most:g}, not {value!r}")
    if not isinstance(rule.compare_day_before, bool):
        raise StudyError(f"compare_day_before of a day rule is true or false, not {rule.compare_day_before!r}")
    if rule.weights is not None and not isinstance(rule.weights, (list, tuple)):
        raise StudyError(f"weights of a day rule are a list of numbers, not {rule.weights!r}")
    for weight in rule.weights or ():
        if isinstance(weight, bool) or not isinstance(weight, Real) or not math.isfinite(weight):
            raise StudyError(f"weights of a day rule are finite numbers, not {weight!r}")
