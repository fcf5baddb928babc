"""From answers to a table: every method on the events that it and cblcast both answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from claims import Record, at_least, below, claim
from exchange import HOURS, VIEWS

from cblcast.errors import DataError
from cblcast.forecast.paired_bootstrap import paired_bootstrap
from cblcast.frames.panel import Panel
from cblcast.metrics import mpe, nrmse

KEY = ["site_id", "origin", "time"]
OURS = "cblcast LearnedBaseline"
PRETRAINED = "cblcast pretrained, adapted"
SOURCE = "project target"
SEEN = {"real_time": "before the event", "settlement": "before and after the event"}


def answers_of(folder: Path, panel: Panel) -> pd.DataFrame:
    """All answers beside the truth: method, view, site_id, origin, time, predicted_kw, observed_kw; whole events alone.

    An event counts for a method where it was metered throughout and the method answered each of its hours.
    """
    said = pd.concat([pd.read_parquet(file) for file in sorted(folder.glob("answers_*.parquet"))], ignore_index=True)
    load = panel.data["observed_kw"].reset_index().astype({"site_id": "str", "observed_kw": "float64"})
    for column in ("origin", "time"):
        said[column] = pd.DatetimeIndex(said[column]).as_unit("us")
    load["time"] = pd.DatetimeIndex(load["time"]).as_unit("us")
    said = said.merge(load, on=["site_id", "time"]).dropna(subset=["predicted_kw", "observed_kw"])
    whole = said.groupby(["method", "view", "site_id", "origin"])["time"].transform("count") == HOURS
    return said[whole]


def mean_errors(rows: pd.DataFrame) -> dict[str, float]:
    """Mean over buildings of nRMSE and MPE [%]."""
    groups = [
        (own["observed_kw"].to_numpy(), own["predicted_kw"].to_numpy()) for _, own in rows.groupby("site_id", sort=True)
    ]
    return {
        "nrmse_pct": float(np.mean([nrmse(*pair) for pair in groups])),
        "mpe_pct": float(np.mean([mpe(*pair) for pair in groups])),
    }


def beside(rows: pd.DataFrame, ours: pd.DataFrame, zones: pd.Series) -> dict[str, float]:
    """A peer and one of ours on their common events: errors, and how far the peer is behind on days drawn anew."""
    both = rows.merge(ours[[*KEY, "predicted_kw"]], on=KEY, suffixes=("", "_ours"))
    own = mean_errors(both)["nrmse_pct"]
    other = mean_errors(both.assign(predicted_kw=both["predicted_kw_ours"]))["nrmse_pct"]
    frames = [
        both[[*KEY, "observed_kw"]].assign(
            method=name, fold="test", predicted_kw=both[column], lower_kw=np.nan, upper_kw=np.nan
        )
        for name, column in (("peer", "predicted_kw"), ("ours", "predicted_kw_ours"))
    ]
    try:
        drawn = paired_bootstrap(pd.concat(frames).set_index(KEY), zones, draws=500).table
    except DataError:  # too few days, in a quick look
        low = high = float("nan")
    else:
        # The table says how far the worse of the two lies behind the better one.
        sign = 1.0 if drawn.index[0] == "ours" else -1.0
        worse = drawn.iloc[1]
        low, high = sorted(sign * worse[name] for name in ("behind_low", "behind_high"))
    return {"peer": own, "ours": other, "events": len(both) / HOURS, "behind": own - other, "low": low, "high": high}


def accuracy(said: pd.DataFrame, panel: Panel) -> list[dict[str, Any]]:
    """One row a method and view."""
    zones = panel.sites["tz"].astype("str")
    found = []
    for view in VIEWS:
        own = said[said["view"] == view]
        ours = own[own["method"] == OURS]
        for method, rows in own.groupby("method", sort=False):
            told: dict[str, Any] = {"view": view, "method": str(method), "sites": int(rows["site_id"].nunique())}
            told |= {"events": len(rows) // HOURS} | mean_errors(rows)
            if method != OURS:
                told |= {f"{name}_common": value for name, value in beside(rows, ours, zones).items()}
            found.append(told)
    return sorted(found, key=lambda row: (row["view"], row["nrmse_pct"]))


def costs(folder: Path) -> dict[str, dict[str, Any]]:
    """What each peer took, by its name."""
    return {
        file.stem.removeprefix("cost_"): json.loads(file.read_text(encoding="utf-8"))
        for file in sorted(folder.glob("cost_*.json"))
    }


def claims_of(table: list[dict[str, Any]], cost: dict[str, dict[str, Any]]) -> list[Record]:
    """Better than every peer in both views, and the fits."""
    found = []
    for row in table:
        text = f"{SEEN[row['view']]}: {row['method']}, mean nRMSE of {row['sites']} buildings, {row['events']} events"
        found.append(claim(text, "benchmarks/peers", row["nrmse_pct"], "%", mpe_pct=round(row["mpe_pct"], 2)))
        if row["method"].startswith("cblcast"):
            continue
        text = f"{SEEN[row['view']]}: nRMSE of LearnedBaseline relative to {row['method']}, on the events of both"
        more = {
            "behind_points": round(row["behind_common"], 2),
            "behind_points_95": [round(row["low_common"], 2), round(row["high_common"], 2)],
        }
        ratio = row["ours_common"] / row["peer_common"]
        found.append(claim(text, SOURCE, ratio, "ratio", below(1), 3, **more))
    return found + speed_claims(cost)


def speed_claims(cost: dict[str, dict[str, Any]]) -> list[Record]:
    """Fits in processor seconds, and OpenDSM's over ours."""
    found = []
    for name, told in cost.items():
        for step, seconds in told["seconds"].items():
            found.append(claim(f"{name}: {step}", "benchmarks/peers", seconds, "s of processor time"))
        if told["fits"]:
            text = f"{name}: median of {len(told['fits'])} fits after the first"
            later = float(np.median(told["fits"][1:] or told["fits"]))
            first = round(told["fits"][0], 2)
            found.append(claim(text, "benchmarks/peers", later, "s of processor time", None, 3, first_fit_s=first))
    if {"opendsm", "cblcast"} <= set(cost):
        theirs, own = (
            float(np.median(cost[name]["fits"][1:] or cost[name]["fits"])) for name in ("opendsm", "cblcast")
        )
        text = "a fit of OpenDSM's hourly model over one of its like here (time of week and temperature), features included"
        found.append(claim(text, SOURCE, theirs / own, "times", at_least(20), 1, opendsm_s=theirs, cblcast_s=own))
        learned = cost["cblcast"]["seconds"]["LearnedBaseline fit, real_time"] / cost["cblcast"]["notes"]["buildings"]
        text = "a fit of OpenDSM's hourly model over LearnedBaseline, features included, a building"
        found.append(claim(text, "benchmarks/peers", theirs / learned, "times", None, 2))
    return found


