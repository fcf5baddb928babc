"""Are gaming and honest disturbance detected? Injected cases on real load, so that the truth is known.

    python experiments/integrity/run.py

Twelve bundled Cambridge buildings, 2019, working days 17-20 h local, rule gb_dfs (the adjustment that was gamed in
Britain: the three hours before the start). Writes results.json and detection.png.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/

import numpy as np
import pandas as pd
from claims import asked, at_most, claim, write
from drawn_events import draw

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.frames.events import Window
from cblcast.frames.panel import Panel
from cblcast.integrity import screen, selection_bias, side_by_side
from cblcast.simulate.injected_events import InjectedResponse, Moved, inject

HERE = Path(__file__).parent
RULE, RESPONSE, SEED, EVENTS = "gb_dfs", 0.15, 7, 24
STRENGTHS = (0.1, 0.2, 0.3, 0.5)
# What is done to the load beside the event; the share of the load comes with the strength of the case.
CASES: dict[str, tuple[tuple[Window, int], ...]] = {
    "raised_window": ((Window.before(3), +1),),
    "precooling": ((Window.before(1), +1),),
    "snapback": ((Window.after(2), +1),),
    "shifted_maintenance": ((Window.before(5), -1), (Window.after(5), -1)),
}


def laid(panel: Panel, events: pd.DataFrame, case: tuple[tuple[Window, int], ...], strength: float) -> Panel:
    """The panel with a genuine response in every event, and the case around it."""
    beside = tuple(Moved(window, sign * strength) for window, sign in case)
    return inject(panel, events, InjectedResponse(RESPONSE, beside=beside)).panel


def drawn(events: pd.DataFrame, seed: int, count: int) -> pd.DataFrame:
    """Event days, of which customers learn three hours before the start."""
    table = draw(events, seed, count)
    return table.assign(notified=table["start"] - pd.Timedelta(hours=3))


def rates(panel: Panel, events: pd.DataFrame) -> pd.Series:
    """Share of events flagged by each detector [%]."""
    told = screen(panel, events, RULE)
    return 100 * told[told["p"].notna()].groupby("detector")["flagged"].mean()


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


def plot(table: pd.DataFrame, alarms: pd.Series) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.8), layout="constrained", dpi=110)
    axes = figure.subplots()
    for case, own in table.groupby("case", sort=False):
        axes.plot([0, *(100 * own["strength"])], [alarms[case], *own["rate"]], marker="o", label=case.replace("_", " "))
    axes.axhline(5, color="#999999", linewidth=0.8, linestyle="--")
    axes.set_xlabel("size of the case, % of the load (0: honest days)")
    axes.set_ylabel("events flagged, %")
    axes.set_ylim(0, 100)
    axes.legend(frameon=False)
    figure.savefig(HERE / "detection.png")


def main() -> None:
    panel = datasets.load("cambridge_sme")
    days = placebo_events(panel, "17:00", "20:00", first="2019-01-07", last="2019-12-13")
    events = drawn(days, SEED, EVENTS)
    honest = laid(panel, events, (), 0.0)
    alarms = rates(honest, events)
    rows, results = [], []
    for detector, rate in alarms.items():
        text = f"false alarms of {detector} on {len(events)} honest events with a {100 * RESPONSE:g} % response"
        results.append(claim(text, "project target", rate, "%", at_most(5.0)))
    for case, pieces in CASES.items():
        for strength in STRENGTHS:
            rate = rates(laid(panel, events, pieces, strength), events)[case]
            rows.append({"case": case, "strength": strength, "rate": float(rate)})
            text = f"{case} of {100 * strength:g} % detected at a nominal 5 % false alarms"
            results.append(claim(text, "project target", rate, "%", digits=1))
    table = pd.DataFrame(rows)
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
    plot(table, alarms)
    write(HERE / "results.json", results)
    for row in results:
        print(f"{row['measured']:8} {row['unit']}  ({asked(row) or 'reported'})  {row['claim']}")


def true_response(panel: Panel, events: pd.DataFrame) -> float:
    """Energy that the injected response took out of the load [kWh]."""
    told = inject(panel, events, InjectedResponse(RESPONSE)).events
    hours = (told["stop"] - told["start"]) / pd.Timedelta(hours=1)
    return float((told["shed_kw"] * hours).sum())


if __name__ == "__main__":
    main()
