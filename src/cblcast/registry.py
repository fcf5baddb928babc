"""Names of everything that can be named in a study: name -> "module:Class", resolved only when used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from cblcast.schema import StudyError, nearest

FEATURES: dict[str, str] = {
    "calendar": "cblcast.features.calendar:Calendar",
    "weather": "cblcast.features.weather:Weather",
    "reference_days": "cblcast.features.reference_days:ReferenceDays",
    "event_windows": "cblcast.features.event_windows:EventWindows",
    "control_group": "cblcast.features.control_group:ControlGroup",
    "program_days": "cblcast.features.program_days:ProgramDays",
    "given": "cblcast.features.given:Given",
    "lags": "cblcast.features.lags:Lags",
    "nwp": "cblcast.features.nwp:Nwp",
    "nwp_error": "cblcast.features.nwp:NwpError",
    "power_deficit": "cblcast.features.nwp:PowerDeficit",
    "origin_clock": "cblcast.features.origin_clock:OriginClock",
    "site_attributes": "cblcast.features.site_attributes:SiteAttributes",
    "day_history": "cblcast.features.day_history:DayHistory",
    "occupancy": "cblcast.features.occupancy:Occupancy",
}

ESTIMATORS: dict[str, str] = {
    "XofY": "cblcast.estimators.similar_days:XofY",
    "SimpleAverage": "cblcast.estimators.similar_days:SimpleAverage",
    "ComparableDay": "cblcast.estimators.similar_days:ComparableDay",
    "ExponentialMovingAverage": "cblcast.estimators.similar_days:ExponentialMovingAverage",
    "SelectedDays": "cblcast.estimators.selected_days:SelectedDays",
    "Declared": "cblcast.estimators.declared:Declared",
    "CappedAt": "cblcast.estimators.declared:CappedAt",
    "FirmServiceLevel": "cblcast.estimators.firm_service_level:FirmServiceLevel",
    "MeterBeforeMeterAfter": "cblcast.estimators.meter:MeterBeforeMeterAfter",
    "MeteringGeneratorOutput": "cblcast.estimators.meter:MeteringGeneratorOutput",
    "Adjusted": "cblcast.estimators.adjusted:Adjusted",
    "ClusterControl": "cblcast.estimators.control_group:ClusterControl",
    "NearestControl": "cblcast.estimators.control_group:NearestControl",
    "SyntheticControl": "cblcast.estimators.control_group:SyntheticControl",
    "Persistence": "cblcast.estimators.persistence:Persistence",
    "SmartPersistence": "cblcast.estimators.persistence:SmartPersistence",
    "BinnedCurve": "cblcast.estimators.power_curve:BinnedCurve",
    "StepwiseRegression": "cblcast.estimators.stepwise:StepwiseRegression",
    "SpeedFirst": "cblcast.estimators.speed_first:SpeedFirst",
    "ARMA": "cblcast.estimators.arma:ARMA",
    "Autoregression": "cblcast.estimators.autoregression:Autoregression",
    "ByLead": "cblcast.estimators.by_lead:ByLead",
    "LeadNet": "cblcast.estimators.lead_net:LeadNet",
    "LeadIntervals": "cblcast.estimators.lead_intervals:LeadIntervals",
    "QuantileNet": "cblcast.estimators.quantile_net:QuantileNet",
    "QuantileForest": "cblcast.estimators.quantile_forest:QuantileForest",
    "Conformal": "cblcast.estimators.intervals:Conformal",
    "ConformalQuantile": "cblcast.estimators.intervals:ConformalQuantile",
    "LeastSquares": "cblcast.estimators.regression:LeastSquares",
    "Ridge": "cblcast.estimators.regression:Ridge",
    "TimeOfWeekTemperature": "cblcast.estimators.time_of_week_temperature:TimeOfWeekTemperature",
    "GaussianProcess": "cblcast.estimators.kernel_methods:GaussianProcess",
    "SupportVector": "cblcast.estimators.kernel_methods:SupportVector",
    "Boosting": "cblcast.estimators.boosting:Boosting",
    "QuantileBoosting": "cblcast.estimators.quantile_boosting:QuantileBoosting",
    "RandomForest": "cblcast.estimators.forest:RandomForest",
    "ExtraTrees": "cblcast.estimators.forest:ExtraTrees",
    "NeuralNet": "cblcast.estimators.neural.neural_net:NeuralNet",
    "NeuralNetPerSite": "cblcast.estimators.neural.neural_net_per_site:NeuralNetPerSite",
    "PerSite": "cblcast.estimators.per_site:PerSite",
    "Normalised": "cblcast.estimators.normalised:Normalised",
    "Residual": "cblcast.estimators.residual:Residual",
    "Column": "cblcast.estimators.column:Column",
    "Ensemble": "cblcast.estimators.ensemble:Ensemble",
    "LearnedBaseline": "cblcast.estimators.learned_baseline:LearnedBaseline",
}

METRICS: dict[str, str] = {
    name: f"cblcast.metrics:{name}"
    for name in (
        "bias",
        "mpe",
        "mape",
        "wape",
        "mape_textbook",
        "mae",
        "rmse",
        "nrmse",
        "rrmse",
        "coverage",
        "interval_width",
    )
}


def resolve(table: Mapping[str, str], name: str, what: str) -> Any:
    """The class or function that `table` names; an unknown name is a :class:`StudyError` that offers the nearest."""
    if name not in table:
        raise StudyError(f"unknown {what} {name!r}: {nearest(name, table)}")
    module, _, attribute = table[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def make(table: Mapping[str, str], name: str, params: Mapping[str, Any], what: str) -> Any:
    """An instance of the class that `table` names; an unknown parameter is an error that offers the nearest."""
    import inspect

    cls = resolve(table, name, what)
    known = inspect.signature(cls).parameters
    for key in params:
        if key not in known:
            raise StudyError(f"{what} {name!r} has no parameter {key!r}: {nearest(key, known)}")
    for key, parameter in known.items():
        if key not in params and parameter.default is parameter.empty:
            raise StudyError(f"{what} {name!r} needs the parameter {key!r}: give it")
    return cls(**params)
