"""Baseline rules of demand-response programs: data files with source, date and certainty, and what is made of them.

Names are resolved when they are used: a rule can be read and told in words without loading any estimator.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cblcast.programs.by_hand import EventExplanation, explain_event
    from cblcast.programs.catalogue import list_programs, load_program
    from cblcast.programs.forecasters import program_forecaster
    from cblcast.programs.model import Program
    from cblcast.programs.words import explain

__all__ = [
    "EventExplanation",
    "Program",
    "explain",
    "explain_event",
    "list_programs",
    "load_program",
    "program_forecaster",
]
_HOMES = {
    "EventExplanation": "by_hand",
    "Program": "model",
    "explain": "words",
    "explain_event": "by_hand",
    "list_programs": "catalogue",
    "load_program": "catalogue",
    "program_forecaster": "forecasters",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
