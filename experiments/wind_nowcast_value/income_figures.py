"""Pictures of the second half: figures 3 and 6 to 11 of the paper for La Haute Borne, and the curves of the assumptions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from french_market import GATES_MIN, MODES, in_world

from cblcast.value.wind_tables import monthly, weekly_sums

COLOURS = {
    "none": "#1f77b4",
    "perfect": "#ff7f0e",
    "LR_obs (paper)": "#2ca02c",
    "persistence": "#d62728",
    "NWP through IEC curve": "#9467bd",
    "LR_no-obs (paper)": "#8c564b",
    "blend": "#08306b",
}
SHADES = {30: "#08306b", 60: "#2171b5", 120: "#6baed6", 180: "#9ecae1"}
ZONE, RATED_MW = "Europe/Paris", 8.2


def draw_all(farm: Any, parts: dict[str, Any], folder: Path) -> None:
    found = farm.valuation(MODES[0], 0)
    drawn = {
        "income_months.png": _months(farm, found),
        "income_weeks.png": _weeks(found),
        "income_cases.png": _cases(parts["income"]),
        "income_farms.png": _farms(parts),
        "income_curves.png": _curves(parts["curves"]),
        "income_strategies.png": _strategies(parts),
    }
    for name, figure in drawn.items():
        figure.savefig(folder / name, dpi=120)
        plt.close(figure)


def _band(axes: Any, table: pd.DataFrame, colour: str, label: str) -> None:
    months = np.arange(1, len(table) + 1)
    axes.fill_between(months, table["q25"], table["q75"], color=colour, alpha=0.15, lw=0)
    axes.plot(months, table["mean"], "o-", color=colour, ms=3, label=label)


def _of_2015(table: pd.DataFrame) -> pd.DataFrame:
    return table[table.index.year == 2015]


def _months(farm: Any, found: Any) -> Any:
    """Figures 3, 8 and 9."""
    figure, grid = plt.subplots(2, 3, figsize=(13, 6.8), layout="constrained", sharex=True)
    spot = farm.prices["day_ahead_per_mwh"]
    local = pd.Series(spot.to_numpy(), index=spot.index.tz_convert(ZONE).tz_localize(None))
    by_month = local.groupby(local.index.to_period("M"))
    price = pd.DataFrame({"mean": by_month.mean(), "q25": by_month.quantile(0.25), "q75": by_month.quantile(0.75)})
    _band(grid[0, 0], price, "#555555", "day-ahead price")
    grid[0, 0].set(title="Fig. 3: day-ahead price, France 2015", ylabel="EUR/MWh")
    output = (
        found.stages.imbalance_mwh[found.row("none", 30)] + farm.bids(MODES[0], 0).reindex(found.products).to_numpy()
    )
    _band(grid[0, 1], _of_2015(monthly(found, output, ZONE)), "#2171b5", "output")
    grid[0, 1].set(title="Fig. 3: output of La Haute Borne", ylabel="MWh a day")
    _band(
        grid[0, 2],
        _of_2015(monthly(found, found.stages.total[found.row("LR_obs (paper)", 30)] / 1000, ZONE)),
        "#2ca02c",
        "income",
    )
    grid[0, 2].set(title="Fig. 3: income with LR_obs at 30 min", ylabel="kEUR a day")
    panels = (
        (grid[1, 0], "intraday", "LR_obs (paper)", "Fig. 8: intraday income, LR_obs"),
        (grid[1, 1], "intraday", "perfect", "Fig. 8: intraday income, perfect"),
        (grid[1, 2], "imbalance", "LR_obs (paper)", "Fig. 9: imbalance income, LR_obs"),
    )
    for axes, stage, name, title in panels:
        for gate in GATES_MIN:
            table = _of_2015(monthly(found, getattr(found.stages, stage)[found.row(name, gate)] / RATED_MW, ZONE))
            axes.plot(np.arange(1, len(table) + 1), table["mean"], "o-", ms=3, color=SHADES[gate], label=f"{gate} min")
        axes.axhline(0, color="black", lw=0.8)
        axes.set(title=title, ylabel="EUR/MW a day", xlabel="month", xticks=range(1, 13))
        if name == "perfect":  # prices do not depend on the gate here, so its four lines are one
            axes.annotate(
                "four gates, one line: prices are the same", (0.03, 0.05), xycoords="axes fraction", fontsize=8
            )
        else:
            axes.legend(frameon=False, fontsize=8, title="balanced before delivery", title_fontsize=8)
    for axes in grid.ravel():
        axes.grid(alpha=0.3)
    figure.suptitle("Means of days by month, quartiles shaded; bids by the fitted curve, one draw of their error")
    return figure


def _weeks(found: Any) -> Any:
    """Figure 7."""
    figure, axes = plt.subplots(figsize=(10, 4.4), layout="constrained")
    for name in ("LR_obs (paper)", "persistence", "LR_no-obs (paper)", "NWP through IEC curve", "blend"):
        weekly = weekly_sums(found, found.gain(name, 30)) / RATED_MW
        axes.plot(
            np.arange(1, len(weekly) + 1),
            weekly,
            color=COLOURS[name],
            lw=2 if name == "LR_obs (paper)" else 1.2,
            label=f"{name}: {weekly.mean():.1f}",
        )
    axes.axhline(0, color="black", lw=0.8)
    axes.set(
        xlabel="week of 2015",
        ylabel="gain over no nowcast [EUR/MW/week]",
        title="Fig. 7: equation 7 at 30 min, La Haute Borne, bids by the fitted curve",
        xlim=(0.5, 53),
    )
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0), title="mean of weeks")
    return figure


def _cases(table: pd.DataFrame) -> Any:
    """Figure 10, both ways of bidding day-ahead."""
    figure, grid = plt.subplots(1, 2, figsize=(12, 4.6), layout="constrained", sharey=True)
    for axes, mode in zip(grid, MODES, strict=True):
        income = in_world(table, mode)["income_eur"] / 1000
        for number, name in enumerate(COLOURS):
            values = [income[name, gate] for gate in GATES_MIN]
            axes.bar(np.arange(4) + (number - 3) * 0.12, values, 0.11, color=COLOURS[name], label=name)
        low, high = income.min(), income.max()
        axes.set(
            title=f"bids by the {mode}",
            xticks=range(4),
            xticklabels=[f"{g} min" for g in GATES_MIN],
            ylim=(low - 6, high + 4),
        )
        axes.grid(alpha=0.3, axis="y")
    grid[0].set_ylabel("income of 2015 [kEUR], axis cut")
    grid[1].legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    figure.suptitle(
        "Fig. 10: La Haute Borne, French prices 2015, intraday = day-ahead + noise of 5 EUR ± 1 EUR, mean of 4 draws"
    )
    return figure


def _farms(parts: dict[str, Any]) -> Any:
    """Figure 11."""
    table = pd.concat([parts["turbines"]["income"], parts["farms"]])["gain_eur_per_mw_week"].unstack("method")
    names = ["perfect", "LR_obs (paper)", "persistence", "LR_no-obs (paper)", "NWP through IEC curve"]
    figure, axes = plt.subplots(figsize=(11, 5.2), layout="constrained")
    order = [*parts["turbines"]["income"].index.levels[0], *parts["farms"].index.levels[0]]
    for number, name in enumerate(names):
        axes.barh(
            np.arange(len(order)) + (2 - number) * 0.16, table.loc[order, name], 0.15, color=COLOURS[name], label=name
        )
    axes.set(
        yticks=range(len(order)),
        yticklabels=[f"turbine {n}" if n.startswith("R8") else n for n in order],
        xlabel="gain over no nowcast [EUR/MW/week]",
        title="Fig. 11: turbines of La Haute Borne, and the paper's turbine types in its wind (not those farms' wind), 30 min",
    )
    axes.invert_yaxis()
    axes.axvline(0, color="black", lw=0.8)
    axes.grid(alpha=0.3, axis="x")
    axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _curves(curves: dict[str, pd.DataFrame]) -> Any:
    titles = {
        "k": "surcharge k of the imbalance rule",
        "half_spread_eur": "intraday half-spread [EUR/MWh]",
        "day_ahead_nrmse_pct": "nRMSE of the day-ahead bid [% of rated]",
        "shift_pct_of_rated": "nowcast shifted by [% of rated]",
    }
    figure, grid = plt.subplots(1, 4, figsize=(15, 4.0), layout="constrained")
    for axes, (name, table) in zip(grid, curves.items(), strict=True):
        for column in table.columns:
            style = {"blend, flat": "-", "blend, coupled": "--", "blend, german": ":"}.get(column, "-")
            axes.plot(
                table.index, table[column], f"o{style}", ms=3, color=COLOURS.get(column.split(",")[0]), label=column
            )
        axes.axhline(0, color="black", lw=0.8)
        axes.set(xlabel=titles[name])
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize=8)
    grid[0].set_ylabel("gain at 30 min [EUR/MW/week]")
    figure.suptitle("What the gain rests on: one assumption moved at a time, intraday at the day-ahead price")
    return figure


def _strategies(parts: dict[str, Any]) -> Any:
    """Figure 6 simulated, the gates with its quotes, and the size of the farm in a simulated book."""
    figure, grid = plt.subplots(1, 3, figsize=(16, 4.4), layout="constrained")
    quotes = parts["figure_6"]["quotes"]
    for column, colour, label in (("sell_sd_eur", "#1f77b4", "to sell at"), ("buy_sd_eur", "#ff7f0e", "to buy at")):
        grid[0].plot(quotes.index, quotes[column], "o-", ms=3, color=colour, label=label)
    grid[0].plot([180, 30], [12.1, 13.4], "D", mfc="white", color="#1f77b4", label="paper's text")
    grid[0].plot([180, 30], [12.3, 14.5], "D", mfc="white", color="#ff7f0e")
    grid[0].set(
        title="Fig. 6, SIMULATED quotes",
        ylabel="standard deviation of the price [EUR/MWh]",
        xlabel="minutes before delivery",
    )
    grid[0].invert_xaxis()
    table = parts["strategies"]["french level"]["gain_eur_per_mw_week"]
    for name, colour in (
        ("perfect", COLOURS["perfect"]),
        ("blend", COLOURS["blend"]),
        ("newsvendor", "#17becf"),
        ("LR_obs (paper)", COLOURS["LR_obs (paper)"]),
        ("persistence", COLOURS["persistence"]),
    ):
        grid[1].plot(GATES_MIN, [table[f"{name} at {g} min"] for g in GATES_MIN], "o-", ms=3, color=colour, label=name)
    grid[1].axhline(
        table["blend in four equal steps"], color=COLOURS["blend"], ls="--", lw=1, label="blend in four steps"
    )
    grid[1].invert_xaxis()
    grid[1].axhline(0, color="black", lw=0.8)
    grid[1].set(
        title="Simulated quotes, French level",
        ylabel="gain over no nowcast [EUR/MW/week]",
        xlabel="minutes before delivery",
    )
    books = parts["in_books"]["gain_eur_per_mw_week"].drop(index="none")
    for name, row in books.iterrows():
        grid[2].plot(
            row.index * RATED_MW,
            row,
            "--" if "best" in name else "-",
            marker="o",
            ms=3,
            color="#17becf" if "newsvendor" in name else COLOURS[name.split(",")[0]],
            label=name,
        )
    grid[2].set(xscale="log", xlabel="size of the farm [MW]", title="Four weeks in SIMULATED books, 30 min")
    grid[2].axhline(0, color="black", lw=0.8)
    places = (
        {"loc": "upper left"},
        {"loc": "center left", "bbox_to_anchor": (0.0, 0.68)},
        {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)},
    )
    for axes, place in zip(grid, places, strict=True):
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize=8, **place)
    return figure
