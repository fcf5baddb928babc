"""Which adjustment survives what: rules, adjustments and a learned baseline on events whose truth is known.

    python experiments/event_lab/run.py

Writes results.json, survival.csv (every method and case), adjustments.csv (means over the rules) and survival.png.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/

import numpy as np
import pandas as pd
from cases import SEED, WORLDS, modelled, precooling
from claims import Record, above, asked, at_most, below, between, claim, summary, write
from methods import NONE, RULES, Judge

from cblcast.frames.events import NAMED_WINDOWS
from cblcast.simulate.suggested_windows import window_bias

HERE = Path(__file__).parent
SURVIVES = 2.0  # % of the use: what a case may move at any rule (as suggested_windows.BIAS)
ISSUE = "project target"
PAPER = "EEDAL'21, section 3.4 and table 4"
PRECOOLED = "pre-cooled 2 h by 1 K"


def judged() -> pd.DataFrame:
    """One row a method and case."""
    judge, tables = Judge(), []
    for world in WORLDS:
        for case in world():
            tables.append(judge(case))
            print(f"{case.world}, {case.name}: {len(case.events)} events", flush=True)
    table = pd.concat(tables).reset_index()
    parts = table["method"].str.split(" | ", regex=False)
    return table.assign(rule=parts.str[0], adjustment=parts.str[-1])


def means(table: pd.DataFrame) -> pd.DataFrame:
    """Over the rules: mean of what a case moves, the most at any rule, mean bias and nRMSE [% of the use]."""
    groups = table.groupby(["world", "case", "adjustment"], sort=False)
    found = groups[["moved_pct", "bias_pct", "nrmse_pct"]].mean()
    return found.assign(most_moved_pct=groups["moved_pct"].apply(lambda moved: moved.abs().max()))


def survival(found: pd.DataFrame, value: str = "moved_pct") -> pd.DataFrame:
    """Adjustments by cases."""
    wide = found[value].unstack(["world", "case"])
    order = found.reset_index()[["world", "case"]].drop_duplicates()
    names = [
        NONE,
        *(
            f"{m}, {w}"
            for w in (*NAMED_WINDOWS, "suggested before", "suggested after")
            for m in ("ratio", "capped", "additive")
        ),
    ]
    return wide.reindex([*names, *sorted(set(wide.index) - set(names))])[list(map(tuple, order.to_numpy()))]


def plot(found: pd.DataFrame) -> None:
    from matplotlib.figure import Figure

    moved, most = survival(found), survival(found, "most_moved_pct")
    figure = Figure(figsize=(14, 8), layout="constrained", dpi=100)
    axes = figure.subplots()
    axes.imshow(np.clip(np.nan_to_num(most.to_numpy()), 0, 20), cmap="OrRd", vmin=0, vmax=20, aspect="auto")
    for (row, column), value in np.ndenumerate(moved.to_numpy()):
        if np.isfinite(value):
            survives = most.to_numpy()[row, column] <= SURVIVES
            text = f"{value:+.0f}" if abs(value) >= 0.5 else "0"
            axes.text(column, row, text, ha="center", va="center", color="#333333" if survives else "#000000",
                      weight="normal" if survives else "bold", fontsize=8)  # fmt: skip
    axes.set_yticks(range(len(moved)), list(moved.index), fontsize=8)
    axes.set_xticks(
        range(len(moved.columns)),
        [f"{world}: {case}" for world, case in moved.columns],
        rotation=35,
        ha="right",
        fontsize=8,
    )
    axes.set_title(
        f"bias that a case adds, % of the use (mean of {len(RULES)} rules; coloured by the most at any rule)",
        fontsize=10,
    )
    figure.savefig(HERE / "survival.png")


def of(
    found: pd.DataFrame, value: str, adjustment: str, world: str | None = None, case: str | None = None
) -> pd.Series:
    """Values of one adjustment, of all cases or some."""
    rows = found.reset_index()
    use = rows["adjustment"] == adjustment
    for column, wanted in (("world", world), ("case", case)):
        use &= (rows[column] == wanted) | (wanted is None)
    return rows.loc[use, value]


def window_claims() -> list[Record]:
    """What two hours of pre-cooling do to the load in the windows, before any baseline."""
    text = "{} pre-cooled for 2 h by {:g} K: load in the window [{}] over what it would have been"
    records = []
    for kind, name, kelvin, target in (
        ("sme", "simulated shops", 1, between(14, 27)),
        ("sme", "simulated shops", 2, None),
        ("home", "simulated homes by the same model", 1, None),
    ):
        made = modelled(kind, precooling(kelvin), SEED)
        loads = [made.panel.data[column].unstack("site_id") for column in ("observed_kw", "truth_kw")]
        once = made.events.drop_duplicates("start")
        spans = list(zip(*(loads[0].index.get_indexer(once[edge]) for edge in ("start", "stop")), strict=True))

        def bias(window: str, pick: Callable[[pd.DataFrame], pd.Series], loads=loads, spans=spans) -> float:
            with_kw, without_kw = (pick(one).to_numpy() for one in loads)
            return 100 * window_bias(with_kw, without_kw, spans, NAMED_WINDOWS[window], 0.25)

        each = [bias("PBLM", itemgetter(site)) for site in loads[0].columns]
        limits = np.quantile(each, [0.1, 0.9]).round(1).tolist()
        near, far = (bias(window, lambda one: one.sum(axis=1)) for window in ("PBLM", "WS"))
        records += [
            claim(text.format(name, kelvin, "-2, 0"), ISSUE, near, "%", target, digits=1, single_10_to_90_pct=limits),
            claim(text.format(name, kelvin, "-4, -2"), ISSUE, abs(far), "%", at_most(0.5), digits=2),
        ]
    return records


def adjustment_claims(found: pd.DataFrame) -> list[Record]:
    """Bias that a case adds, mean over rules."""

    def moved(text: str, adjustment: str, world: str, case: str, target: object, source: str = PAPER) -> Record:
        value = of(found, "moved_pct", adjustment, world, case).iloc[0]
        name = f"{world}, {case}: bias that {text} takes from the case"
        return claim(name, source, value, "% of the use", target, digits=1)  # type: ignore[arg-type]

    shops, measured, homes = "simulated shops", "Cambridge", "simulated homes"
    return [
        moved("a ratio in PBLM [-2, 0]", "ratio, PBLM", shops, PRECOOLED, between(14, 27), ISSUE),
        moved("a ratio in WS [-4, -2]", "ratio, WS", shops, PRECOOLED, between(-SURVIVES, SURVIVES), ISSUE),
        moved("a ratio in WS [-4, -2]", "ratio, WS", measured, "pre-cooling", between(-SURVIVES, SURVIVES)),
        moved("a ratio in PBLM [-2, 0]", "ratio, PBLM", measured, "pre-cooling", above(SURVIVES)),
        moved("a ratio in WS [-4, -2]", "ratio, WS", measured, "gaming", between(-SURVIVES, SURVIVES)),
        moved("a ratio in BW [+1, +3]", "ratio, BW", measured, "gaming", between(-SURVIVES, SURVIVES)),
        moved("a ratio in BW [+1, +3]", "ratio, BW", measured, "snapback", between(-SURVIVES, SURVIVES)),
        moved("a capped ratio in PBLM", "capped, PBLM", measured, "gaming", between(-SURVIVES, SURVIVES)),
        moved("a ratio in BW [+1, +3]", "ratio, BW", homes, "automatic, shifted", between(-SURVIVES, SURVIVES)),
        moved("the learned baseline", "learned, to the start", measured, "gaming", between(-SURVIVES, SURVIVES), ISSUE),
        moved("the learned baseline, 4 h blind,", "learned, 4 h blind", measured, "gaming", between(-SURVIVES, SURVIVES), ISSUE),
        moved("the learned baseline that sees the hours after", "learned, before and after", measured, "snapback", None, ISSUE),
        moved("an unadjusted rule", NONE, "Fontana homes", "PV", None, ISSUE),
        moved("a ratio in WS", "ratio, WS", "Fontana homes", "PV", None, ISSUE),
        moved("a capped ratio in WS", "capped, WS", "Fontana homes", "PV", None, ISSUE),
        moved("an additive shift in BW", "additive, BW", "Fontana homes", "EV gives back", None, ISSUE),
    ]  # fmt: skip


def suggestion_claims(table: pd.DataFrame, found: pd.DataFrame) -> list[Record]:
    """Suggested windows beside the paper's: what they take from the cases, and how exact they leave the baseline."""
    rows = found.reset_index()
    rows = rows[rows["case"] != "PV"]  # the meter itself is the case there, not what happens beside the event
    cases = rows[["world", "case"]].drop_duplicates()
    records = []
    for side in ("before", "after"):
        mine = rows[rows["adjustment"] == f"ratio, suggested {side}"]
        text = f"suggested windows {side} the event: most that any case adds to the bias of any rule (ratio)"
        records.append(claim(text, ISSUE, mine["most_moved_pct"].max(), "% of the use", at_most(SURVIVES), digits=1))
        without = len(cases) - len(mine)
        records.append(
            claim(
                f"cases without a clean window {side} the event", ISSUE, without, "cases", digits=0, of_cases=len(cases)
            )
        )
    for window in NAMED_WINDOWS:
        most = rows[rows["adjustment"] == f"ratio, {window}"].set_index(["world", "case"])["most_moved_pct"]
        text = f"{window}: cases it does not survive, moved by more than {SURVIVES:g} % at some rule (ratio)"
        records.append(claim(text, ISSUE, int((most > SURVIVES).sum()), "cases", digits=0, of_cases=len(cases)))
    wide = rows[rows["adjustment"].str.startswith("ratio")].pivot_table(
        index=["world", "case"], columns="adjustment", values="nrmse_pct", sort=False
    )
    measured = wide[wide.index.get_level_values("world").isin(["Cambridge", "Turin"])]
    for window in NAMED_WINDOWS:
        share = (measured["ratio, suggested before"] / measured[f"ratio, {window}"]).mean()
        text = f"measured buildings: nRMSE of rules met in the suggested window before the event over that in {window}, mean of cases"
        records.append(claim(text, ISSUE, share, "ratio", below(1)))
    lost = table[table["adjustment"] == NONE].groupby(["world", "case"])["lost_pct"].mean()
    text = "simulated shops: bias of unadjusted rules from the hottest days being event days, none of which is a reference day"
    records.append(claim(text, ISSUE, lost.loc["simulated shops"].iloc[0], "% of the use", digits=1))
    return records


def main() -> None:
    table = judged()
    found = means(table)
    columns = [
        "world",
        "case",
        "rule",
        "adjustment",
        "n_events",
        "shed_pct",
        "bias_pct",
        "nrmse_pct",
        "moved_pct",
        "lost_pct",
    ]
    table[columns].round(2).to_csv(HERE / "survival.csv", index=False, lineterminator="\n")
    survival(found).round(1).to_csv(HERE / "adjustments.csv", lineterminator="\n")
    plot(found)
    records = [*window_claims(), *adjustment_claims(found), *suggestion_claims(table, found)]
    write(HERE / "results.json", records)
    for row in records:
        print(f"{row['measured']:8} {row['unit']}  ({asked(row) or 'reported'})  {row['claim']}")
    print(summary(records))


if __name__ == "__main__":
    main()
