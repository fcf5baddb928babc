"""Are gaming and honest disturbance detected? Injected cases on real load, so that the truth is known.

    python experiments/integrity/run.py

Twelve bundled Cambridge buildings, 2019, working days 17-20 h local, rule gb_dfs (the adjustment that was gamed in
Britain: the three hours before the start). Writes results.json, detection.png
and the table of README.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/

import numpy as np
import pandas as pd
from claims import at_least, at_most, claim, summary, write
from drawn_events import draw

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.frames.events import Window
from cblcast.frames.panel import Panel
from cblcast.integrity import detectors, over_events, screen, selection_bias, side_by_side
from cblcast.simulate.injected_events import InjectedResponse, Moved, inject

HERE = Path(__file__).parent
RULE, OTHER_RULE, RESPONSE, SEED, EVENTS = "gb_dfs", "caiso_10in10", 0.15, 7, 12
STRENGTHS = (0.1, 0.15, 0.2, 0.3, 0.5)
FEWER = (0.15, 0.3)
HONEST_DRAWS = 4
SUMMERS = (2018, 2019)
# What is done to the load beside the event; the share of the load comes with the strength of the case.
CASES: dict[str, tuple[tuple[Window, int], ...]] = {
    "raised_window": ((Window.before(3), +1),),
    "early_ramp": ((Window.before(9), +1),),  # from 08:00 on
    "precooling": ((Window.before(1), +1),),
    "snapback": ((Window.after(2), +1),),
    "shifted_maintenance": ((Window.before(5), -1), (Window.after(5), -1)),
}
BEFORE = ("raised_window", "shifted_maintenance", "low_anyway", "snapback", "precooling")  # the detectors there were


def laid(panel: Panel, events: pd.DataFrame, case: tuple[tuple[Window, int], ...], strength: float) -> Panel:
    """The panel with a genuine response in every event, and the case around it."""
    beside = tuple(Moved(window, sign * strength) for window, sign in case)
    return inject(panel, events, InjectedResponse(RESPONSE, beside=beside)).panel


def drawn(events: pd.DataFrame, seed: int, count: int) -> pd.DataFrame:
    """Event days, of which customers learn three hours before the start."""
    table = draw(events, seed, count)
    return table.assign(notified=table["start"] - pd.Timedelta(hours=3))


def by_event(told: pd.DataFrame, flag: str) -> float:
    """Share of events with a flag of any detector [%]."""
    return float(100 * told.groupby(["site_id", "start"])[flag].any().mean())


def before(panel: Panel, events: pd.DataFrame, rule: str) -> pd.DataFrame:
    """As it was: five detectors, each at 5 % by itself, nothing taken out of a score."""
    known = dict(detectors.GIVEN)
    try:
        detectors.GIVEN.update(dict.fromkeys(known, ()))
        told = screen(panel, events, rule, detectors=BEFORE, days_around=120)
    finally:
        detectors.GIVEN.update(known)
    return told.assign(flagged=told["p"] <= 0.05)


def found(panel: Panel, events: pd.DataFrame, rule: str, case: str = "") -> dict[str, float]:
    """Shares flagged [%]: events before and now, and sites over their events now."""
    old, now = before(panel, events, rule), screen(panel, events, rule)
    sites = over_events(panel, events, rule)
    own = old[old["detector"] == case]["flagged"].mean() if case in BEFORE else np.nan
    return {
        "before_own_pct": float(100 * own),
        "before_any_pct": by_event(old, "flagged"),
        "now_any_pct": by_event(now, "flagged"),
        "now_sites_pct": float(100 * sites.groupby("site_id")["flagged"].any().mean()),
    }


def chosen_low(panel: Panel, events: pd.DataFrame, count: int) -> pd.DataFrame:
    """Each site's days with the least load in the event hours relative to the last four like days: low anyway."""
    load = panel.values_at(
        "observed_kw",
        panel.site_codes(pd.Index(events["site_id"])),
        pd.DatetimeIndex(events["start"]).as_unit("us").asi8,
    )
    usual = pd.Series(load).groupby(events["site_id"].to_numpy()).transform(lambda own: own.rolling(4).mean().shift(1))
    ratio = pd.Series(load) / usual
    return events[ratio.groupby(events["site_id"].to_numpy()).rank(method="first").le(count).to_numpy()].reset_index(
        drop=True
    )


