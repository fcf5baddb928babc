"""Claims, as every experiment writes them."""

from __future__ import annotations

from typing import Any


def claim(text: str, source: str, target: Any, measured: Any, unit: str, holds: bool | None) -> dict[str, Any]:
    """One line of results.json; `holds` is None where a figure is only reported."""
    judged = None if holds is None else bool(holds)  # numpy's own booleans are no JSON
    return {"claim": text, "source": source, "target": target, "measured": measured, "unit": unit, "holds": judged}


def within(
    text: str, source: str, low: float, high: float, measured: float, unit: str, digits: int = 1
) -> dict[str, Any]:
    """A claim that a figure lies between two limits."""
    return claim(text, source, f"{low:g} to {high:g}", round(measured, digits), unit, bool(low <= measured <= high))


def reported(text: str, source: str, measured: Any, unit: str) -> dict[str, Any]:
    """A figure without a target."""
    return claim(text, source, None, measured, unit, None)
