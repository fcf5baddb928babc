"""Claims on the assumptions, the books and strategies, the farms and the other markets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from claims import Record, at_least, below, between, claim, equal_to, within
from french_market import MODES
from income_claims import BEST, GAIN, LR_OBS, PAPER, RANKED, out_of_order, rounded

FIGURE_6 = ((180, "sell_sd_eur", 12.1), (180, "buy_sd_eur", 12.3), (30, "sell_sd_eur", 13.4), (30, "buy_sd_eur", 14.5))
STRATEGIES = (
    *(f"{name} at 30 min" for name in ("perfect", "persistence", LR_OBS, BEST, "newsvendor", "betting newsvendor")),
    "blend in four equal steps",
    "blend followed at every gate",
)


def further_claims(parts: dict[str, Any]) -> list[Record]:
    return (
        _curves(parts["curves"])
        + _worse(parts["worse"])
        + _figure_6(parts["figure_6"])
        + _strategies(parts["strategies"])
        + _books(parts["in_books"]["gain_eur_per_mw_week"])
        + _farms(parts)
        + _elsewhere(parts)
    )


def _curves(curves: dict[str, pd.DataFrame]) -> list[Record]:
    found = []
    for name, table in curves.items():
        for at, row in table.iterrows():
            text = f"gain of {table.columns[0]} at 30 min, {name} {at:g}"
            found.append(claim(text, "reported", row.iloc[0], GAIN, digits=1, all_gains=rounded(row)))
    shift = curves["shift_pct_of_rated"]
    for kind in ("flat", "coupled"):
        best = float(shift[f"blend, {kind}"].idxmax())
        found.append(
            claim(
                f"shift at which the blend earns most, intraday {kind}",
                "project target",
                best,
                "% of rated",
                between(-1, 1),
            )
        )
    best = float(shift["blend, german"].idxmax())
    text = "shift at which the blend earns most with German prices; the scan's end means that more bias pays more"
    return [*found, claim(text, "reported", best, "% of rated")]


def _worse(table: pd.DataFrame) -> list[Record]:
    found = []
    for mode in MODES:
        gain = table.loc[mode].xs(30, level="gate_min")["gain_eur_per_mw_week"]
        text = f"weather of the nowcasts made 15 % worse: neighbours of the ranking the other way round, bids by {mode}, first draw"
        gains = rounded(gain[[*RANKED, BEST]])
        found.append(claim(text, "own", out_of_order(gain), "pairs of 3", equal_to(0), gains_eur_per_mw_week=gains))
    return found


def _figure_6(part: dict[str, Any]) -> list[Record]:
    found, source = [], f"{PAPER}, figure 6"
    for what, table, tolerance in (
        ("best prices", part["quotes"], 0.2),
        ("whole books of every fifth hour", part["books"], 0.5),
    ):
        for minutes, column, target in FIGURE_6:
            text = f"simulated {what}: {column} {minutes} min before delivery"
            found.append(claim(text, source, table.loc[minutes, column], "EUR/MWh", within(target, tolerance)))
    spreads = part["books"]["spread_eur"]
    found.append(
        claim(
            "mean spread of the simulated books",
            f"{PAPER}: 2 EUR",
            spreads.mean(),
            "EUR/MWh",
            by_minutes=rounded(spreads, 2),
        )
    )
    auctions = part["irish_auctions"]
    text = "movement of the price at 180 min by the Irish auctions"
    return [*found, claim(text, "own", auctions.iloc[0], "of the mean price", digits=3, beside=rounded(auctions, 3))]


def _strategies(part: dict[str, Any]) -> list[Record]:
    found = []
    for level in ("french level", "german level"):
        for name in STRATEGIES:
            row = part[level].loc[name]
            more = rounded(row[["gain_se", "worst_weeks_eur_per_mw", "gain_worst_weeks", "turnover_mwh"]])
            found.append(
                claim(
                    f"{name}, simulated quotes around the {level}",
                    "reported",
                    row["gain_eur_per_mw_week"],
                    GAIN,
                    digits=1,
                    **more,
                )
            )
    return [
        *found,
        claim("80 % interval of the blend covers half-hours, 30 min", "own", part["half_hour_coverage_pct"], "%"),
    ]


def _books(gains: pd.DataFrame) -> list[Record]:
    found = [
        claim(
            f"{name}, simulated books of four weeks, 8.2 MW",
            "reported",
            row.iloc[0],
            GAIN,
            digits=1,
            by_size=rounded(row),
        )
        for name, row in gains.drop(index="none").iterrows()
    ]
    one, ten = (float(gains.loc["blend, through the book", size]) for size in (1, 10))
    text = "gain of ten times the farm over the gain of the farm, per MW, blend through the book"
    return [*found, claim(text, "own", ten / one, "1", below(1))]


def _farms(parts: dict[str, Any]) -> list[Record]:
    found = []
    for kind, table in (("turbine", parts["turbines"]["income"]), ("shape", parts["farms"])):
        for farm, rows in table.groupby(level="farm"):
            gain = rows.droplevel("farm")["gain_eur_per_mw_week"]
            lead = gain[LR_OBS] - max(gain[name] for name in RANKED[1:])
            text = f"figure 11, {kind} {farm}: LR_obs over the next best of the paper's four"
            found.append(
                claim(
                    text,
                    f"{PAPER}, figure 11",
                    lead,
                    GAIN,
                    at_least(0),
                    digits=1,
                    gains_eur_per_mw_week=rounded(gain[list(RANKED)]),
                )
            )
    return found + _netted("the four turbines", parts["turbines"]["netting"])


def _netted(who: str, table: pd.DataFrame) -> list[Record]:
    return [
        claim(
            f"netting of {who}, {case}",
            "identity: never loses under two prices",
            100 * row["worth"] / row["alone"],
            "% of income alone",
            at_least(0),
        )
        for case, row in table.iterrows()
    ]


def _elsewhere(parts: dict[str, Any]) -> list[Record]:
    turkey, belgium, scan = parts["turkey"], parts["belgium"], parts["ireland"]["gain_by_penalty"]
    found = [
        claim(
            "Turkish imbalance prices by rule, largest error of 8,784 hours",
            "published prices",
            turkey["rule_error_try"],
            "TRY/MWh",
            below(0.01),
            digits=5,
        )
    ]
    for farm, rows in turkey["income"].groupby(level="farm"):
        share = rows.droplevel("farm")["gain_pct"]
        for name in ("perfect", "schedule + last error", "persistence"):
            found.append(
                claim(
                    f"Turkey, {farm}, July to December 2024, 60 min: {name} over the schedule",
                    "reported",
                    share[name],
                    "% of income",
                )
            )
    found += _netted("the two Turkish farms", turkey["netting"])
    for name in ("perfect", LR_OBS, BEST, "persistence"):
        row = belgium["income"].loc[name]
        text = f"Belgium, one price, output of another year: gain of {name}"
        found.append(
            claim(
                text,
                "reported",
                row["gain_eur_per_mw_week"],
                GAIN,
                digits=1,
                standard_error=round(float(row["gain_se"]), 1),
            )
        )
    left_out = belgium["left_out"]
    found.append(
        claim(
            "Belgium: quarter-hours left out", "reported", sum(left_out.values()), "quarter-hours", by_reason=left_out
        )
    )
    free = np.abs(scan.loc[0.0]).max()
    found.append(
        claim(
            "Ireland: largest gain of any case without a penalty on imbalance",
            "identity: equal prices",
            free,
            "EUR/MW/week",
            within(0, 1e-6),
            digits=6,
        )
    )
    for penalty, row in scan.drop(index=0.0).iterrows():
        found.append(
            claim(
                f"Ireland: gain of LR_obs with a penalty of {penalty:g} EUR/MWh",
                "reported",
                row[LR_OBS],
                GAIN,
                digits=1,
                all_gains=rounded(row),
            )
        )
    return found
