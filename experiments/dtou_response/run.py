"""How much did London homes respond to high prices? Rules, learned baselines and matched homes on real events.

    CBLCAST_DATA_DIR=... python experiments/dtou_response/run.py

Low Carbon London, 2013, half-hourly: every run of the High price is an event of the homes on the dynamic tariff; homes
on the standard tariff are the control group. Writes results.json, response.png and by_home.png.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/

import numpy as np
import pandas as pd
from claims import Record, claim, inside_limits, summary, write
from figures import draw_homes, draw_responses
from trial import SEED, Trial, at_homes, batches, read_trial

from cblcast.estimators.learners.boosting import Boosting
from cblcast.estimators.learners.regression import Ridge
from cblcast.estimators.rules.control_group import ClusterControl, NearestControl, SyntheticControl
from cblcast.forecast.forecaster import Forecaster, truth
from cblcast.frames.cases import View
from cblcast.frames.events import check_events
from cblcast.frames.panel import Panel
from cblcast.frames.schema import DataWarning
from cblcast.programs import load_program
from cblcast.settlement.estimate import estimate

HERE = Path(__file__).parent
RULES = ("caiso_10in10", "caiso_5in10_residential", "elexon_bl01", "pjm_economic", "ercot_mid8of10", "isone_10of10")
DRAWS, COVERAGE = 2000, 0.9
SETTLEMENT = View.settlement()
Judge = Callable[[pd.DataFrame], pd.DataFrame]


class Answers(NamedTuple):
    """What one method says of the events and of their twins: energies of each home and event [kWh]."""

    family: str
    events: pd.DataFrame
    twins: pd.DataFrame


class Truth:
    """The panel as metered and with prices masked, and what each method says of events in it."""

    def __init__(self, panel: Panel, masked: Panel) -> None:
        self.panel, self.masked = panel, masked

    def by_rule(self, name: str, adjusted: bool, events: pd.DataFrame) -> pd.DataFrame:
        table = check_events(events, self.panel)
        rows = estimate(load_program(name), self.masked, table).rows
        rows = rows[rows["scored"].to_numpy(dtype=bool)]
        baseline = rows["predicted_kw" if adjusted else "unadjusted_kw"].to_numpy()
        key = rows.index.to_frame(index=False)[["site_id", "origin"]].rename(columns={"origin": "start"})
        return self._sums(key, baseline, truth(self.panel, rows))

    def by_forecaster(self, forecaster: Forecaster, events: pd.DataFrame) -> pd.DataFrame:
        cases = forecaster.cases(self.masked, check_events(events, self.panel))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            predicted = forecaster.predict(self.masked, cases)["predicted_kw"].to_numpy()
        scored = cases[cases["scored"]]
        key = scored.index.to_frame(index=False)[["site_id", "origin"]].rename(columns={"origin": "start"})
        return self._sums(key, predicted, truth(self.panel, scored))

    def _sums(self, key: pd.DataFrame, baseline: np.ndarray, metered: np.ndarray) -> pd.DataFrame:
        """Energies of each home and event [kWh]; an event with an unknown interval is left out."""
        table = key.assign(baseline_kwh=baseline * self.panel.step_hours, metered_kwh=metered * self.panel.step_hours)
        sums = table.groupby(["site_id", "start"]).agg(lambda own: own.sum(skipna=False))
        return sums.dropna().reset_index()


def learned() -> dict[str, Forecaster]:
    """Ridge and boosting on recent like days, calendar and weather; one boosting also sees the hours before."""
    features = {
        "reference_days": {"days": 10, "temperature": "temp_air_c"},
        "calendar": {},
        "weather": {"columns": ("temp_air_c",)},
        "event_windows": {},
    }
    seen = {**features, "event_windows": {"hours_before": 4}}
    return {
        "Ridge": Forecaster(Ridge(), features, SETTLEMENT, "Ridge"),
        "Boosting": Forecaster(Boosting(), features, SETTLEMENT, "Boosting"),
        "Boosting, hours before": Forecaster(Boosting(), seen, SETTLEMENT, "Boosting"),
    }


def controls() -> dict[str, Forecaster]:
    """Homes on the standard tariff."""
    return {
        name: Forecaster(rule, {}, SETTLEMENT, name)
        for name, rule in (
            ("ClusterControl", ClusterControl()),
            ("NearestControl", NearestControl()),
            ("SyntheticControl", SyntheticControl()),
        )
    }


def response(table: pd.DataFrame) -> float:
    """Energy not drawn, over the baseline [%]."""
    return float(100 * (1 - table["metered_kwh"].sum() / table["baseline_kwh"].sum()))


def interval(real: pd.DataFrame, placebo: pd.DataFrame, homes_too: bool) -> dict[str, tuple[float, float]]:
    """Bootstrap over events (with their twins), and over homes too: claimed, on twins, and the difference [%]."""
    rng = np.random.default_rng(SEED)
    events, homes = np.sort(real["start"].unique()), np.sort(real["site_id"].unique())
    grids = []
    for table, key in ((real, "start"), (placebo, "event_start")):
        for column in ("baseline_kwh", "metered_kwh"):
            grid = table.pivot_table(index=key, columns="site_id", values=column, aggfunc="sum")
            grids.append(grid.reindex(index=events, columns=homes).fillna(0.0).to_numpy())
    draws = []
    for _ in range(DRAWS):
        pick = np.bincount(rng.integers(0, len(events), len(events)), minlength=len(events)).astype(float)
        weigh = (
            np.bincount(rng.integers(0, len(homes), len(homes)), minlength=len(homes)).astype(float)
            if homes_too
            else np.ones(len(homes))
        )
        b1, m1, b0, m0 = (pick @ grid @ weigh for grid in grids)
        draws.append((100 * (1 - m1 / b1), 100 * (1 - m0 / b0), 100 * (1 - (m1 / b1) / (m0 / b0))))
    tails = 100 * np.array([(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    low_high = np.percentile(np.array(draws), tails, axis=0)
    return dict(zip(("claimed", "on_twins", "corrected"), map(tuple, low_high.T), strict=True))


def twin_control(trial: Trial) -> pd.DataFrame:
    """Difference in differences as a baseline: a home's own load on the twins, times what the standard homes drew more.

    Returns energies of each home and event [kWh].
    """
    wide = trial.panel.data["observed_kw"].unstack("site_id")
    control = wide[trial.others].mean(axis=1)
    homes = trial.homes

    def mean(frame: pd.DataFrame | pd.Series, run: pd.Series) -> np.ndarray:
        rows = frame.loc[run["start"] : run["stop"] - pd.Timedelta("1us")]
        return np.asarray(rows.mean() if isinstance(rows, pd.Series) else rows.mean(skipna=False).to_numpy())

    rows = []
    for number, own in trial.pairs.groupby("event"):
        run = trial.high.loc[number]
        hours = (run["stop"] - run["start"]).total_seconds() / 3600
        usual = np.mean([mean(wide[homes], twin) for _, twin in own.iterrows()], axis=0)
        grown = mean(control, run) / np.mean([mean(control, twin) for _, twin in own.iterrows()])
        rows.append(
            pd.DataFrame(
                {
                    "site_id": homes,
                    "start": run["start"],
                    "baseline_kwh": usual * grown * hours,
                    "metered_kwh": mean(wide[homes], run) * hours,
                }
            )
        )
    return pd.concat(rows, ignore_index=True).dropna()


def on_all_twins(trial: Trial, judge: Judge) -> pd.DataFrame:
    """What a method says of every twin, once for each event it belongs to (column ``event_start``)."""
    twin_runs = trial.pairs.drop_duplicates("twin").set_index("twin").sort_index()[["start", "stop"]]
    found = []
    for group in batches(twin_runs):
        told = judge(at_homes(group, trial.homes))
        found.append(told.merge(group[["start"]].reset_index(names="twin"), on="start"))
    whole = pd.concat(found).merge(trial.pairs[["event", "twin"]], on="twin")
    return whole.assign(event_start=pd.DatetimeIndex(trial.high["start"]).take(whole["event"]))


def answers_of(trial: Trial) -> dict[str, Answers]:
    """What every method says of the events and of their twins."""
    truth_of, real = Truth(trial.panel, trial.masked), at_homes(trial.high, trial.homes)
    asked: dict[str, tuple[str, Judge]] = {name: ("rule", partial(truth_of.by_rule, name, True)) for name in RULES}
    asked["caiso_10in10, not adjusted"] = ("rule", partial(truth_of.by_rule, "caiso_10in10", False))
    for name, forecaster in learned().items():
        forecaster.fit(trial.masked, forecaster.cases(trial.masked, check_events(trial.train, trial.panel)))
        asked[name] = ("learned", partial(truth_of.by_forecaster, forecaster))
    for name, forecaster in controls().items():
        forecaster.estimator.fit(pd.DataFrame(), np.zeros(0))
        asked[name] = ("control group", partial(truth_of.by_forecaster, forecaster))
    return {name: Answers(family, judge(real), on_all_twins(trial, judge)) for name, (family, judge) in asked.items()}


def kept(own: pd.DataFrame, common: set[tuple[str, pd.Timestamp]], start: str) -> pd.DataFrame:
    """Rows of the home-events in `common`."""
    return own[[pair in common for pair in zip(own["site_id"], own[start], strict=True)]]


def compared(answers: dict[str, Answers], common: set[tuple[str, pd.Timestamp]]) -> pd.DataFrame:
    """Claimed, claimed on twins and corrected response of each method, over `common` home-events."""
    rows = []
    for method, own in answers.items():
        on_events, on_twins = kept(own.events, common, "start"), kept(own.twins, common, "event_start")
        spread, wide = (interval(on_events, on_twins, both) for both in (False, True))
        error = on_twins["baseline_kwh"] - on_twins["metered_kwh"]
        left = [each["metered_kwh"].sum() / each["baseline_kwh"].sum() for each in (on_events, on_twins)]
        rows.append(
            {
                "method": method,
                "family": own.family,
                "n_own": len(own.events),
                "claimed_own": response(own.events),
                "claimed": response(on_events),
                "on_twins": response(on_twins),
                "corrected": float(100 * (1 - left[0] / left[1])),
                **{f"{key}_interval": tuple(map(float, value)) for key, value in spread.items()},
                "corrected_interval_homes_too": tuple(map(float, wide["corrected"])),
                "rrmse_pct": float(100 * np.sqrt((error**2).mean()) / on_twins["metered_kwh"].mean()),
            }
        )
    return pd.DataFrame(rows)


def pair(ends: tuple[float, float]) -> list[float]:
    return [round(float(end), 2) for end in ends]


def claims_of(table: pd.DataFrame, told: dict[str, Any]) -> list[Record]:
    """Whether each method's interval holds the difference in differences."""
    return [
        claim(
            f"response by {row['method']} ({row['family']}), less what it claims on twin days: its 90 % interval over "
            "events holds the difference in differences",
            "project target",
            row["corrected"],
            "%",
            inside_limits(round(told["estimate"], 2), pair(row["corrected_interval"])),
            interval_90_homes_too=pair(row["corrected_interval_homes_too"]),
            claimed_pct=round(row["claimed"], 2),
            claimed_interval_90=pair(row["claimed_interval"]),
            claimed_on_twin_days_pct=round(row["on_twins"], 2),
            home_event_rrmse_pct=round(row["rrmse_pct"], 1),
            own_home_events=row["n_own"],
            claimed_on_own_events_pct=round(row["claimed_own"], 2),
        )
        for _, row in table.iterrows()
    ]


