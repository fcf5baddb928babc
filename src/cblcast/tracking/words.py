"""What parameters and measures are called in the store: the words of the field, with units, alike for all methods.

A method is a chain of estimators, each wrapped by the next. The innermost gives its parameters under their own names (``x``,
``y``, ``rank``), whatever is wrapped around it, so that runs of bare and of adjusted rules compare line by line.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from cblcast import registry
from cblcast.metrics import UNITS

# Class → what its parameters are called; a wrapper that is not here puts its own name before them.
_WORDS: dict[str, dict[str, str]] = {
    "XofY": {"rank_by": "rank"},
    "Adjusted": {"mode": "adjustment", "window": "window"},
    "Conformal": {"coverage": "interval_coverage"},
    "ConformalQuantile": {"coverage": "interval_coverage"},
}
_RULES = "cblcast.estimators.rules"
# Column of a leaderboard → name of a metric: MLflow groups what stands before a slash.
_COLUMNS = {
    "n_events": "event/judged",
    "n_excluded": "event/excluded",
    "n_sites": "event/sites",
    "train_s": "time/train_s",
    "predict_s": "time/predict_s",
}
_MEASURES = {f"{name}_{unit}": name for name, unit in UNITS.items()}
_LEADERBOARD = {logged: column for column, logged in _COLUMNS.items()}


def metric_name(column: str) -> str:
    """Name under which a column of a leaderboard is logged: ``nrmse`` as ``nrmse_pct``, ``n_events`` as ``event/judged``.

    What is neither a measure nor a count is worth money or time, and stands under ``value/``.
    """
    if column in UNITS:
        return f"{column}_{UNITS[column]}"
    if column in _COLUMNS:
        return _COLUMNS[column]
    return column if column in registry.METRICS or "/" in column else f"value/{column}"


def column_of(metric: str) -> str:
    """The column of a leaderboard that was logged as `metric`; a name of version 0.1 is such a column already."""
    return _MEASURES.get(metric) or _LEADERBOARD.get(metric) or metric.removeprefix("value/")


def method_words(forecaster: Any) -> dict[str, str]:
    """Parameters of a method in the words of the field.

    Returns
    -------
    dict
        ``rule`` or ``learner``, its parameters under their own names, ``adjustment`` and ``window`` (``none`` where there is
        none; several adjustments in the order in which they are applied), what else is not at its default in a wrapper as
        ``<class>.<parameter>``, ``features``, ``features.<builder>.<parameter>``, and of the view ``hidden_before_h``,
        ``hidden_after_h`` (all: real time).
    """
    words = {"adjustment": "none", "window": "none", **chain_words(forecaster.estimator)}
    words |= {
        f"features.{name}.{key}": _text(value)
        for name, params in forecaster.features.items()
        for key, value in params.items()
    }
    view = forecaster.view
    words["features"] = ", ".join(forecaster.features) or "none"
    words["hidden_before_h"] = "all of the day" if view.whole_day else _text(view.lead_in)
    words["hidden_after_h"] = "all" if view.recovery is None else _text(view.recovery)
    return words


def chain_words(estimator: Any, prefix: str = "") -> dict[str, str]:
    """Parameters of an estimator and of those it wraps."""
    chain = [estimator]
    while hasattr(chain[-1].get_params(deep=False).get("estimator"), "get_params"):
        chain.append(chain[-1].get_params(deep=False)["estimator"])
    inner = chain[-1]
    kind = "rule" if type(inner).__module__.startswith(_RULES) else "learner"
    words: dict[str, str] = {f"{prefix}{kind}": rule_name(inner), **_own(inner, prefix, "")}
    for wrapper in reversed(chain[:-1]):
        called = _WORDS.get(type(wrapper).__name__, {})
        for name, value in _own(wrapper, prefix, f"{type(wrapper).__name__.lower()}.", called).items():
            twice = name in words and type(wrapper).__name__ == "Adjusted"
            words[name] = f"{words[name]}, then {value}" if twice else value
    return words


def rule_name(estimator: Any) -> str:
    """The class of an estimator; of an XofY rule what it selects, such as ``High3of5``."""
    cls = type(estimator).__name__
    if cls != "XofY":
        return cls
    select = {"recent": "", "middle": "Mid"}.get(estimator.select, str(estimator.select).capitalize())
    return f"{select}{estimator.x}of{estimator.y}"


def _own(estimator: Any, prefix: str, place: str, called: Mapping[str, str] | None = None) -> dict[str, str]:
    """The estimator's own parameters; those at None are not in use and left out, as are those of a wrapper at their defaults."""
    called = _WORDS.get(type(estimator).__name__, {}) if called is None else called
    words: dict[str, str] = {}
    for key, value in estimator.get_params(deep=False).items():
        name = f"{prefix}{called[key]}" if key in called else f"{prefix}{place}{key}"
        if key == "estimator" and hasattr(value, "get_params"):
            continue
        if hasattr(value, "get_params"):
            words |= chain_words(value, f"{prefix}{key}.")
        elif isinstance(value, (list, tuple)) and any(hasattr(item, "get_params") for item in value):
            for number, item in enumerate(value, 1):
                words |= chain_words(item, f"{prefix}{key}.{number}.")
        elif value is not None and not (place and key not in called and _is_default(estimator, key, value)):
            words[name] = _text(value)
    return words


def _is_default(estimator: Any, key: str, value: Any) -> bool:
    default = inspect.signature(type(estimator)).parameters[key].default
    return type(value) is type(default) and bool(value == default)


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
