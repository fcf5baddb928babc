"""The accuracy study with refits: trained on all that lies before each quarter or month of 2015, and judged on it.

    python experiments/wind_nowcast_value/refit.py     # bundled data, about twenty minutes of one core

Every method is trained the same ways: once on 2014, quarterly and monthly with a day's gap (``--refits quarterly once`` leaves the
fourteen minutes of the months out, and keeps what is stored of them); rows, leads and weather are those of run.py. Writes
results_refit.json, nrmse_refit.csv, drift.csv and drift.png beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from time import process_time
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/

import numpy as np
import pandas as pd
from claims import Record, at_most, claim, summary, write
from farm import RATED_KW, TEST, TRAIN, farm_with_weather, measured_cases
from nowcasts import LAST_KW, LEADS_MIN, RICH_FEATURES, WIND, learned_methods

from cblcast.estimators.learners.autoregression import Autoregression
from cblcast.estimators.learners.stepwise import StepwiseRegression
from cblcast.estimators.rules.persistence import Persistence
from cblcast.estimators.wrappers.by_lead import ByLead
from cblcast.estimators.wrappers.ensemble import stacking_weights
from cblcast.features.matrix import matrix
from cblcast.forecast.forecaster import truth
from cblcast.forecast.refit import Refit, RefitSpan
from cblcast.frames.rolling import lead_minutes, rolling_origins

HERE = Path(__file__).parent
STANDBY_KW = -60.0
BLEND, EQUAL = "blend", "equal blend"
ONCE = (4.01, 5.62, 6.49, 7.85, 8.50, 8.87, 9.28)
MUST = (4.005, 5.610, 6.470, 7.800, 8.430, 8.790, 9.200)
TARGET = (4.00, 5.59, 6.44, 7.76, 8.38, 8.73, 9.10)
REFITS = {"quarterly": Refit("quarterly", 1), "once": Refit("yearly", 0), "monthly": Refit("monthly", 1)}


def baselines() -> dict[str, Any]:
    """What the blend is set beside, refitted like it."""
    columns = (LAST_KW, "nwp_power", "nwp_power_change", "observed_minus_nwp", "observed_minus_nwp_ms", WIND)
    return {
        "persistence": Persistence(),
        "AR by BIC": ByLead(Autoregression(orders=(1, 2, 3, 6, 12))),
        "regression": ByLead(
            StepwiseRegression((*columns, "observed_kw_ago_2", "observed_kw_ago_3", "observed_kw_mean_6"))
        ),
    }


def members() -> dict[str, Any]:
    """The members of the blend of run.py."""
    return {name: method for name, method in learned_methods().items() if name != BLEND}


class Rows:
    """Features and truth of both years."""

    def __init__(self) -> None:
        panel = farm_with_weather()
        cases = rolling_origins(panel, LEADS_MIN, first=TRAIN[0], last=TEST[1])
        cases = cases[measured_cases(panel, cases)]
        self.X = matrix(panel, cases, RICH_FEATURES).astype(np.float32)
        self.y, self.lead = truth(panel, cases), lead_minutes(cases, panel.step).astype(int)
        self.begins = cases.index.get_level_values("time").tz_localize(None).to_numpy().astype("M8[us]")
        self.ends = self.begins + np.timedelta64(panel.step_us, "us")

    def of(self, span: RefitSpan) -> tuple[np.ndarray, np.ndarray]:
        """Rows that a span learns from, those whose target had ended before its gap, and rows that it is judged by."""
        learned = self.ends <= np.datetime64(span.learned_until) + np.timedelta64(1, "D")
        day = self.begins.astype("M8[D]")
        return np.flatnonzero(learned), np.flatnonzero(
            (day >= np.datetime64(span.first)) & (day <= np.datetime64(span.last))
        )


def predicted(rows: Rows, refit: Refit) -> tuple[dict[str, np.ndarray], np.ndarray, float]:
    """Nowcasts of 2015 by every method, the span of each row, and the processor seconds of the longest training."""
    spans = refit.spans(TEST[0], str(np.datetime64(TEST[1]) - 1))
    found: dict[str, np.ndarray] = {}
    span_of, longest = np.full(len(rows.y), "", dtype=object), 0.0
    for span in spans:
        learned, judged = rows.of(span)
        span_of[judged] = span.name
        began = process_time()
        for name, method in (baselines() | members()).items():
            method.fit(rows.X.iloc[learned], rows.y[learned])
            values = np.clip(method.predict(rows.X.iloc[judged]), STANDBY_KW, RATED_KW)
            found.setdefault(name, np.full(len(rows.y), np.nan))[judged] = values
        longest = max(longest, process_time() - began)
        print(f"{refit} {span.name}: {len(learned)} rows, {process_time() - began:.0f} processor s", flush=True)
    together = np.stack([found[name] for name in members()], axis=1)
    found[EQUAL] = together.mean(1)
    found[BLEND] = weighted(rows, together, span_of, [span.name for span in spans])
    return found, span_of, longest


def weighted(rows: Rows, together: np.ndarray, span_of: np.ndarray, names: list[str]) -> np.ndarray:
    """The members weighted by lead as would have been best in the spans BEFORE each; equally in the first."""
    found = np.full(len(rows.y), np.nan)
    for number, name in enumerate(names):
        before = np.isin(span_of, names[:number])
        for lead in LEADS_MIN:
            here, past = (span_of == name) & (rows.lead == lead), before & (rows.lead == lead)
            weights = np.full(together.shape[1], 1 / together.shape[1])
            if past.any():
                weights = stacking_weights(together[past], rows.y[past])
            found[here] = together[here] @ weights
    return found


def nrmse(rows: Rows, values: np.ndarray, chosen: np.ndarray) -> float:
    """[% of rated power]."""
    return float(100 * np.sqrt(np.mean((values - rows.y)[chosen] ** 2)) / RATED_KW)


def drift_figure(drift: pd.DataFrame, path: Path) -> None:
    """Error of the blend by quarter at two leads, trained once and refitted."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), dpi=90, layout="constrained")
    for axes, lead in zip(figure.subplots(1, 2), (60, 180), strict=True):
        wide = drift[drift["lead_min"] == lead].pivot(index="quarter", columns="trained", values="nrmse")
        for trained in wide.columns:
            axes.plot(wide.index, wide[trained], "o-", lw=1.4, ms=3, label=trained)
        axes.set_title(f"blend, {lead} min ahead", fontsize=10)
        axes.set_ylabel("nRMSE [% of rated]")
        axes.legend(fontsize=8, frameon=False)
    figure.savefig(path)


