"""Programs as forecasters: the same estimators and features that everything else is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cblcast import registry
from cblcast.estimators.rules.declared import Declared
from cblcast.estimators.rules.largest_demand import LargestDemandDays
from cblcast.estimators.rules.meter import MeterBeforeMeterAfter, MeteringGeneratorOutput
from cblcast.estimators.rules.selected_days import SelectedDays
from cblcast.estimators.wrappers.adjusted import Adjusted
from cblcast.estimators.wrappers.capped import CappedAt
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import for_view, make_estimator
from cblcast.frames.cases import View
from cblcast.frames.events import Window
from cblcast.frames.schema import StudyError
from cblcast.programs.model import Program

SETTLEMENT = View.settlement()


def _days(program: Program) -> Any:
    if program.demand_minutes is not None:
        return LargestDemandDays(program.days, program.labels, minutes=program.demand_minutes)
    return SelectedDays(program.days, program.labels)


def _meter(program: Program) -> Any:
    return MeterBeforeMeterAfter(program.meter)


def _declared(program: Program) -> Any:
    return Declared()


def _generator(program: Program) -> Any:
    return MeteringGeneratorOutput(**program.model_params)


def _model(program: Program) -> Any:
    return make_estimator(for_view({"estimator": program.model, **program.model_params}, SETTLEMENT))


def _control_group(program: Program) -> Any:
    return registry.ESTIMATORS.make(program.model or "ClusterControl", program.model_params)


FAMILIES: dict[str, Callable[[Program], Any]] = {
    "days": _days,
    "meter": _meter,
    "declared": _declared,
    "generator": _generator,
    "control_group": _control_group,
    "model": _model,
}


def program_forecaster(
    program: Program, windows: Sequence[Window] | None = None, adjusted: bool = True, view: View = SETTLEMENT
) -> Forecaster:
    """The forecaster that carries a program's rule out.

    Parameters
    ----------
    program : Program
    windows : sequence of Window, optional
        Instead of the program's own adjustment windows: those of some events, once a fixed wall clock or a notification
        has been turned into hours beside them (see :func:`cblcast.programs.windows.adjustment_windows`). Empty: no
        adjustment.
    adjusted : bool
        False leaves the adjustment out.
    """
    estimator = FAMILIES[program.family](program)
    own = program.adjustment
    if own is not None and adjusted:
        if windows is None:
            if any(not isinstance(window, Window) for window in own.windows):
                raise StudyError(
                    f"the adjustment of {program.name} stands at a fixed wall clock, so its hours beside an event depend "
                    "on the event: use cblcast settle, or give windows"
                )
            windows = [window for window in own.windows if isinstance(window, Window)]
        if windows:
            estimator = Adjusted(
                estimator,
                tuple(windows),
                own.mode,
                own.cap,
                own.floor,
                own.upward_only,
                own.min_metered_share,
                own.where_no_ratio,
            )
    if program.contract_cap is not None:
        estimator = CappedAt(estimator, program.contract_cap)
    return Forecaster(estimator, view=view, name=program.name)
