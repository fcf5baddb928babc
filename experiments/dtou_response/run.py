"""How much did London homes respond to high prices? Rules, learned baselines and matched homes on real events.

    CBLCAST_DATA_DIR=... python experiments/dtou_response/run.py

Low Carbon London, 2013, half-hourly: every run of the High price is an event of the homes on the dynamic tariff; homes
on the standard tariff are the control group. Writes results.json, response.png and by_home.png.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/

import numpy as np
import pandas as pd
from claims import claim, inside_limits, summary, write

from cblcast import datasets
from cblcast.cases import View
from cblcast.estimators.boosting import Boosting
from cblcast.estimators.control_group import ClusterControl, NearestControl, SyntheticControl
from cblcast.estimators.regression import Ridge
from cblcast.events import check_events
from cblcast.forecaster import Forecaster, truth
from cblcast.panel import Panel
from cblcast.programs import load_program
from cblcast.schema import DataWarning
from cblcast.settle.estimate import estimate

HERE = Path(__file__).parent
RULES = ("caiso_10in10", "caiso_5in10_residential", "elexon_bl01", "pjm_economic", "ercot_mid8of10", "isone_10of10")
DRAWS, SEED, COVERAGE = 2000, 11, 0.9
SETTLEMENT = View.settlement()


def price_runs(path: Path) -> pd.DataFrame:
    """Runs of one price: ``tariff``, ``start``, ``stop`` (UTC)."""
    prices = pd.read_csv(path)
    time = pd.DatetimeIndex(pd.to_datetime(prices["timestamp_gmt"], utc=True)).as_unit("us")
    run = (prices["tariff"] != prices["tariff"].shift()).cumsum()
    runs = (
        pd.DataFrame({"tariff": prices["tariff"], "time": time})
        .groupby(run)
        .agg(tariff=("tariff", "first"), start=("time", "first"), last=("time", "last"))
    )
    return runs.assign(stop=runs["last"] + pd.Timedelta("30min")).drop(columns="last").reset_index(drop=True)


def at_homes(runs: pd.DataFrame, homes: pd.Index) -> pd.DataFrame:
    """The same runs at every home."""
    return runs[["start", "stop"]].merge(pd.Series(homes, name="site_id"), how="cross")[["site_id", "start", "stop"]]


def normal_days(runs: pd.DataFrame) -> pd.DatetimeIndex:
    """Local days of 2013 without a High or a Low price."""
    changed = runs[runs["tariff"] != "Normal"]
    taken = set()
    for edge, shift in (("start", pd.Timedelta(0)), ("stop", pd.Timedelta("1us"))):
        taken |= set((changed[edge] - shift).dt.tz_convert("Europe/London").dt.date)
    return pd.DatetimeIndex([day for day in pd.date_range("2013-01-01", "2013-12-31") if day.date() not in taken])


def same_hours(run: pd.Series, day: pd.Timestamp) -> dict[str, pd.Timestamp]:
    """The run's wall clock on another day."""
    start, stop = (run[edge].tz_convert("Europe/London").tz_localize(None) for edge in ("start", "stop"))
    shift = day - start.normalize()
    return {
        edge: (at + shift).tz_localize("Europe/London", ambiguous=True, nonexistent="shift_forward").tz_convert("UTC")
        for edge, at in (("start", start), ("stop", stop))
    }


def twins(high: pd.DataFrame, days: pd.DatetimeIndex, count: int) -> pd.DataFrame:
    """For each event its hours on the `count` nearest of `days` of the same kind (working or not): nothing happened."""
    rows = []
    for number, run in high.iterrows():
        day = run["start"].tz_convert("Europe/London").tz_localize(None).normalize()
        alike = days[(days.day_of_week < 5) == (day.day_of_week < 5)]
        for twin in alike[np.argsort(np.abs((alike - day).days), kind="stable")[:count]]:
            rows.append({"event": number, **same_hours(run, twin)})
    found = pd.DataFrame(rows)
    for edge in ("start", "stop"):
        found[edge] = pd.DatetimeIndex(found[edge]).as_unit("us")
    return found


