"""What pydantic found wrong with one value, in words."""

from __future__ import annotations

import reprlib
from typing import Any


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
    if kind == "missing":
        return "is missing: add it"
    if kind.startswith("date_"):
        return f"must be a date such as 2023-11-01, not {shown}"
    if kind in expected:
        return f"{expected[kind]}, not {shown}"
    if kind == "too_short":
        return f"needs {problem['ctx']['min_length']} at least, not {problem['ctx']['actual_length']}"
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{message}, not {shown}" if message.startswith("Input should be") else message
