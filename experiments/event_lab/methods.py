"""What is judged: the days of several programs' rules behind every adjustment, and a learned baseline."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import pandas as pd
from cases import Case, days_of, suggested

from cblcast.errors import DataWarning
from cblcast.estimators.learned_baseline import LearnedBaseline
from cblcast.estimators.wrappers.adjusted import Adjusted
from cblcast.forecast.backtest import backtest, judged
from cblcast.forecast.answer import answer
from cblcast.forecast.event_truth import with_event_truth
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.cases import View
from cblcast.frames.events import NAMED_WINDOWS, Window
from cblcast.frames.panel import Panel
from cblcast.programs import load_program, program_forecaster

RULES = ("caiso_10in10", "nyiso_average_day", "pjm_economic", "ercot_mid8of10", "kpx_mid6of10", "isone_10of10")
MODES = {
    "ratio": {"mode": "multiplicative"},
    "additive": {"mode": "additive"},
    "capped": {"mode": "multiplicative", "limits": (0.8, 1.2)},
}
NONE = "none"
VIEWS = {
    "learned, to the start": View.real_time(),
    "learned, 4 h blind": View.real_time(lead_in=4),
}


def forecasters(windows: Mapping[str, Window]) -> dict[str, Forecaster]:
    """``rule | adjustment`` -> forecaster; adjustments are ``none`` and ``mode, window``."""
    made = {}
    for rule in RULES:
        bare = program_forecaster(load_program(rule), adjusted=False).estimator
        made[f"{rule} | {NONE}"] = Forecaster(bare, view=View.settlement(), name=rule)
        for window, spec in windows.items():
            for mode, settings in MODES.items():
                name = f"{rule} | {mode}, {window}"
                made[name] = Forecaster(Adjusted(bare, spec, **settings), view=View.settlement(), name=name)
    return made


def learned(panel: Panel, first: str, last: str, weather: tuple[str, ...]) -> dict[str, Forecaster]:
    """The learned baseline, trained on days before any event, as it sees the meter up to the start or to four hours before."""
    made = {}
    days = days_of(panel, first, last)
    for name, view in VIEWS.items():
        one = Forecaster(LearnedBaseline(weather=weather, n_estimators=150), view=view, name=name)
        made[name] = one.fit(panel, one.cases(panel, days))
    return made


def scored(case: Case, panel: Panel, events: pd.DataFrame, trained: Mapping[str, Forecaster]) -> pd.DataFrame:
    """Scored rows of every method; what is told of events and windows is told by the commands, not here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        rows = [backtest(panel, forecasters({**NAMED_WINDOWS, **suggested(case)}), events).scored]
        known = with_event_truth(panel, events)
        for name, one in trained.items():
            rows.append(judged(known, answer(one, known, events))[0].assign(method=name))
    return pd.concat(rows)


def errors(found: pd.DataFrame, use_kw: pd.Series) -> pd.DataFrame:
    """Bias and nRMSE [% of the mean use], mean over sites; index ``method``."""
    frame = found.reset_index()
    share = (frame["predicted_kw"] - frame["observed_kw"]) / frame["site_id"].map(use_kw)
    by_site = pd.DataFrame({"bias": share, "square": share**2}).groupby([frame["method"], frame["site_id"]]).mean()
    table = by_site.assign(nrmse=by_site["square"] ** 0.5).groupby("method")[["bias", "nrmse"]].mean()
    return 100 * table


def judge(case: Case, trained: Mapping[str, Forecaster]) -> pd.DataFrame:
    """One row a method: ``bias_pct``, ``nrmse_pct``, the same of the untouched twin, and ``moved_pct``, the bias that the case adds.

    All in % of the mean use in the events.
    """
    mine = errors(scored(case, case.panel, case.events, trained), case.use_kw)
    plain = case.events[["site_id", "start", "stop"]]
    twin = errors(scored(case, case.untouched, plain, trained), case.use_kw)
    table = mine.add_suffix("_pct").join(twin.add_suffix("_untouched_pct"))
    return table.assign(
        moved_pct=table["bias_pct"] - table["bias_untouched_pct"],
        shed_pct=100 * float((case.events["shed_kw"] / case.events["site_id"].map(case.use_kw)).mean())
        if "shed_kw" in case.events
        else float("nan"),
        world=case.world,
        case=case.name,
        n_events=len(case.events),
    )