def batches(runs: pd.DataFrame) -> list[pd.DataFrame]:
    """Runs in groups that do not overlap, so that each group is one table of events."""
    groups: list[list[int]] = []
    ends: list[pd.Timestamp] = []
    for number, run in runs.sort_values(["start", "stop"]).iterrows():
        place = next((k for k, end in enumerate(ends) if end <= run["start"]), len(groups))
        if place == len(groups):
            groups.append([])
            ends.append(run["stop"])
        groups[place].append(number)
        ends[place] = run["stop"]
    return [runs.loc[group] for group in groups]


class Truth:
    """The panel as metered and with prices masked, and what each method says of events in it."""

    def __init__(self, panel: Panel, masked: Panel) -> None:
        self.panel, self.masked = panel, masked

    def by_rule(self, name: str, adjusted: bool, events: pd.DataFrame) -> pd.DataFrame:
        table = check_events(events, self.panel)
        rows = estimate(load_program(name), self.masked, table).rows
        rows = rows[rows["scored"].to_numpy(dtype=bool)]
        site, time = rows["site"].to_numpy(dtype=np.int64), rows["time_us"].to_numpy(dtype=np.int64)
        baseline = rows["baseline_kw" if adjusted else "unadjusted_kw"].to_numpy()
        key = table.iloc[rows["event"].to_numpy(dtype=np.int64)][["site_id", "start"]].reset_index(drop=True)
        return self._sums(key, baseline, self.panel.values_at("observed_kw", site, time))

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


def twin_control(
    panel: Panel, homes: pd.Index, others: pd.Index, high: pd.DataFrame, pairs: pd.DataFrame
) -> pd.DataFrame:
    """Difference in differences as a baseline: a home's own load on the twins, times what the standard homes drew more.

    Returns energies of each home and event [kWh].
    """
    wide = panel.data["observed_kw"].unstack("site_id")
    control = wide[others].mean(axis=1)

    def mean(frame: pd.DataFrame | pd.Series, run: pd.Series) -> np.ndarray:
        rows = frame.loc[run["start"] : run["stop"] - pd.Timedelta("1us")]
        return np.asarray(rows.mean() if isinstance(rows, pd.Series) else rows.mean(skipna=False).to_numpy())

    rows = []
    for number, own in pairs.groupby("event"):
        run = high.loc[number]
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


def plot(table: pd.DataFrame, reference: dict[str, object]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.2, 0.42 * len(table) + 1.6), layout="constrained", dpi=110)
    axes = figure.subplots()
    low, high = reference["interval"]  # type: ignore[misc]
    axes.axvspan(low, high, color="#f1e3c6", zorder=0)
    axes.axvline(reference["estimate"], color="#c4903c", label="difference in differences, 90 %")
    place = np.arange(len(table))[::-1]
    marks = (
        ("claimed", "#333333", 0.15, "claimed"),
        ("corrected", "#2a6fbb", -0.15, "less what is claimed on twin days"),
    )
    for column, color, shift, label in marks:
        centre = table[column].to_numpy()
        ends = np.array(table[f"{column}_interval"].tolist())
        axes.errorbar(
            centre,
            place + shift,
            xerr=[centre - ends[:, 0], ends[:, 1] - centre],
            fmt="o",
            color=color,
            markersize=4,
            capsize=2,
            label=label,
        )
    axes.scatter(
        table["on_twins"],
        place,
        marker="x",
        color="#c44e52",
        s=24,
        zorder=3,
        label="claimed on days on which nothing happened",
    )
    axes.set_yticks(place, table["method"])
    axes.axvline(0, color="#999999", linewidth=0.8)
    axes.set_xlabel("response, % of the baseline (> 0: less drawn)")
    axes.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.4, -0.12), ncols=2)
    figure.savefig(HERE / "response.png")


