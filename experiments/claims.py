"""A claim: what was said, by whom, what was measured, and whether it holds. Shared by experiments/ and benchmarks/.

A script beside its README imports this module after putting its folder on the path::

    sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/
    from claims import at_most, claim, write

``results*.json`` is a list of claims, one record each: ``claim``, ``source``, ``target``, ``measured``, ``unit``, ``holds``, and
``sense``, which says how `measured` is compared with `target`, so that anybody can judge again (`verdict`). A claim without a
target is *reported*: its ``target``, ``sense`` and ``holds`` are null. One that could not be measured where the script ran, for
want of a device, has ``measured`` and ``holds`` null, and ``why_not`` says why. Further keys say more of the same measurement.
"""

from __future__ import annotations

import json
import math
import numbers
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEYS = ("claim", "source", "target", "sense", "measured", "unit", "holds")
SLACK = 1e-9  # of the target: a difference of decimal fractions is not exact

Number = float | int
Record = dict[str, Any]
COMPARISONS: dict[str, Callable[[Number, Any, Mapping[str, Any]], bool]] = {
    "at most": lambda measured, target, more: measured <= target,
    "at least": lambda measured, target, more: measured >= target,
    "below": lambda measured, target, more: measured < target,
    "above": lambda measured, target, more: measured > target,
    "equal to": lambda measured, target, more: measured == target,
    "between": lambda measured, target, more: target[0] <= measured <= target[1],
    "within": lambda measured, target, more: abs(measured - target) <= more["tolerance"] + SLACK * abs(target),
    "inside limits": lambda measured, target, more: more["limits"][0] <= target <= more["limits"][1],
}


@dataclass(frozen=True)
class Target:
    """What is asked of a figure.

    Parameters
    ----------
    value : float or (float, float)
        In the unit of the claim; a pair for ``between``.
    sense : str
        One of `COMPARISONS`.
    more : dict, optional
        What the comparison needs besides: ``tolerance`` of ``within``, ``limits`` (of the figure) of ``inside limits``.
    """

    value: Number | list[Number]
    sense: str
    more: Mapping[str, Any] | None = None


def at_most(value: float) -> Target:
    return Target(value, "at most")


def at_least(value: float) -> Target:
    return Target(value, "at least")


def below(value: float) -> Target:
    return Target(value, "below")


def above(value: float) -> Target:
    return Target(value, "above")


def equal_to(value: float) -> Target:
    return Target(value, "equal to")


def between(low: float, high: float) -> Target:
    """Both ends included."""
    return Target([low, high], "between")


def within(value: float, tolerance: float) -> Target:
    """No further from `value` than `tolerance`, in the unit of the claim."""
    return Target(value, "within", {"tolerance": tolerance})


def inside_limits(value: float, limits: tuple[float, float]) -> Target:
    """The figure's own interval, `limits`, holds `value`."""
    return Target(value, "inside limits", {"limits": list(limits)})


def claim(
    text: str, source: str, measured: float, unit: str, target: Target | None = None, digits: int = 2, **more: Any
) -> Record:
    """The record of one claim.

    Parameters
    ----------
    text, source : str
        What is claimed, and the document, script or target that it comes from.
    measured : float
        The figure; a script that has none has no claim.
    unit : str
        "1" of a plain number.
    target : Target, optional
        None: reported, not judged.
    digits : int
        Decimals that `measured` is written with. More are written where the shorter figure would be judged otherwise.
    **more
        Anything else that was measured, by a name with its unit.

    Raises
    ------
    ValueError
        `measured` is not finite, or `more` repeats a key of the form.
    """
    if taken := more.keys() & set(KEYS):
        raise ValueError(f"{text!r}: {', '.join(sorted(taken))} is told by the claim itself: choose another name")
    exact = int(measured) if isinstance(measured, numbers.Integral) else float(measured)
    if not math.isfinite(exact):
        raise ValueError(f"{text!r} was measured as {exact}: a claim needs a finite figure")
    record: Record = dict.fromkeys(KEYS) | {"claim": text, "source": source, "unit": unit, "measured": exact}
    if target is None:
        return record | {"measured": round(exact, digits)} | more
    record |= {"target": plain(target.value), "sense": target.sense, **more, **(target.more or {})}
    record["holds"] = verdict(record)
    for places in range(digits, 17):
        shorter = record | {"measured": round(exact, places)}
        if verdict(shorter) == record["holds"]:
            return shorter
    return record


