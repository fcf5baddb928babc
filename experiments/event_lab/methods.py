"""What is judged: the days of several programs' rules behind every adjustment, and a learned baseline."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import pandas as pd
from cases import Case, days_of, suggested

from cblcast.errors import DataWarning
from cblcast.estimators.learned_baseline import LearnedBaseline
from cblcast.estimators.wrappers.adjusted import Adjusted
from cblcast.forecast.answer import answer
from cblcast.forecast.backtest import backtest, judged
from cblcast.forecast.event_truth import with_event_truth
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.cases import View
from cblcast.frames.events import NAMED_WINDOWS, Window, mean_over_events
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
    "learned, before and after": View.settlement(),
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


def learned(panel: Panel, days: pd.DataFrame) -> dict[str, Forecaster]:
    """The learned baseline as it may see the meter up to the start, up to four hours before it, or before and after the event."""
    made = {}
    for name, view in VIEWS.items():
        one = Forecaster(LearnedBaseline(n_estimators=150), view=view, name=name)
        made[name] = one.fit(panel, one.cases(panel, days))
    return made


def scored(
    panel: Panel, events: pd.DataFrame, methods: Mapping[str, Forecaster], trained: Mapping[str, Forecaster]
) -> pd.DataFrame:
    """Scored rows of every method; what the commands tell of events and windows is not told here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        rows = [backtest(panel, methods, events).scored]
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


class Judge:
    """Judges cases; a learned baseline is trained once for all cases of the same meter."""

    def __init__(self) -> None:
        self.trained: dict[tuple[str, float], dict[str, Forecaster]] = {}

    def learned(self, case: Case, panel: Panel) -> dict[str, Forecaster]:
        if case.learn is None:
            return {}
        days = days_of(panel, *case.learn)
        key = (case.world, float(mean_over_events(panel, days, "observed_kw").sum()))
        if key not in self.trained:
            self.trained[key] = learned(panel, days)
        return self.trained[key]

    def __call__(self, case: Case) -> pd.DataFrame:
        """One row a method, in % of the mean use in the events.

        ``bias_pct``, ``nrmse_pct``: against the truth. ``moved_pct``: bias less that of the untouched twin, whose events are masked
        likewise: what the case does to the method. ``lost_pct``, of unadjusted rules: bias of the twin less its bias when the other
        events had never been masked: what it does that event days are no reference days. ``shed_pct``: what was shed.
        """
        methods = forecasters({**NAMED_WINDOWS, **suggested(case)})
        mine = errors(scored(case.panel, case.events, methods, self.learned(case, case.panel)), case.use_kw)
        plain = case.events[["site_id", "start", "stop"]]
        known = plain.assign(truth_kw=mean_over_events(case.untouched, plain, "observed_kw"))
        whole = Panel(case.untouched.data.assign(truth_kw=case.untouched.data["observed_kw"]), case.untouched.sites)
        twin = errors(scored(whole, known, methods, self.learned(case, case.untouched)), case.use_kw)
        never = errors(scored(case.untouched, plain, forecasters({}), {}), case.use_kw)
        less = mean_over_events(case.panel, case.events, "truth_kw") - mean_over_events(
            case.panel, case.events, "observed_kw"
        )
        return mine.add_suffix("_pct").assign(
            moved_pct=mine["bias"] - twin["bias"],
            lost_pct=twin["bias"] - never["bias"],
            shed_pct=100 * float((less / case.events["site_id"].map(case.use_kw)).mean()),
            world=case.world,
            case=case.name,
            n_events=len(case.events),
        )
