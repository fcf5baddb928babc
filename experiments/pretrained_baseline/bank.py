"""Feature matrices of all sets, made once: windows that teach, evenings that judge, and what the rules say of these."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sme_baselines"))  # its module run before the one here

import numpy as np
import pandas as pd
from learned import rules
from sets import WINDOWS_A_DAY, random_windows

from cblcast.days.placebo import placebo_events
from cblcast.estimators.pooled_baseline import PooledBaseline
from cblcast.forecast.backtest import backtest
from cblcast.forecast.forecaster import Forecaster, truth
from cblcast.frames.cases import View, make_cases
from cblcast.frames.instants import microseconds, stamps
from cblcast.frames.panel import Panel
from cblcast.frames.schema import CASE_INDEX

SEED = 7  # of the windows
# Working days, 17:00-20:00. What is judged lies after what a model of the same site could have learned from.
JUDGED: dict[str, dict[str, str]] = {
    "cambridge": {"first": "2019-01-01"},
    "turin": {"first": "2019-03-01"},
    "fontana_homes": {},
    "fontana_net": {},
    "sydney_home": {},
    "lcl_homes": {"first": "2013-03-01"},
    "uci_home": {"first": "2008-01-01", "last": "2009-12-31"},
}


def taught(name: str, panel: Panel, view: View, kept: Path | None) -> tuple[pd.DataFrame, np.ndarray]:
    """Features and load [kW] of random windows of a set."""
    file = None if kept is None else kept / f"{name}_{_word(view)}_train.npz"
    if file is not None and file.exists():
        return _read(file)
    windows = random_windows(panel, WINDOWS_A_DAY[name], SEED)
    return _made(panel, make_cases(panel, windows, view, may_overlap=True), view, file)


def asked(name: str, panel: Panel, view: View, kept: Path | None) -> tuple[pd.DataFrame, np.ndarray]:
    """Features and load [kW] of the evenings that judge."""
    file = None if kept is None else kept / f"{name}_{_word(view)}_judge.npz"
    if file is not None and file.exists():
        return _read(file)
    events = placebo_events(panel, "17:00", "20:00", **JUDGED[name])
    return _made(panel, make_cases(panel, events, view), view, file)


def ruled(name: str, panel: Panel, view: View, index: pd.MultiIndex, kept: Path | None) -> pd.DataFrame:
    """What every rule that the view allows says of the evenings, one column a rule [kW], NaN where it says nothing."""
    file = None if kept is None else kept / f"{name}_{_word(view)}_rules.parquet"
    if file is not None and file.exists():
        return pd.read_parquet(file).reindex(index)
    scored = backtest(panel, rules(view), placebo_events(panel, "17:00", "20:00", **JUDGED[name])).scored
    table = scored.reset_index().pivot(index=CASE_INDEX, columns="method", values="predicted_kw").astype("float32")
    if file is not None:
        table.to_parquet(file)
    return table.reindex(index)


def _word(view: View) -> str:
    if view.whole_day:
        return "day_ahead"
    if view.recovery is not None:
        return "settlement"
    return "real_time_2h" if view.lead_in else "real_time"


def _made(panel: Panel, cases: pd.DataFrame, view: View, file: Path | None) -> tuple[pd.DataFrame, np.ndarray]:
    X = Forecaster(PooledBaseline(), view=view).matrix(panel, cases).astype(np.float32)
    y = truth(panel, cases)
    known = np.isfinite(y)
    X, y = X[known], y[known]
    if file is not None:
        site, origin, time = (X.index.get_level_values(level) for level in CASE_INDEX)
        names = np.array(list(map(str, X.columns)))
        moments = {"origin": microseconds(origin), "time": microseconds(time)}
        np.savez(file, X=X.to_numpy(), cols=names, y=y, site=site.to_numpy().astype(str), **moments)
    return X, y


def _read(file: Path) -> tuple[pd.DataFrame, np.ndarray]:
    with np.load(file, allow_pickle=False) as held:
        arrays = [held["site"], stamps(held["origin"]), stamps(held["time"])]
        index = pd.MultiIndex.from_arrays([pd.Index(arrays[0], dtype="str"), *arrays[1:]], names=CASE_INDEX)
        return pd.DataFrame(held["X"], index=index, columns=held["cols"]), held["y"]
