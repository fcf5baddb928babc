"""Nested settings as the store takes them: flat text for parameters, plain types for YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def flatten(params: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested parameters as text, ``{"adjusted.estimator.x": "5"}``; an estimator is its class and its parameters."""
    flat: dict[str, str] = {}
    for key, value in params.items():
        head, _, tail = str(key).partition("__")
        if tail and hasattr(params.get(head), "get_params"):
            continue  # get_params(deep=True) lists what is inside `head` a second time
        name = f"{prefix}{key}"
        if hasattr(value, "get_params"):
            flat[name] = type(value).__name__
            flat |= flatten(value.get_params(deep=False), f"{name}.")
        elif isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{name}.")
        elif isinstance(value, (list, tuple)) and any(hasattr(item, "get_params") for item in value):
            flat |= flatten({str(number): item for number, item in enumerate(value)}, f"{name}.")
        else:
            flat[name] = str(value)
    return flat


def plain(value: Any) -> Any:
    """`value` in the types that YAML knows."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
