"""Names of everything that a study, a saved model or a command can name: name -> "module:Class", resolved only when used.

Own parts join without a fork: an installed package names them as entry points of the group that stands beside each
table, and a script (or a module named by ``--plugin``) registers them by ``@registry.ESTIMATORS.register``.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Iterator, Mapping
from typing import Any

from cblcast.checked.annotations import check_values
from cblcast.errors import StudyError, nearest


class Registry(Mapping[str, str]):
    """One table of names: cblcast's own, those of installed packages, and those registered while running.

    Parameters
    ----------
    what : str
        What a name stands for, as errors call it.
    own : mapping name -> "module:attribute"
    group : str, optional
        Group of entry points through which installed packages add names.
    """

    def __init__(self, what: str, own: Mapping[str, str], group: str | None = None) -> None:
        self.what = what
        self.group = group
        self._own = dict(own)
        self._registered: dict[str, Any] = {}
        self._installed: dict[str, str] | None = None

    def __getitem__(self, name: str) -> str:
        if name in self._own:
            return self._own[name]
        if name in self._registered:
            return _address(self._registered[name])
        return self._of_packages()[name]

    def __iter__(self) -> Iterator[str]:
        return iter([*self._own, *self._registered, *self._of_packages()])

    def __len__(self) -> int:
        return len(self._own) + len(self._registered) + len(self._of_packages())

    def added(self) -> list[str]:
        """Names that are not cblcast's own: of installed packages, and registered while running."""
        return [*self._registered, *self._of_packages()]

    def resolve(self, name: str) -> Any:
        """The class or function called `name`; an unknown name is a :class:`StudyError` that offers the nearest."""
        if name in self._registered:
            return self._registered[name]
        if name not in self:
            raise StudyError(f"unknown {self.what} {name!r}: {nearest(name, self)}")
        module, _, attribute = self[name].partition(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            if name in self._own:
                raise
            raise StudyError(
                f"the {self.what} {name!r} is promised by an installed package and cannot be loaded ({error}): "
                f"mend its entry point in the group {self.group!r}, or uninstall the package"
            ) from error

    def make(self, name: str, params: Mapping[str, Any] | None = None) -> Any:
        """An instance of the class called `name`; an unknown parameter is an error that offers the nearest."""
        import inspect

        cls, params = self.resolve(name), params or {}
        known = inspect.signature(cls).parameters
        for key in params:
            if key not in known:
                raise StudyError(f"{self.what} {name!r} has no parameter {key!r}: {nearest(key, known)}")
        for key, parameter in known.items():
            if key not in params and parameter.default is parameter.empty:
                raise StudyError(f"{self.what} {name!r} needs the parameter {key!r}: give it")
        if isinstance(cls, type):
            check_values(cls, params, f"{self.what} {name!r}")
        try:
            return cls(**params)
        except TypeError as error:
            raise StudyError(
                f"{self.what} {name!r} cannot be made of {dict(params)!r} ({error}): mend the kind of a parameter"
            ) from error

    def name_of(self, thing: Any) -> str | None:
        """The name under which `thing` is known here, None for a stranger; what its module is called does not count."""
        for name, registered in self._registered.items():
            if registered is thing:
                return name
        ending = f":{thing.__qualname__}"
        return next(
            (name for name, path in self.items() if path.endswith(ending) and self.resolve(name) is thing), None
        )

    def register(self, thing: Any = None, *, name: str | None = None) -> Any:
        """Give a class or function of one's own a name here; as a decorator, bare or ``@register(name=…)``.

        Raises
        ------
        StudyError
            A name that is taken: a study would no longer say which of the two it means.
        """
        if thing is None:
            return lambda later: self.register(later, name=name)
        chosen = name or getattr(thing, "__name__", "")
        if not chosen:
            raise StudyError(f"a {self.what} given as a value needs a name: register(…, name='my_rule')")
        before = self._registered.get(chosen)
        # A module that is loaded again (a notebook cell, a plugin named twice) replaces what it registered itself.
        if chosen in self._own or (before is not None and _address(before) != _address(thing)):
            raise StudyError(f"the {self.what} {chosen!r} is known already: give yours another name")
        self._registered[chosen] = thing
        return thing

    def _of_packages(self) -> dict[str, str]:
        if self._installed is None:
            found = importlib.metadata.entry_points(group=self.group) if self.group else ()
            self._installed = {}
            for point in found:
                if self._installed.setdefault(point.name, point.value) != point.value:
                    raise StudyError(
                        f"two installed packages add the {self.what} {point.name!r} ({self._installed[point.name]} and "
                        f"{point.value}): uninstall one of them, or have it renamed"
                    )
            taken = sorted(self._own.keys() & self._installed.keys())
            if taken:
                raise StudyError(
                    f"an installed package adds the {self.what} {taken[0]!r} ({self._installed[taken[0]]}), which cblcast "
                    "has itself: rename its entry point, or uninstall the package"
                )
        return {name: path for name, path in self._installed.items() if name not in self._registered}


def _address(thing: Any) -> str:
    """Where a class or function stands; a value (a rule given as a mapping) is its own address."""
    return f"{thing.__module__}:{thing.__qualname__}" if hasattr(thing, "__qualname__") else repr(thing)


FEATURES = Registry(
    "feature builder",
    {
        "calendar": "cblcast.features.calendar:Calendar",
        "weather": "cblcast.features.weather:Weather",
        "reference_days": "cblcast.features.reference_days:ReferenceDays",
        "event_windows": "cblcast.features.event_windows:EventWindows",
        "control_group": "cblcast.features.control_group:ControlGroup",
        "program_days": "cblcast.features.program_days:ProgramDays",
        "given": "cblcast.features.given:Given",
        "lags": "cblcast.features.lags:Lags",
        "nwp": "cblcast.features.nwp:Nwp",
        "nwp_error": "cblcast.features.nwp_error:NwpError",
        "power_deficit": "cblcast.features.power_deficit:PowerDeficit",
        "unrest": "cblcast.features.unrest:Unrest",
        "origin_clock": "cblcast.features.origin_clock:OriginClock",
        "site_attributes": "cblcast.features.site_attributes:SiteAttributes",
        "day_history": "cblcast.features.day_history:DayHistory",
        "day_sequence": "cblcast.features.day_sequence:DaySequence",
        "occupancy": "cblcast.features.occupancy:Occupancy",
        "unusual_days": "cblcast.features.unusual_days:UnusualDays",
        "thermal_days": "cblcast.features.thermal_days:ThermalDays",
    },
    "cblcast.features",
)

ESTIMATORS = Registry(
    "estimator",
    {
        "XofY": "cblcast.estimators.rules.similar_days:XofY",
        "SimpleAverage": "cblcast.estimators.rules.similar_days:SimpleAverage",
        "ComparableDay": "cblcast.estimators.rules.similar_days:ComparableDay",
        "ExponentialMovingAverage": "cblcast.estimators.rules.similar_days:ExponentialMovingAverage",
        "SelectedDays": "cblcast.estimators.rules.selected_days:SelectedDays",
        "Declared": "cblcast.estimators.rules.declared:Declared",
        "CappedAt": "cblcast.estimators.wrappers.capped:CappedAt",
        "FirmServiceLevel": "cblcast.estimators.rules.firm_service_level:FirmServiceLevel",
        "MeterBeforeMeterAfter": "cblcast.estimators.rules.meter:MeterBeforeMeterAfter",
        "MeteringGeneratorOutput": "cblcast.estimators.rules.meter:MeteringGeneratorOutput",
        "Adapted": "cblcast.estimators.wrappers.adapted:Adapted",
        "Adjusted": "cblcast.estimators.wrappers.adjusted:Adjusted",
        "ClusterControl": "cblcast.estimators.rules.control_group:ClusterControl",
        "NearestControl": "cblcast.estimators.rules.control_group:NearestControl",
        "SyntheticControl": "cblcast.estimators.rules.control_group:SyntheticControl",
        "Persistence": "cblcast.estimators.rules.persistence:Persistence",
        "SmartPersistence": "cblcast.estimators.rules.persistence:SmartPersistence",
        "BinnedCurve": "cblcast.estimators.learners.power_curve:BinnedCurve",
        "StepwiseRegression": "cblcast.estimators.learners.stepwise:StepwiseRegression",
        "SpeedFirst": "cblcast.estimators.learners.speed_first:SpeedFirst",
        "ARMA": "cblcast.estimators.learners.arma:ARMA",
        "Autoregression": "cblcast.estimators.learners.autoregression:Autoregression",
        "ByLead": "cblcast.estimators.wrappers.by_lead:ByLead",
        "LeadEnsemble": "cblcast.estimators.wrappers.lead_ensemble:LeadEnsemble",
        "LeadNet": "cblcast.estimators.neural.lead_net:LeadNet",
        "LeadIntervals": "cblcast.estimators.wrappers.lead_intervals:LeadIntervals",
        "RecentIntervals": "cblcast.estimators.wrappers.recent_intervals:RecentIntervals",
        "QuantileNet": "cblcast.estimators.neural.quantile_net:QuantileNet",
        "QuantileForest": "cblcast.estimators.learners.quantile_forest:QuantileForest",
        "Conformal": "cblcast.estimators.wrappers.intervals:Conformal",
        "ConformalQuantile": "cblcast.estimators.wrappers.intervals:ConformalQuantile",
        "LeastSquares": "cblcast.estimators.learners.regression:LeastSquares",
        "Ridge": "cblcast.estimators.learners.regression:Ridge",
        "TimeOfWeekTemperature": "cblcast.estimators.learners.time_of_week_temperature:TimeOfWeekTemperature",
        "PhysicallyBasedLoad": "cblcast.estimators.learners.physical_load:PhysicallyBasedLoad",
        "GaussianProcess": "cblcast.estimators.learners.kernel_methods:GaussianProcess",
        "SupportVector": "cblcast.estimators.learners.kernel_methods:SupportVector",
        "Boosting": "cblcast.estimators.learners.boosting:Boosting",
        "QuantileBoosting": "cblcast.estimators.learners.quantile_boosting:QuantileBoosting",
        "RandomForest": "cblcast.estimators.learners.forest:RandomForest",
        "ExtraTrees": "cblcast.estimators.learners.forest:ExtraTrees",
        "NeuralNet": "cblcast.estimators.neural.neural_net:NeuralNet",
        "NeuralNetPerSite": "cblcast.estimators.neural.neural_net_per_site:NeuralNetPerSite",
        "PerSite": "cblcast.estimators.wrappers.per_site:PerSite",
        "Normalised": "cblcast.estimators.wrappers.normalised:Normalised",
        "Residual": "cblcast.estimators.wrappers.residual:Residual",
        "AsTrained": "cblcast.estimators.wrappers.as_trained:AsTrained",
        "UnusualDay": "cblcast.estimators.wrappers.unusual_day:UnusualDay",
        "Column": "cblcast.estimators.rules.column:Column",
        "Ensemble": "cblcast.estimators.wrappers.ensemble:Ensemble",
        "LearnedBaseline": "cblcast.estimators.learned_baseline:LearnedBaseline",
        "PooledBaseline": "cblcast.estimators.pooled_baseline:PooledBaseline",
    },
    "cblcast.estimators",
)

# Values that saved models hold beside estimators.
PARTS = Registry(
    "part of a model",
    {
        "DayRule": "cblcast.days.day_rules:DayRule",
        "Window": "cblcast.frames.events:Window",
        "View": "cblcast.frames.cases:View",
        "PowerCurve": "cblcast.physics.power_curve:PowerCurve",
        "Design": "cblcast.estimators.design:Design",
        "ErrorScale": "cblcast.estimators.wrappers.conformal_scores:ErrorScale",
        "UnrestScale": "cblcast.estimators.wrappers.error_tables:UnrestScale",
        "Scales": "cblcast.estimators.neural.preparation:Scales",
        "DayAttention": "cblcast.estimators.neural.day_attention:DayAttention",  # a member of PooledBaseline alone
    },
    "cblcast.parts",
)

# Readers of meter files: (path, **options) -> Panel. One that has `recognises(path)` is also taken without being named.
READERS = Registry(
    "format",
    {
        "table": "cblcast.io.tabular:read_panel",  # CSV and Parquet, long or wide
        "green_button": "cblcast.io.green_button:read_green_button",
        "nem12": "cblcast.io.nem12:read_nem12",
        "pecan_street": "cblcast.io.pecan_street:read_pecan_street",
    },
    "cblcast.readers",
)

# Baseline rules beside those of cblcast.programs.catalogue: a mapping as a program file holds it, or the path of one.
RULES = Registry("program", {}, "cblcast.rules")

METRICS = Registry(
    "metric",
    {
        "crps": "cblcast.metrics:crps_from_quantiles",
        "pinball": "cblcast.metrics:mean_pinball",
    }
    | {
        name: f"cblcast.metrics:{name}"
        for name in (
            *("bias", "mpe", "mape", "wape", "mape_textbook", "mae"),
            *("rmse", "nrmse", "rrmse", "cvrmse", "nmbe", "coverage", "interval_width"),
        )
    },
    "cblcast.metrics",
)

# What `cblcast simulate` finds by a file's key `world`; see cblcast.workflow.worlds.
WORLDS = Registry(
    "world",
    {
        "microgrid": "cblcast.workflow.microgrid:MicrogridWorld",
        "commuting": "cblcast.workflow.commuting:Commuting",
        "households": "cblcast.workflow.households:Households",
        "building": "cblcast.workflow.building:Building",
        "portfolio": "cblcast.workflow.portfolio:PortfolioOfRealDays",
    },
    "cblcast.worlds",
)
