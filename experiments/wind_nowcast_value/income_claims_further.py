"""Claims on the assumptions, the books and strategies, the farms and the other markets."""

from __future__ import annotations

from typing import Any

import pandas as pd
from french_market import MODES
from income_claims import BEST, LR_OBS, RANKED, claim, told

FIGURE_6 = ((180, "sell_sd_eur", 12.1), (180, "buy_sd_eur", 12.3), (30, "sell_sd_eur", 13.4), (30, "buy_sd_eur", 14.5))


def further_claims(parts: dict[str, Any]) -> list[dict[str, Any]]:
    return _curves(parts["curves"]) + _worse(parts["worse"]) + _books(parts) + _farms(parts) + _elsewhere(parts)


def _curves(curves: dict[str, pd.DataFrame]) -> list[dict[str, Any]]:
    found = [
        told(
            f"gain at 30 min against {name}",
            {str(k): {n: round(v, 1) for n, v in row.items()} for k, row in table.iterrows()},
            "EUR/MW/week",
        )
        for name, table in curves.items()
    ]
    shift = curves["shift_pct_of_rated"]
    for kind in ("flat", "coupled"):
        best = float(shift[f"blend, {kind}"].idxmax())
        found.append(
            claim(
                f"shift at which the blend earns most, intraday {kind}",
                "project target",
                "within ± 1",
                best,
                "% of rated",
                abs(best) <= 1,
            )
        )
    best = float(shift["blend, german"].idxmax())
    return [
        *found,
        told(
            "shift at which the blend earns most with German intraday prices: the scan's end means that bias pays",
            best,
            "% of rated",
        ),
    ]


def _worse(table: pd.DataFrame) -> list[dict[str, Any]]:
    found = []
    for mode in MODES:
        gain = table.loc[mode].xs(30, level="gate_min")["gain_eur_per_mw_week"]
        found.append(
            told(
                f"weather of the nowcasts made 15 % worse, bids by {mode} of seed 0: gains at 30 min",
                {n: round(float(gain[n]), 1) for n in (*RANKED, BEST)},
                "EUR/MW/week",
            )
        )
        order = tuple(sorted(RANKED, key=lambda name: -gain[name]))
        found.append(
            claim(
                f"weather made 15 % worse: the ranking stays, bids by {mode}",
                "own",
                " > ".join(RANKED),
                " > ".join(order),
                "order",
                order == RANKED,
            )
        )
    return found


def _books(parts: dict[str, Any]) -> list[dict[str, Any]]:
    quotes = parts["figure_6"]["quotes"]
    found = []
    for minutes, column, target in FIGURE_6:
        m = float(quotes.loc[minutes, column])
        found.append(
            claim(
                f"figure 6, simulated: {column} {minutes} min before delivery",
                "nowcast paper, figure 6",
                f"{target} ± 0.2",
                round(m, 2),
                "EUR/MWh",
                abs(m - target) <= 0.2,
            )
        )
    books = parts["figure_6"]["books"]
    for minutes, column, target in FIGURE_6:
        m = float(books.loc[minutes, column])
        text = f"figure 6, whole simulated books of every fifth hour: {column} {minutes} min before delivery"
        found.append(
            claim(text, "nowcast paper, figure 6", f"{target} ± 0.5", round(m, 2), "EUR/MWh", abs(m - target) <= 0.5)
        )
    spreads = {int(k): round(float(v), 2) for k, v in books["spread_eur"].items()}
    found.append(
        told("mean spread of the simulated books by minutes before delivery (paper: 2 on average)", spreads, "EUR/MWh")
    )
    found.append(
        told(
            "movement of the price by Irish auctions beside figure 6's model",
            {k: round(v, 3) for k, v in parts["figure_6"]["irish_auctions"].items()},
            "share of mean price",
        )
    )
    strategies = parts["strategies"]
    for level in ("french level", "german level"):
        table = strategies[level]
        rows = [
            f"{name} at 30 min" for name in ("perfect", "persistence", LR_OBS, BEST, "newsvendor", "betting newsvendor")
        ] + ["blend in four equal steps", "blend followed at every gate"]
        measured = {
            n: [
                round(float(table.loc[n, c]), 1)
                for c in ("gain_eur_per_mw_week", "gain_se", "worst_weeks_eur_per_mw", "gain_worst_weeks")
            ]
            for n in rows
        }
        found.append(
            told(
                f"strategies, quotes around the {level}: gain, its standard error, income and gain of the worst 5 % of weeks",
                measured,
                "EUR/MW/week",
            )
        )
    found.append(
        told(
            "80 % interval of the blend covers half-hours, 30 min", round(strategies["half_hour_coverage_pct"], 1), "%"
        )
    )
    books = parts["in_books"]["gain_eur_per_mw_week"]
    found.append(
        told(
            "through simulated books, four weeks of hours, by size of the farm (1 is 8.2 MW)",
            {n: [round(float(x), 1) for x in row] for n, row in books.iterrows()},
            "EUR/MW/week",
        )
    )
    one, ten = (float(books.loc["blend, through the book", size]) for size in (1, 10))
    text = "ten times the farm gains less per MW through the book"
    return [*found, claim(text, "own", f"< {one:.1f}", round(ten, 1), "EUR/MW/week", ten < one)]


