"""Figure 5 of the nowcast paper for La Haute Borne: error against lead, one line a method."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

# What the paper's text says of Bonneval (its figure 5 has no printed numbers): LR_obs 7.9 % at 30 min, 10.8 % at 2 h.
PAPER_LR_OBS = {30: 7.9, 120: 10.8}
STYLES = {
    "NWP through IEC curve": ("#9a9a9a", ":"),
    "NWP through own curve": ("#9a9a9a", "--"),
    "LR_no-obs (paper)": ("#8c564b", "--"),
    "persistence": ("#d62728", "-"),
    "AR by BIC": ("#ff9896", "-"),
    "LR_obs (paper)": ("#2ca02c", "-"),
    "LightGBM": ("#9ecae1", "-"),
    "nets": ("#6baed6", "-"),
    "blend": ("#08306b", "-"),
}


def draw(table: pd.DataFrame, path: Path) -> None:
    """One panel; names stand beside the lines."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8.2, 5.0), layout="constrained")
    for name, (colour, line) in STYLES.items():
        axes.plot(table.columns, table.loc[name], line, color=colour, lw=2.4 if name == "blend" else 1.5, label=name)
    axes.plot(
        list(PAPER_LR_OBS),
        list(PAPER_LR_OBS.values()),
        "D",
        color="#2ca02c",
        mfc="white",
        label="LR_obs, Bonneval (paper)",
    )
    axes.set(
        xlabel="lead [min]",
        ylabel="nRMSE [% of rated power]",
        xticks=list(table.columns),
        xlim=(5, 185),
        ylim=(3, 14.5),
        title="La Haute Borne: trained on 2014, tested on 2015 with reanalysis",
    )
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=9)
    figure.savefig(path, dpi=130)
    plt.close(figure)