def claims_of(table: pd.DataFrame, seconds: dict[str, float]) -> list[Record]:
    blend = table.xs(BLEND, level="method")
    results = []
    for lead, once, must, target in zip(LEADS_MIN, ONCE, MUST, TARGET, strict=True):
        text = f"nRMSE of the blend trained once on 2014, {lead} min"
        if "once" in blend.index:
            results.append(
                claim(text, "project target", blend.loc["once", lead], "% of rated", at_most(once), digits=3)
            )
        for trained in blend.index.drop("once", errors="ignore"):
            text, found = f"nRMSE of the blend refitted {trained}, gap 1 day, {lead} min", blend.loc[trained, lead]
            results.append(claim(f"{text}, must", "project target", found, "% of rated", at_most(must), digits=3))
            results.append(claim(f"{text}, target", "project target", found, "% of rated", at_most(target), digits=3))
    for trained, spent in seconds.items():
        text = f"longest training of seven leads, all methods, refitted {trained}"
        results.append(claim(text, "measured by this script", spent, "processor s", digits=0))
    return results


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--keep", type=Path, help="Folder for the nowcasts of 2015, one file a refit.")
    arguments.add_argument("--refits", nargs="+", choices=list(REFITS), default=list(REFITS))
    given = arguments.parse_args()
    keep = given.keep
    rows = Rows()
    quarter = pd.PeriodIndex(rows.begins, freq="Q").astype(str).to_numpy()
    table, drift, seconds = {}, [], {}
    for trained, refit in ((name, REFITS[name]) for name in given.refits):
        found, span_of, seconds[trained] = predicted(rows, refit)
        if keep is not None:
            np.savez_compressed(keep / f"refit_{trained}.npz", **{k: v.astype(np.float32) for k, v in found.items()})
        judged = span_of != ""
        for name, values in found.items():
            table[trained, name] = {lead: nrmse(rows, values, judged & (rows.lead == lead)) for lead in LEADS_MIN}
        for name in sorted(set(quarter[judged])):
            for lead in LEADS_MIN:
                error = nrmse(rows, found[BLEND], judged & (quarter == name) & (rows.lead == lead))
                drift.append({"trained": trained, "quarter": name, "lead_min": lead, "nrmse": error})
        write_all(table, drift, seconds)  # as each is done: the next takes its time


def with_stored(new: pd.DataFrame, name: str, done: list[str]) -> pd.DataFrame:
    """A table with the rows that an earlier run left of the refits that this one does not do."""
    old = pd.read_csv(HERE / name).set_index(list(new.index.names)).rename(columns=int)
    return pd.concat([new, old[~old.index.get_level_values("trained").isin(done)]])


def write_all(table: dict, drift: list[dict], seconds: dict[str, float]) -> None:
    """Tables, figure and claims of the refits that are done."""
    frame = with_stored(pd.DataFrame(table).T.rename_axis(["trained", "method"]), "nrmse_refit.csv", list(seconds))
    by_quarter = pd.DataFrame(drift)
    wide = by_quarter.pivot(index=["trained", "quarter"], columns="lead_min", values="nrmse")
    wide = with_stored(wide, "drift.csv", list(seconds))
    by_quarter = wide.rename_axis(columns="lead_min").stack().rename("nrmse").reset_index()
    frame.round(3).to_csv(HERE / "nrmse_refit.csv", lineterminator="\n")
    drift_figure(by_quarter, HERE / "drift.png")
    wide.round(3).to_csv(HERE / "drift.csv", lineterminator="\n")
    print(frame.round(3).to_string(), wide.round(3).to_string(), sep="\n", flush=True)
    results = claims_of(frame, seconds)
    told = {record["claim"] for record in results}
    stored = json.loads((HERE / "results_refit.json").read_text(encoding="utf-8"))
    results += [record for record in stored if record["target"] is None and record["claim"] not in told]
    write(HERE / "results_refit.json", results)
    print(summary(results), flush=True)


if __name__ == "__main__":
    main()