def not_measured(text: str, source: str, unit: str, why: str, target: Target | None = None) -> Record:
    """The record of a claim that could not be measured where the script ran, and `why`: nobody knows whether it holds."""
    record: Record = dict.fromkeys(KEYS) | {"claim": text, "source": source, "unit": unit}
    if target is not None:
        record |= {"target": plain(target.value), "sense": target.sense, **(target.more or {})}
    return record | {"why_not": why}


def plain(value: Any) -> Any:
    """A number as JSON writes it, also from NumPy."""
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return int(value) if isinstance(value, numbers.Integral) else float(value)


def verdict(record: Mapping[str, Any]) -> bool | None:
    """Whether the claim holds, from ``measured``, ``target`` and ``sense`` alone; None where it is reported, or not measured."""
    if record["target"] is None or record["measured"] is None:
        return None
    return bool(COMPARISONS[record["sense"]](record["measured"], record["target"], record))


def check(record: Any) -> None:
    """Refuse a record that is not in the form, or whose ``holds`` does not follow from its figures.

    Raises
    ------
    ValueError
        What is wrong, in one sentence.
    """
    if not isinstance(record, dict) or tuple(record)[: len(KEYS)] != KEYS:
        raise ValueError(f"a claim begins with the keys {', '.join(KEYS)}, not with {str(record)[:120]}")
    name = f"claim {record['claim']!r}"
    for key in ("claim", "source", "unit"):
        if not isinstance(record[key], str) or not record[key].strip():
            raise ValueError(f"{name}: {key} is {record[key]!r}: say it in words")
    if record["measured"] is None:
        if not isinstance(record.get("why_not"), str) or not record["why_not"].strip():
            raise ValueError(f"{name}: measured is None: write one finite number, or why_not in words")
    elif not is_number(record["measured"]):
        raise ValueError(f"{name}: measured is {record['measured']!r}: write one finite number")
    target, sense = record["target"], record["sense"]
    if target is None:
        if sense is not None or record["holds"] is not None:
            raise ValueError(f"{name} has no target, so it is reported: sense and holds are null")
        return
    if sense not in COMPARISONS:
        raise ValueError(f"{name}: sense is {sense!r}, not one of {', '.join(COMPARISONS)}")
    if not (is_pair(target) if sense == "between" else is_number(target)):
        raise ValueError(f"{name}: target {target!r} is not what {sense!r} compares with")
    if sense == "within" and not is_number(record.get("tolerance")):
        raise ValueError(f"{name}: {sense!r} needs the key tolerance, a number")
    if sense == "inside limits" and not is_pair(record.get("limits")):
        raise ValueError(f"{name}: {sense!r} needs the key limits, two numbers that rise")
    if record["holds"] is not verdict(record):
        raise ValueError(f"{name}: holds is {record['holds']}, but {record['measured']} is judged {verdict(record)}")


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(is_number, value)) and value[0] <= value[1]


def read(path: Path) -> list[Record]:
    """The claims of a ``results*.json``, each checked.

    Raises
    ------
    ValueError
        The file is no list of claims in the form.
    """
    records = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(records, list) or not records:
        raise ValueError(f"{path} holds no list of claims")
    told = [record.get("claim") for record in records if isinstance(record, dict)]
    for number, record in enumerate(records):
        try:
            check(record)
        except ValueError as error:
            raise ValueError(f"{path}, record {number}: {error}") from None
        if told.index(record["claim"]) != number:
            raise ValueError(f"{path} tells {record['claim']!r} twice: a claim's text is its name")
    return records


def write(path: Path, records: Iterable[Record]) -> None:
    """Write claims to ``results*.json``: whole or not at all, and only in the form that `read` accepts."""
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(list(records), indent=1, ensure_ascii=False, default=plain) + "\n", encoding="utf-8")
    try:
        read(draft)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def asked(record: Mapping[str, Any]) -> str:
    """The target in words, "" where nothing is asked: ``at most 0.3``, ``between 88 and 92``."""
    target, sense = record["target"], record["sense"]
    if target is None:
        return ""
    if sense == "between":
        return f"between {figure(target[0])} and {figure(target[1])}"
    return (
        f"within {figure(record['tolerance'])} of {figure(target)}"
        if sense == "within"
        else f"{sense} {figure(target)}"
    )


def figure(value: float) -> str:
    """A number for people: thousands apart, at most ten digits."""
    return f"{value:,.10g}"


def summary(records: Iterable[Mapping[str, Any]]) -> str:
    """How many claims hold, which do not, and how many are only reported."""
    judged = [record for record in records if record["holds"] is not None]
    missed = [
        f"{record['claim']} ({figure(record['measured'])}, {asked(record)})" for record in judged if not record["holds"]
    ]
    return f"{len(judged) - len(missed)} of {len(judged)} claims hold. Missed: {'; '.join(missed) or 'none'}"
