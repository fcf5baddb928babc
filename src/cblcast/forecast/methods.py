"""Methods by name: ``High5of10``, ``PBLM-Nearest5of10``, ``WS-Ridge`` … or spelled out, as a study writes them.

A name is a rule, optionally behind the adjustments that are applied to it, inner one last: ``BW-PBLM-High5of10`` is
High5of10 met in PBLM first and then in BW.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cblcast import registry
from cblcast.forecast import pretrained
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.pretrained import NAME, is_pretrained, load_pretrained, view_name
from cblcast.frames.cases import View
from cblcast.frames.events import NAMED_WINDOWS
from cblcast.frames.schema import StudyError, nearest

KPX_WEIGHTS = (0.10, 0.15, 0.15, 0.15, 0.20, 0.25)  # oldest first; see docs/sources.md for the paper's misprint
_X_OF_Y = re.compile(r"^(High|Mid|Middle|Low|Nearest|Temperature)?(\d{1,9})of(\d{1,9})(-weighted)?$", re.IGNORECASE)
_N_DAYS = re.compile(r"^(SimpleAverage|ExponentialMovingAverage|ComparableDay)(\d{1,9})$")
_SELECTION = {
    "high": "high",
    "mid": "middle",
    "middle": "middle",
    "low": "low",
    "nearest": "nearest",
    "temperature": "temperature",
    "": "recent",
}
# The baseline paper's net (sections 3.3 and 4.2): two layers of ten by scaled conjugate gradient, on the calendar alone.
_NAMED: dict[str, tuple[str, dict[str, Any]]] = {
    "NN-CBL": ("NeuralNetPerSite", {"columns": ("hour", "day_of_month", "month", "day_type")}),
    "PBLM": ("PhysicallyBasedLoad", {}),  # the model itself; before a hyphen, PBLM is the window named after it
}
_INNER = ("of", "members")  # keys of a study that hold further methods: what is wrapped, what is averaged
EXAMPLES = (
    "High5of10",
    "High3of5",
    "Low3of5",
    "Mid4of6",
    "Mid6of10-weighted",
    "Nearest5of10",
    "10of10",
    "PBLM-Nearest5of10",
    "WS-High3of5",
    "BW-Mid4of6",
    "NN-CBL",
    "PBLM-NN-CBL",
    "PBLM",
    "PBLM-PBLM",
)


def make_estimator(spec: str | Mapping[str, Any]) -> Any:
    """An estimator from its name or from ``{estimator: Name, parameter: value, …}``.

    Raises
    ------
    StudyError
        Unknown name or parameter, with the nearest right one.
    """
    if isinstance(spec, str):
        return _from_name(spec)
    if not isinstance(spec, Mapping):
        raise StudyError(f"a method is a name (High5of10) or a mapping with the key 'estimator', not {spec!r}")
    if "estimator" not in spec:
        raise StudyError(f"a method is a name or a mapping with the key 'estimator', not {dict(spec)!r}")
    if not isinstance(spec["estimator"], str):
        raise StudyError(
            "write {estimator: Adjusted, of: {…}}: the key 'estimator' names the class, 'of' what it wraps"
        )
    params = {key: _value(value) for key, value in spec.items() if key not in ("estimator", "name", *_INNER)}
    if isinstance(spec.get("of"), (list, tuple)):
        raise StudyError(
            f"of: holds one method, and {spec['estimator']} got a list of {len(spec['of'])}: an ensemble takes "
            "{estimator: Ensemble, members: [High5of10, …]}, anything else wraps one, of: {estimator: …}"
        )
    if "of" in spec:
        params["estimator"] = make_estimator(spec["of"])
    if "members" in spec:
        if not isinstance(spec["members"], (list, tuple)):
            raise StudyError(f"members are a list of methods, [High5of10, {{estimator: …}}], not {spec['members']!r}")
        params["members"] = tuple(make_estimator(member) for member in spec["members"])
    return _make(str(spec["estimator"]), params)


def pretrained_estimator(name: str) -> Any:
    """The pretrained baseline as an estimator that no study trains: of ``pretrained``, or ``pretrained/settlement``."""
    return _loaded(name, str(pretrained.pretrained_folder())).estimator


@lru_cache(maxsize=4)
def _loaded(name: str, folder: str) -> Forecaster:
    """The pretrained baseline, read once: a study asks for its methods several times, and nothing trains it."""
    return load_pretrained(name)


def for_view(spec: Any, view: View) -> Any:
    """A method as a study writes it, with ``pretrained`` made that of a view wherever it stands.

    Raises
    ------
    StudyError
        A view that no pretrained baseline was trained for, or another view's, which reads what this one hides.
    """
    if isinstance(spec, str):
        head, dash, last = spec.rpartition("-")
        if not is_pretrained(last):
            return spec
        made = view_name(view)
        if last not in (NAME, f"{NAME}/{made}"):
            raise StudyError(
                f"{last!r} reads what the view of the study hides, or does without what it shows: write {NAME!r}, which takes "
                f"the one made for it, {made!r}"
            )
        return f"{head}{dash}{NAME}/{made}"
    if isinstance(spec, Mapping):
        return {key: value if key == "name" else for_view(value, view) for key, value in spec.items()}
    return [for_view(each, view) for each in spec] if isinstance(spec, (list, tuple)) else spec


def names_pretrained(spec: Any) -> bool:
    """Whether a method, as a study writes it, is or holds the pretrained baseline."""
    if isinstance(spec, str):
        return is_pretrained(spec.rpartition("-")[2])
    if isinstance(spec, Mapping):
        return any(names_pretrained(value) for key, value in spec.items() if key != "name")
    return isinstance(spec, (list, tuple)) and any(map(names_pretrained, spec))


def _make(name: str, params: dict[str, Any]) -> Any:
    if name not in registry.ESTIMATORS and not params:
        return _from_name(name)
    return registry.ESTIMATORS.make(name, params)


def _value(value: Any) -> Any:
    """Parameters that are themselves spelled-out estimators are made, and lists become tuples."""
    if isinstance(value, Mapping) and "estimator" in value:
        return make_estimator(value)
    if isinstance(value, list):
        return tuple(_value(item) for item in value)
    return value


def _from_name(name: str) -> Any:
    head, _, rest = name.partition("-")
    if rest and head in NAMED_WINDOWS:
        return registry.ESTIMATORS.make("Adjusted", {"estimator": _from_name(rest), "window": head})
    if is_pretrained(name):
        return pretrained_estimator(name)
    if name in _NAMED:
        kind, settings = _NAMED[name]
        return registry.ESTIMATORS.make(kind, settings)
    match = _X_OF_Y.match(name)
    if match:
        select, x, y, weighted = match.groups()
        params: dict[str, Any] = {"x": int(x), "y": int(y), "select": _SELECTION[(select or "").lower()]}
        if weighted:
            if int(x) != len(KPX_WEIGHTS):
                raise StudyError(f"{name!r}: the known weights (KPX) are for six days; write weights: […] for {x}")
            params["weights"] = KPX_WEIGHTS
        return registry.ESTIMATORS.make("XofY", params)
    match = _N_DAYS.match(name)
    if match:
        return registry.ESTIMATORS.make(match[1], {"days": int(match[2])})
    if name in registry.ESTIMATORS:
        return registry.ESTIMATORS.make(name, {})
    shown = name if len(name) <= 80 else f"{name[:77]}…"
    raise StudyError(f"unknown method {shown!r}: {nearest(shown, [*registry.ESTIMATORS, *EXAMPLES])}")
