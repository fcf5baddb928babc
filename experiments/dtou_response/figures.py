"""The two figures of the README: what each method claims, and what it says of each home."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

HERE = Path(__file__).parent


def draw_responses(table: pd.DataFrame, reference: dict[str, object]) -> None:
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


def draw_homes(real: dict[str, pd.DataFrame]) -> None:
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
