"""The contract of a part of one's own, tested by one call: :func:`check_part`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from cblcast import datasets, registry
from cblcast.abilities import ReadsColumns, Recognises, RequiresFeatures, able, check_parameters
from cblcast.days.placebo import placebo_events
from cblcast.errors import DataError, StudyError
from cblcast.features.matrix import matrix
from cblcast.forecast.forecaster import Forecaster, truth
from cblcast.frames.cases import View, make_cases
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED
from cblcast.programs import explain, load_program
from cblcast.settlement import settle
from cblcast.wishes import merge_wishes, wish_of

_FEATURES = {"calendar": {}, "weather": {}, "reference_days": {"days": 5}, "event_windows": {"hours_before": 2}}


def check_part(name: str, *, example: str | Path | None = None, panel: Panel | None = None, **params: Any) -> str:
    """Hold an estimator, a feature builder, a rule or a reader of one's own to what cblcast relies on.

    Parameters
    ----------
    name : str
        As it is registered.
    example : path, optional
        A file that a reader reads; needed for a reader.
    panel : Panel, optional
        What estimators, builders and rules are tried on; four months of the bundled Turin building unless given.
    **params
        Parameters of the estimator or builder; options of the reader, such as ``tz``.

    Returns
    -------
    str
        What was checked, in one sentence.

    Raises
    ------
    StudyError
        The first promise that is broken, in one sentence; also a name that is not registered.
    """
    checks: list[tuple[registry.Registry, Callable[[], str]]] = [
        (registry.ESTIMATORS, lambda: _check_estimator(name, params, panel or _turin())),
        (registry.FEATURES, lambda: _check_builder(name, params, panel or _turin())),
        (registry.RULES, lambda: _check_rule(name, panel or _turin())),
        (registry.READERS, lambda: _check_reader(name, example, params)),
    ]
    for table, check in checks:
        if name in table:
            return check()
    raise StudyError(
        f"{name!r} is not registered: import the module that registers it first, or install its package (entry points "
        f"{', '.join(str(table.group) for table, _ in checks)})"
    )


def _require(holds: bool, promise: str) -> None:
    if not holds:
        raise StudyError(f"the contract is broken: {promise}")


def _turin() -> Panel:
    whole = datasets.load("turin")
    return Panel(whole.data[whole.data.index.get_level_values("time") < "2019-05-01"], whole.sites)


def _events(panel: Panel) -> pd.DataFrame:
    last = panel.data.index.get_level_values("time").max()
    return placebo_events(panel, "17:00", "20:00", first=str((last - pd.Timedelta(days=60)).date()))


def _check_estimator(name: str, params: dict[str, Any], panel: Panel) -> str:
    estimator = registry.ESTIMATORS.make(name, params)
    check_parameters(estimator)
    _require(
        clone(estimator).get_params(deep=False).keys() == estimator.get_params(deep=False).keys(),
        f"{name} must be cloned by scikit-learn: keep each parameter of __init__ under its own name, unchanged",
    )
    forecaster = Forecaster(estimator, _FEATURES, View.settlement(0, 2))
    events = _events(panel)
    cases = forecaster.cases(panel, events)
    X, y = forecaster.matrix(panel, cases), truth(panel, cases)
    kept_X, kept_y = X.copy(), y.copy()
    forecaster.fit_matrix(X, y, panel.sites)
    predicted = np.asarray(forecaster.estimator.predict(X))
    _require(predicted.shape == (len(X),) and predicted.dtype == np.float64, "predict gives float64, shape (n_rows,)")
    _require(X.equals(kept_X) and np.array_equal(y, kept_y, equal_nan=True), "fit and predict change neither X nor y")
    _require(
        np.array_equal(predicted, np.asarray(forecaster.estimator.predict(X)), equal_nan=True),
        "two predictions of the same rows are the same",
    )
    first = cases.index.get_level_values("origin") == cases.index.get_level_values("origin")[0]
    alone = np.asarray(forecaster.estimator.predict(X[first]))
    _require(
        np.allclose(alone, predicted[first], rtol=1e-9, equal_nan=True),
        "an event's estimate does not depend on which other events are asked with it",
    )
    _require_names_of_missing(name, forecaster.estimator, X)
    with TemporaryDirectory() as folder:
        try:
            forecaster.save(Path(folder))
            again = np.asarray(Forecaster.load(Path(folder)).estimator.predict(X))
        except DataError as error:
            raise StudyError(f"the contract is broken: it is saved without pickle ({error})") from error
    _require(np.allclose(again, predicted, rtol=1e-9, equal_nan=True), "saved and loaded it says the same")
    return (
        f"{name} keeps the contract of an estimator: {len(X)} rows of {len(events)} events fitted, asked, saved, loaded"
    )


def _require_names_of_missing(name: str, estimator: Any, X: pd.DataFrame) -> None:
    """What an estimator requires and does not get it must name; one that reads whatever it gets has nothing to name."""
    if not (able(estimator, RequiresFeatures) and estimator.required_features()):
        return
    try:
        estimator.predict(X[[]])
    except (DataError, StudyError):
        return
    except Exception as error:
        raise StudyError(
            "the contract is broken: a feature that is missing must be named in a DataError "
            f"(cblcast.estimators.columns.take does it), not {error!r}"
        ) from error
    raise StudyError(f"the contract is broken: {name} requires features, and without them it must say which it lacks")


def _check_builder(name: str, params: dict[str, Any], panel: Panel) -> str:
    builder = registry.FEATURES.make(name, params)
    settings = getattr(type(builder), "__dataclass_params__", None)
    _require(settings is not None and settings.frozen, f"{name} is a frozen dataclass, without a fit")
    _require(hash(builder) == hash(registry.FEATURES.make(name, params)), "builders with equal parameters are equal")
    wish = wish_of(builder)
    _require(merge_wishes([builder], dict([wish])) == merge_wishes([builder]), "its fields join with themselves")
    events = _events(panel)
    for view in (View.real_time(), View.settlement(), View.day_ahead()):
        cases = make_cases(panel, events, view)
        if able(builder, ReadsColumns):
            for column in builder.reads_columns():
                _require(column in panel.data.columns, f"the panel has the column {column!r} that it reads")
        found = builder(panel, cases)
        _require(found.index.equals(cases.index), "features have the index of the cases")
        _require(bool((found.dtypes == np.float64).all()), "every feature is float64")
        _require(found.columns.is_unique, "every feature has a name of its own")
        _require(found.equals(builder(panel, cases)), "two calls give the same features: it keeps no state")
        for number in (0, len(events) // 2, len(events) - 1):
            alone = make_cases(panel, events.iloc[[number]], view)
            _require(
                builder(panel, alone).equals(matrix(_with_garbage(panel, alone), alone, [builder])),
                f"nothing hidden is looked at ({view}): garbage written behind the blindfold changed a feature",
            )
    return f"{name} keeps the contract of a feature builder: {found.shape[1]} columns in three views, blind where it must be"


def _with_garbage(panel: Panel, cases: pd.DataFrame) -> Panel:
    """The panel with nonsense on everything that the one event of `cases` may not see."""
    time = panel.data.index.get_level_values("time")
    hidden = (time >= cases["hidden_from"].iloc[0]) & (time < cases["hidden_until"].iloc[0])
    observed = panel.data[OBSERVED].to_numpy(copy=True)
    observed[hidden] = 1e6 * np.sin(np.arange(int(hidden.sum())))
    return Panel(panel.data.assign(**{OBSERVED: observed}), panel.sites)


def _check_rule(name: str, panel: Panel) -> str:
    program = load_program(name)
    _require(program.name == name, f"the program {name!r} names itself so, not {program.name!r}")
    _require(bool(explain(program)), "it can be told in words")
    events = _events(panel).iloc[[-1]]
    settled = settle(panel, events, [program], keep_intervals=True)
    _require(
        len(settled.events) + len(settled.problems) > 0, "an event is settled, or the reason why it is not is given"
    )
    if len(settled.events):
        from cblcast.programs import explain_event

        by_hand = explain_event(program, panel, events).intervals["baseline_kw"].to_numpy()
        _require(
            np.allclose(by_hand, settled.intervals["baseline_kw"], rtol=1e-9),
            "settled and worked by hand it is the same",
        )
        return f"{name} keeps the contract of a rule: an event was settled and worked by hand alike"
    return f"{name} keeps the contract of a rule; on the trial event it says: {settled.problems['reason'].iloc[0]}"


def _check_reader(name: str, example: str | Path | None, options: dict[str, Any]) -> str:
    if example is None:
        raise StudyError(f"a reader is checked on a file: check_part({name!r}, example='…', tz='Europe/Rome')")
    reader = registry.READERS.resolve(name)
    panel = reader(example, **options)
    _require(isinstance(panel, Panel), "a reader gives a Panel")
    _require(panel.data[OBSERVED].notna().any(), "something was metered")
    if able(reader, Recognises):
        _require(reader.recognises(Path(example)) is True, "recognises() knows the example")
    with TemporaryDirectory() as folder:
        for what, content in (("empty", b""), ("binary", bytes(range(256)) * 4)):
            broken = Path(folder) / f"{what}{Path(example).suffix}"
            broken.write_bytes(content)
            try:
                reader(broken, **options)
            except (DataError, StudyError):
                continue
            except Exception as error:
                raise StudyError(
                    f"the contract is broken: an {what} file must be a DataError of one sentence, not {error!r}"
                ) from error
            raise StudyError(f"the contract is broken: an {what} file must be refused")
    return f"{name} keeps the contract of a reader: {len(panel.data)} rows of {len(panel.sites)} sites, broken files refused"