def main() -> None:
    trial = read_trial()
    answers = answers_of(trial)
    reference = twin_control(trial)
    # Rules leave events out (too few days, a window that another price fills); all are compared on what all can do.
    everything = (reference, *(own.events for own in answers.values()))
    common = set.intersection(*(set(zip(each["site_id"], each["start"], strict=True)) for each in everything))
    did = kept(reference, common, "start")
    did_ends = [interval(did, did.assign(event_start=did["start"]), both)["claimed"] for both in (False, True)]
    told = {"estimate": response(did), "interval": did_ends[0], "interval_homes_too": did_ends[1]}
    table = compared(answers, common)
    draw_responses(table, told)
    some = ("caiso_10in10", "Boosting, hours before", "SyntheticControl")
    draw_homes({"twin days x control": reference, **{method: answers[method].events for method in some}})
    everyone = response(reference)
    sizes = f"({len(trial.high)} High events, {len(trial.homes)} homes against {len(trial.others)})"
    source = "the whole trial's mean load ratios, High 0.937 over Normal 0.970 (data/README.md): 3.4 %"
    text = f"difference in differences over {len(reference)} home-events {sizes}"
    shared_text = (
        f"difference in differences over the {len(did)} home-events that every method can do; its interval over "
        "homes and events holds the whole trial's 3.4 %"
    )
    limits = inside_limits(3.4, pair(told["interval_homes_too"]))
    results = [
        claim(text, source, everyone, "%", whole_trial_pct=3.4),
        claim(shared_text, "as above", told["estimate"], "%", limits, interval_90=pair(told["interval"])),
        *claims_of(table, told),
    ]
    write(HERE / "results.json", results)
    print(summary(results))
    print(
        table[["method", "n_own", "claimed_own", "claimed", "on_twins", "corrected", "rrmse_pct"]].round(2).to_string()
    )
    print(f"difference in differences: {everyone:.2f} % over all, {told} on {len(did)} common home-events")


if __name__ == "__main__":
    main()