def _farms(parts: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for name, table in (("turbine", parts["turbines"]["income"]), ("shape", parts["farms"])):
        for farm, rows in table.groupby(level="farm"):
            gain = rows.droplevel("farm")["gain_eur_per_mw_week"]
            order = sorted(RANKED, key=lambda n, gain=gain: -gain[n])
            found.append(
                claim(
                    f"figure 11, {name} {farm}: LR_obs gains most of the four",
                    "nowcast paper, figure 11",
                    LR_OBS,
                    {n: round(float(gain[n]), 1) for n in order},
                    "EUR/MW/week",
                    order[0] == LR_OBS,
                )
            )
    net = parts["turbines"]["netting"]
    for case, row in net.iterrows():
        share = 100 * row["worth"] / row["alone"]
        found.append(
            claim(
                f"netting of the four turbines, {case}",
                "identity: never loses under two prices",
                ">= 0",
                f"{row['worth'] / 1000:.1f} kEUR = {share:.2f} %",
                "of income alone",
                row["worth"] >= 0,
            )
        )
    return found


def _elsewhere(parts: dict[str, Any]) -> list[dict[str, Any]]:
    turkey, belgium, ireland = parts["turkey"], parts["belgium"], parts["ireland"]
    found = [
        claim(
            "Turkish imbalance prices by rule, largest error of 8,784 hours",
            "published prices",
            "< 0.01",
            round(turkey["rule_error_try"], 5),
            "TRY/MWh",
            turkey["rule_error_try"] < 0.01,
        )
    ]
    for farm, rows in turkey["income"].groupby(level="farm"):
        share = rows.droplevel("farm")["gain_pct"]
        found.append(
            told(
                f"Turkey, {farm}, July to December 2024, 60 min: gain over the schedule",
                {n: round(float(share[n]), 2) for n in ("perfect", "persistence", "schedule + last error")},
                "% of income",
            )
        )
    for case, row in turkey["netting"].iterrows():
        found.append(
            claim(
                f"Turkey: netting of the two farms, {case}",
                "identity: never loses under two prices",
                ">= 0",
                round(100 * row["worth"] / row["alone"], 2),
                "% of income alone",
                row["worth"] >= 0,
            )
        )
    table = belgium["income"]
    measured = {
        n: f"{table.loc[n, 'gain_eur_per_mw_week']:.1f} ± {table.loc[n, 'gain_se']:.1f}"
        for n in ("perfect", LR_OBS, BEST, "persistence")
    }
    found.append(
        told("Belgium, one price, output of another year: gain ± standard error over weeks", measured, "EUR/MW/week")
    )
    found.append(told("Belgium: quarter-hours left out", belgium["left_out"], "by reason"))
    scan = ireland["gain_by_penalty"]
    found.append(
        claim(
            "Ireland: without a penalty no nowcast gains (equal prices)",
            "identity",
            0.0,
            round(float(scan.loc[0.0].abs().max()), 6),
            "EUR/MW/week",
            scan.loc[0.0].abs().max() < 1e-6,
        )
    )
    found.append(
        told(
            "Ireland: gain by the penalty on imbalance beside the last auction's price",
            {
                str(k): {n: round(float(row[n]), 1) for n in ("perfect", LR_OBS, BEST, "persistence")}
                for k, row in scan.iterrows()
            },
            "EUR/MW/week",
        )
    )
    return found