def plot_homes(real: dict[str, pd.DataFrame]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.2, 3.6), layout="constrained", dpi=110)
    axes = figure.subplots()
    homes = sorted(next(iter(real.values()))["site_id"].unique())
    for number, (method, table) in enumerate(real.items()):
        share = table.groupby("site_id")[["baseline_kwh", "metered_kwh"]].sum()
        value = 100 * (1 - share["metered_kwh"] / share["baseline_kwh"]).reindex(homes)
        axes.plot(np.arange(len(homes)) + 0.18 * (number - 1), value, "o", markersize=5, label=method)
    axes.axhline(0, color="#999999", linewidth=0.8)
    axes.set_xticks(np.arange(len(homes)), [home[-3:] for home in homes])
    axes.set_xlabel("home on the dynamic tariff (last digits)")
    axes.set_ylabel("response over all events, %")
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(HERE / "by_home.png")


def main() -> None:
    panel = datasets.load("lcl_homes")
    folder = Path(os.environ[datasets.ENVIRONMENT_VARIABLE])  # named, or the homes could not have been loaded
    sites = panel.sites.assign(group=np.where(panel.sites["tariff_group"] == "ToU", "treated", "control"))
    panel = Panel(panel.data, sites)
    homes, others = (sites.index[sites["group"] == kind] for kind in ("treated", "control"))
    runs = price_runs(folder / "load" / "lcl_dtou_tariff_30min_2013.csv.gz")
    # Two months of history come first, so that every method sees the same events.
    high = runs[(runs["tariff"] == "High") & (runs["start"] >= "2013-03-01")].reset_index(drop=True)
    masked = panel.with_events(at_homes(runs[runs["tariff"] != "Normal"], homes))
    days = normal_days(runs)
    days = days[days >= "2013-03-01"]
    to_judge, to_train = days[::2], days[1::2]
    pairs = twins(high, to_judge, 3).drop_duplicates(["event", "start"])
    truth_of = Truth(panel, masked)
    real = at_homes(high, homes)
    twin_runs = pairs[["start", "stop"]].drop_duplicates(ignore_index=True)
    pairs = pairs.merge(twin_runs.reset_index(names="twin"), on=["start", "stop"])

    def on_all_twins(judge: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
        """What a method says of every twin, once for each event it belongs to (column ``event_start``)."""
        found = []
        for group in batches(twin_runs):
            told = judge(at_homes(group, homes))
            found.append(told.merge(group[["start"]].reset_index(names="twin"), on="start"))
        whole = pd.concat(found).merge(pairs[["event", "twin"]], on="twin")
        return whole.assign(event_start=high["start"].to_numpy()[whole["event"]]).assign(
            event_start=lambda own: (
                pd.DatetimeIndex(own["event_start"]).tz_localize("UTC")
                if pd.DatetimeIndex(own["event_start"]).tz is None
                else own["event_start"]
            )
        )

    rng = np.random.default_rng(SEED)
    train_runs = pd.DataFrame([same_hours(high.iloc[rng.integers(len(high))], day) for day in to_train])
    for edge in ("start", "stop"):
        train_runs[edge] = pd.DatetimeIndex(train_runs[edge]).as_unit("us")
    train = at_homes(batches(train_runs[train_runs["stop"] <= "2014-01-01"])[0], panel.site_ids)

    answers: dict[str, tuple[str, pd.DataFrame, pd.DataFrame]] = {}

    def ask(method: str, family: str, judge: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
        answers[method] = (family, judge(real), on_all_twins(judge))

    for name in RULES:
        ask(name, "rule", partial(truth_of.by_rule, name, True))
    ask("caiso_10in10, not adjusted", "rule", partial(truth_of.by_rule, "caiso_10in10", False))
    for name, forecaster in learned().items():
        forecaster.fit(masked, forecaster.cases(masked, check_events(train, panel)))
        ask(name, "learned", partial(truth_of.by_forecaster, forecaster))
    for name, forecaster in controls().items():
        forecaster.estimator.fit(pd.DataFrame(), np.zeros(0))
        ask(name, "control group", partial(truth_of.by_forecaster, forecaster))

    reference = twin_control(panel, homes, others, high, pairs)
    # Rules leave events out (too few days, a window that another price fills); all are compared on what all can do.
    pairs_of = [
        set(zip(each["site_id"], each["start"], strict=True)) for each in (reference, *(c[1] for c in answers.values()))
    ]
    common = set.intersection(*pairs_of)

    def shared(own: pd.DataFrame) -> pd.DataFrame:
        return own[[pair in common for pair in zip(own["site_id"], own["start"], strict=True)]]

    def of_shared(own: pd.DataFrame) -> pd.DataFrame:
        return own[[pair in common for pair in zip(own["site_id"], own["event_start"], strict=True)]]

    did = shared(reference)
    did_ends = [interval(did, did.assign(event_start=did["start"]), both)["claimed"] for both in (False, True)]
    told = {"estimate": response(did), "interval": did_ends[0], "interval_homes_too": did_ends[1]}
    rows = []
    for method, (family, whole, every_twin) in answers.items():
        on_events, on_twins = shared(whole), of_shared(every_twin)
        spread, wide = (interval(on_events, on_twins, both) for both in (False, True))
        error = on_twins["baseline_kwh"] - on_twins["metered_kwh"]
        ratio = (
            on_events["metered_kwh"].sum() / on_events["baseline_kwh"].sum(),
            on_twins["metered_kwh"].sum() / on_twins["baseline_kwh"].sum(),
        )
        rows.append(
            {
                "method": method,
                "family": family,
                "n_own": len(whole),
                "claimed_own": response(whole),
                "claimed": response(on_events),
                "on_twins": response(on_twins),
                "corrected": float(100 * (1 - ratio[0] / ratio[1])),
                **{f"{key}_interval": tuple(map(float, value)) for key, value in spread.items()},
                "corrected_interval_homes_too": tuple(map(float, wide["corrected"])),
                "rrmse_pct": float(100 * np.sqrt((error**2).mean()) / on_twins["metered_kwh"].mean()),
            }
        )
    table = pd.DataFrame(rows)
    plot(table, told)
    some = ("caiso_10in10", "Boosting, hours before", "SyntheticControl")
    plot_homes({"twin days x control": reference, **{method: answers[method][1] for method in some}})

    def pair(ends: tuple[float, float]) -> list[float]:
        return [round(float(end), 2) for end in ends]

    everyone = response(reference)
    text = f"({len(high)} High events, {len(homes)} homes against {len(others)})"
    trial = "the whole trial's mean load ratios, High 0.937 over Normal 0.970 (data/README.md): 3.4 %"
    results = [
        claim(
            f"difference in differences over {len(reference)} home-events {text}",
            trial,
            everyone,
            "%",
            whole_trial_pct=3.4,
        ),
        claim(
            f"difference in differences over the {len(did)} home-events that every method can do; its interval over "
            "homes and events holds the whole trial's 3.4 %",
            "as above",
            told["estimate"],
            "%",
            inside_limits(3.4, pair(told["interval_homes_too"])),
            interval_90=pair(told["interval"]),
        ),
    ]
    for row in rows:
        results.append(
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
        )
    write(HERE / "results.json", results)
    print(summary(results))
    print(
        table[["method", "n_own", "claimed_own", "claimed", "on_twins", "corrected", "rrmse_pct"]].round(2).to_string()
    )
    print(f"difference in differences: {everyone:.2f} % over all, {told} on {len(did)} common home-events")


if __name__ == "__main__":
    main()