def selected_share(panel: Panel, pick: Callable[[int], pd.DataFrame], draws: int) -> float:
    """Share of sites whose event days are told to be chosen low (p <= 5 %) [%]."""
    found = [selection_bias(panel, pick(seed), RULE, draws=500)["p"] <= 0.05 for seed in range(draws)]
    return float(100 * np.mean(np.concatenate(found)))


def claimed(panel: Panel, events: pd.DataFrame, truth_kwh: float) -> dict[str, float]:
    """Delivered energy over the true response, by each way to adjust [%]."""
    told = side_by_side(panel, events, RULE)
    return {
        way: float(100 * told[way].sum() / truth_kwh)
        for way in ("delivered_kwh", "unadjusted_kwh", "until_notification_kwh")
    }


def plot(table: pd.DataFrame) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.8), layout="constrained", dpi=110)
    left, right = figure.subplots(1, 2, sharey=True)
    for case, own in table[table["rule"] == RULE].groupby("case", sort=False):
        if case == "honest":
            continue
        for axes, column in ((left, "now_any_pct"), (right, "now_sites_pct")):
            axes.plot(100 * own["strength"], own[column], marker="o", label=str(case).replace("_", " "))
    for axes, title in ((left, "events flagged, %"), (right, f"sites flagged after {EVENTS} events, %")):
        axes.axhline(5, color="#999999", linewidth=0.8, linestyle="--")
        axes.set_xlabel("size of the case, % of the load")
        axes.set_title(title, fontsize=10)
        axes.set_ylim(0, 102)
    right.legend(frameon=False)
    figure.savefig(HERE / "detection.png")


def honest_rows(panel: Panel, days: pd.DataFrame) -> list[dict[str, object]]:
    """False alarms: several draws of days for both rules, and each site's hottest days."""
    rows: list[dict[str, object]] = []
    summers = [
        placebo_events(panel, "17:00", "20:00", first=f"{y}-05-01", last=f"{y}-09-30", like="hottest", count=EVENTS)
        for y in SUMMERS
    ]
    for rule in (RULE, OTHER_RULE):
        draws = [drawn(days, SEED + k, EVENTS) for k in range(HONEST_DRAWS)]
        told = [found(laid(panel, each, (), 0.0), each, rule) for each in draws]
        rows.append({"rule": rule, "case": "honest", "days": "random", **pd.DataFrame(told).mean().to_dict()})
        for year, hot in zip(SUMMERS, summers, strict=True):
            told_hot = found(laid(panel, hot, (), 0.0), hot, rule)
            rows.append({"rule": rule, "case": "honest", "days": f"the hottest of {year}", **told_hot})
    return rows


def gamed_rows(panel: Panel, events: pd.DataFrame) -> list[dict[str, object]]:
    """Detection of every case by size; of the other rule those of its window and the early ramp."""
    main = ("raised_window", "early_ramp")
    jobs = [(RULE, case, strength) for case in CASES for strength in (STRENGTHS if case in main else FEWER)]
    jobs += [(OTHER_RULE, case, strength) for case in main for strength in FEWER]
    pieces = {(OTHER_RULE, "raised_window"): ((Window.before(3, buffer=1), +1),)}
    return [
        {
            "rule": rule,
            "case": case,
            "strength": strength,
            **found(laid(panel, events, pieces.get((rule, case), CASES[case]), strength), events, rule, case),
        }
        for rule, case, strength in jobs
    ]


