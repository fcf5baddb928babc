"""Customer baselines for demand response and wind power nowcasts.

What most work needs stands here; each name is loaded when it is first used, so that ``import cblcast`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from cblcast.version import __version__

if TYPE_CHECKING:
    from cblcast import datasets as datasets
    from cblcast import registry as registry
    from cblcast.days.placebo import placebo_events as placebo_events
    from cblcast.forecast.backtest import backtest as backtest
    from cblcast.forecast.evaluation import evaluate as evaluate
    from cblcast.forecast.forecaster import Forecaster as Forecaster
    from cblcast.forecast.long_frame import score_frame as score_frame
    from cblcast.forecast.methods import make_estimator as make_estimator
    from cblcast.forecast.scoring import score_events as score
    from cblcast.frames.cases import View as View
    from cblcast.frames.events import Event as Event
    from cblcast.frames.events import Window as Window
    from cblcast.frames.panel import Panel as Panel
    from cblcast.io.formats import read_dispatch as read_events
    from cblcast.io.formats import read_meter as read_meter
    from cblcast.settlement import settle as settle
    from cblcast.tracking import load_forecaster as load_model

_HOMES = {
    "Event": "cblcast.frames.events:Event",
    "Forecaster": "cblcast.forecast.forecaster:Forecaster",
    "Panel": "cblcast.frames.panel:Panel",
    "View": "cblcast.frames.cases:View",
    "Window": "cblcast.frames.events:Window",
    "backtest": "cblcast.forecast.backtest:backtest",
    "datasets": "cblcast.datasets:",
    "evaluate": "cblcast.forecast.evaluation:evaluate",
    "load_model": "cblcast.tracking:load_forecaster",
    "make_estimator": "cblcast.forecast.methods:make_estimator",
    "placebo_events": "cblcast.days.placebo:placebo_events",
    "plots": "cblcast.plots:",
    "read_events": "cblcast.io.formats:read_dispatch",
    "read_meter": "cblcast.io.formats:read_meter",
    "registry": "cblcast.registry:",
    "score": "cblcast.forecast.scoring:score_events",
    "score_frame": "cblcast.forecast.long_frame:score_frame",
    "settle": "cblcast.settlement:settle",
}

__all__ = [
    "Event",
    "Forecaster",
    "Panel",
    "View",
    "Window",
    "__version__",
    "backtest",
    "datasets",
    "evaluate",
    "load_model",
    "make_estimator",
    "placebo_events",
    "plots",
    "read_events",
    "read_meter",
    "registry",
    "score",
    "score_frame",
    "settle",
]


if not TYPE_CHECKING:  # a type checker that saw this would take every misspelt name

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, _, attribute = _HOMES[name].partition(":")
        found = importlib.import_module(module)
        return getattr(found, attribute) if attribute else found


def __dir__() -> list[str]:
    own = {"Any", "TYPE_CHECKING", "annotations", "importlib", "_HOMES"}
    return sorted({*globals(), *__all__} - own)