def as_markdown(table: list[dict[str, Any]], cost: dict[str, dict[str, Any]], refused: dict[str, str]) -> str:
    """The table that ``table.md`` holds."""
    lines: list[str] = []
    for view in VIEWS:
        lines += [
            f"\n## {SEEN[view].capitalize()}\n",
            "| method | buildings | events | nRMSE % | MPE % | LearnedBaseline on the same events | behind it, points (95 %) |",
            "|---|---|---|---|---|---|---|",
        ]
        for row in (row for row in table if row["view"] == view):
            name = f"**{row['method']}**" if row["method"].startswith("cblcast") else row["method"]
            cells = [name, row["sites"], row["events"], f"{row['nrmse_pct']:.2f}", f"{row['mpe_pct']:+.2f}"]
            if "ours_common" in row:
                limits = f"{row['low_common']:+.2f} to {row['high_common']:+.2f}"
                cells += [f"{row['ours_common']:.2f}", f"{row['behind_common']:+.2f} ({limits})"]
            else:
                cells += ["–", "–"]
            lines.append("| " + " | ".join(map(str, cells)) + " |")
    lines += [
        "\n## Processor seconds, one thread\n",
        "| | import | first fit | later fits, median | predict | versions |",
        "|---|---|---|---|---|---|",
    ]
    for name, told in cost.items():
        fits, seconds = told["fits"], told["seconds"]
        predict = sum(value for step, value in seconds.items() if "predict" in step)
        versions = ", ".join(f"{package} {version}" for package, version in told["versions"].items())
        first, later = (f"{fits[0]:.2f}", f"{np.median(fits[1:] or fits):.3f}") if fits else ("–", "–")
        lines.append(
            f"| {name} | {seconds['import']:.1f} | {first} | {later} | {predict:.1f} | Python {told['python']}, {versions} |"
        )
    said = {f"{name}, {site}": why for name, told in cost.items() for site, why in told["refused"].items()}
    for what, why in (refused | said).items():
        lines.append(f"\n- not run: **{what}**: {why}")
    return "\n".join(lines) + "\n"