def claims_of(table: pd.DataFrame) -> list[dict[str, object]]:
    results = []
    for row in table.to_dict("records"):
        more = {name: round(row[name], 1) for name in ("before_own_pct", "before_any_pct") if np.isfinite(row[name])}
        if row["case"] == "honest":
            text = f"{row['rule']}: honest events on {row['days']} days that carry a flag of any detector"
            sites = f"{row['rule']}: honest sites flagged over {EVENTS} events on {row['days']} days"
            bound = at_most(5.0)
            results += [
                claim(text, "project target", row["now_any_pct"], "%", bound, digits=1, **more),
                claim(sites, "project target", row["now_sites_pct"], "%", bound, digits=1),
            ]
            continue
        what = f"{row['rule']}: {row['case']} of {100 * row['strength']:g} %"
        sure = row["case"] in ("raised_window", "early_ramp") and row["strength"] >= 0.3
        results += [
            claim(f"{what}: events flagged", "project target", row["now_any_pct"], "%", digits=1, **more),
            claim(
                f"{what}: sites flagged over {EVENTS} gamed events", "project target", row["now_sites_pct"], "%",
                at_least(100.0) if sure else None, digits=1,
            ),
        ]  # fmt: skip
    return results


def main() -> None:
    panel = datasets.load("cambridge_sme")
    days = placebo_events(panel, "17:00", "20:00", first="2019-01-07", last="2019-12-13")
    events = drawn(days, SEED, EVENTS)
    table = pd.DataFrame(honest_rows(panel, days) + gamed_rows(panel, events))
    results = claims_of(table)
    low = chosen_low(panel, days, 12)
    text = "sites told to have chosen low days"
    by_chance = selected_share(panel, lambda seed: drawn(days, 100 + seed, 12), 5)
    by_choice = selected_share(panel, lambda seed: low, 1)
    results += [
        claim(f"{text}, days drawn at random (false alarms)", "project target", by_chance, "%", at_most(5.0), digits=1),
        claim(f"{text}, the 12 lowest of the year in the event hours", "project target", by_choice, "%", digits=1),
    ]
    truth = true_response(panel, events)
    for label, case in (("honest", ()), ("30 % raised from the notification, 3 h before", CASES["raised_window"])):
        for way, share in claimed(laid(panel, events, case, 0.3), events, truth).items():
            text = f"claimed over true response, {label}, {way.removesuffix('_kwh')}"
            results.append(claim(text, "project target", share, "%", digits=1, unbiased_pct=100.0))
    plot(table)
    write(HERE / "results.json", results)
    _write_table(table)
    print(summary(results))


def _write_table(table: pd.DataFrame) -> None:
    readme = HERE / "README.md"
    text = readme.read_text(encoding="utf-8").split("<!-- table -->")[0]
    lines = [
        "| rule | case | size | before: its detector alone | before: any flag | now: any flag of an event | now: site, over "
        f"{EVENTS} events |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in table.to_dict("records"):
        size = row["days"] if row["case"] == "honest" else f"{100 * row['strength']:g} %"
        cells = [row[name] for name in ("before_own_pct", "before_any_pct", "now_any_pct", "now_sites_pct")]
        shown = " | ".join("" if np.isnan(cell) else f"{cell:.0f} %" for cell in cells)
        lines.append(f"| {row['rule']} | {row['case'].replace('_', ' ')} | {size} | {shown} |")
    readme.write_text(text + "<!-- table -->\n\n" + "\n".join(lines) + "\n", encoding="utf-8")


def true_response(panel: Panel, events: pd.DataFrame) -> float:
    """Energy that the injected response took out of the load [kWh]."""
    code = panel.site_codes(pd.Index(events["site_id"]))
    start = pd.DatetimeIndex(events["start"]).as_unit("us").asi8
    grid = start[:, None] + np.arange(3) * 3_600_000_000
    return float(RESPONSE * panel.values_at("observed_kw", code[:, None], grid).sum())


if __name__ == "__main__":
    main()
