"""Every target of the second half beside what was measured, misses included."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from french_market import GATES_MIN, MODES, french_market
from income_farms import SHAPES

from cblcast.metrics import rmae
from cblcast.significance import diebold_mariano, giacomini_white
from cblcast.value.wind_market import Valuation
from cblcast.value.wind_tables import exceedance, income_table

LR_OBS, BEST, CURVE = "LR_obs (paper)", "blend", "NWP through IEC curve"
PAPER_GAINS = {"Bonneval": (58.0, 17.3, 15.2, 35.1), "la Vènerie": (84.1, 24.5, 2.8, 67.0)}
RANKED = (LR_OBS, "persistence", "LR_no-obs (paper)", CURVE)
DAY_STEPS = 48


def claim(text: str, source: str, target: Any, measured: Any, unit: str, holds: bool) -> dict[str, Any]:
    return {"claim": text, "source": source, "target": target, "measured": measured, "unit": unit, "holds": bool(holds)}


def told(text: str, measured: Any, unit: str, source: str = "reported") -> dict[str, Any]:
    """Something that has no target."""
    return claim(text, source, None, measured, unit, True)


def all_claims(farm: Any, parts: dict[str, Any]) -> list[dict[str, Any]]:
    found = _imbalance_prices(farm) + _identities(farm) + _ranking(parts["income"])
    for mode in MODES:
        found += _gains(parts["income"], mode) + _tests(farm, mode)
    found += _timing(parts) + _tables_3_and_4(farm) + _curves(parts["curves"]) + _worse(parts["worse"])
    return found + _books(parts) + _farms(parts) + _elsewhere(parts)


def _imbalance_prices(farm: Any) -> list[dict[str, Any]]:
    market = french_market(farm.prices)
    return [
        claim(
            f"mean imbalance price 2015, {name}",
            "nowcast paper, section 4 (32 and 45)",
            f"{target} ± 0.5",
            round(float(np.nanmean(price)), 2),
            "EUR/MWh",
            abs(np.nanmean(price) - target) <= 0.5,
        )
        for name, target, price in (("long", 32.3, market.long), ("short", 44.8, market.short))
    ]


def _identities(farm: Any) -> list[dict[str, Any]]:
    found = farm.valuation(MODES[0], 0)
    settled = float(np.abs(found.stages.imbalance[found.row("perfect", 30)]).max())
    return [
        claim(
            "a perfect nowcast has no imbalance, largest of the year",
            "nowcast paper, section 4",
            0.0,
            settled,
            "EUR",
            settled == 0,
        ),
        told("half-hours that every case counts, of 17,520", len(found.products), "half-hours"),
        told("half-hours left out", found.left_out, "by reason"),
    ]


def _ranking(table: pd.DataFrame) -> list[dict[str, Any]]:
    found = []
    for mode in MODES:
        for kind in ("flat", "noise", "coupled", "german"):
            gain = table.xs((mode, kind)).xs(30, level="gate_min")["gain_eur_per_mw_week"]
            order = sorted(RANKED, key=lambda name: -gain[name])
            wanted = "LR_obs > persistence > LR_no-obs > forecast through the curve"
            text = f"ranking at 30 min, bids by {mode}, intraday {kind}"
            measured = " > ".join(f"{name} {gain[name]:.1f}" for name in order)
            if kind == "noise":
                found.append(
                    claim(text, "nowcast paper, figure 7", wanted, measured, "EUR/MW/week", tuple(order) == RANKED)
                )
            else:
                found.append(
                    told(
                        f"{text} (paper's ranking: {'yes' if tuple(order) == RANKED else 'no'})",
                        measured,
                        "EUR/MW/week",
                    )
                )
    for place, values in PAPER_GAINS.items():
        found.append(
            told(
                f"the paper's own gains at {place}: LR_obs, LR_no-obs, ECMWF, persistence",
                list(values),
                "EUR/MW/week",
                "nowcast paper, section 4",
            )
        )
    return found


def _gains(table: pd.DataFrame, mode: str) -> list[dict[str, Any]]:
    here = table.xs((mode, "noise")).xs(30, level="gate_min")
    gain, share, spread = here["gain_eur_per_mw_week"], here["gain_pct"], here["gain_sd_of_seeds"]
    quick = {"fitted curve": (35.7, 84.4), "raw IEC curve": (48.3, 97.6)}[mode]
    more = 100 * (gain[BEST] / gain[LR_OBS] - 1)
    return [
        claim(
            f"LR_obs over no nowcast, bids by {mode}",
            "nowcast paper (3-4 %), project target",
            "3 … 5",
            round(share[LR_OBS], 2),
            "% of income",
            3 <= share[LR_OBS] <= 5,
        ),
        told(
            f"gain of LR_obs, bids by {mode} (quick script {quick[0]}), ± sd over 4 seeds",
            f"{gain[LR_OBS]:.1f} ± {spread[LR_OBS]:.1f}",
            "EUR/MW/week",
        ),
        told(
            f"gain of a perfect nowcast, bids by {mode} (quick script {quick[1]}), ± sd over 4 seeds",
            f"{gain['perfect']:.1f} ± {spread['perfect']:.1f}",
            "EUR/MW/week",
        ),
        told(
            f"LR_obs as a share of perfect, bids by {mode} (paper at Bonneval 40 %)",
            round(100 * gain[LR_OBS] / gain["perfect"], 1),
            "%",
        ),
        claim(
            f"gain of the blend over that of LR_obs, bids by {mode}",
            "project target (moonshot 15)",
            ">= 10",
            round(more, 1),
            "%",
            more >= 10,
        ),
    ]


def _daily(found: Valuation, values: np.ndarray) -> np.ndarray:
    day = found.times.as_unit("us").asi8 // 86_400_000_000
    return np.bincount(day - day.min(), values)


def _tests(farm: Any, mode: str) -> list[dict[str, Any]]:
    """Blend against LR_obs and LR_obs against persistence, in EUR and in squared error, daily sums, a week of lags."""
    found = farm.valuation(mode, 0)
    total, missed = found.stages.total, found.stages.imbalance_mwh
    claims = []
    for one, other in ((BEST, LR_OBS), (LR_OBS, "persistence")):
        a, b = found.row(one, 30), found.row(other, 30)
        weekly = np.add.reduceat(_daily(found, total[a] - total[b]), np.arange(0, 364, 7)) / found.rated_mw
        text = f"{one} over {other}, bids by {mode} of seed 0"
        se = weekly.std(ddof=1) / np.sqrt(len(weekly))
        claims.append(
            told(f"{text}: gain per week ± standard error over weeks", f"{weekly.mean():.2f} ± {se:.2f}", "EUR/MW/week")
        )
        for what, losses in (("EUR", -total), ("squared error", missed**2)):
            p, q = (_daily(found, losses[k]) for k in (a, b))
            dm, gw = diebold_mariano(p, q, horizon=7), giacomini_white(p, q)
            claims.append(
                told(
                    f"{text}, {what}: p of Diebold-Mariano (7 days of lags) and of Giacomini-White",
                    [float(f"{dm.p_value:.2g}"), float(f"{gw.p_value:.2g}")],
                    "p",
                )
            )
        if mode == MODES[0]:
            zero = np.zeros(missed.shape[1])
            value = rmae(zero, missed[a], missed[b])
            claims.append(
                claim(f"rMAE of {one} against {other}, 30 min", "own", "< 1", round(value, 3), "1", value < 1)
            )
    return claims


def _timing(parts: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for mode in MODES:
        income = parts["income"].xs((mode, "noise"))["income_eur"]
        for name in (LR_OBS, BEST, "persistence"):
            for gate in (60, 180):
                lost = 100 * (1 - income[name, gate] / income[name, 30])
                text = f"timing: 30 → {gate} min costs {name}, bids by {mode}, same prices at every gate"
                if name == LR_OBS:
                    found.append(
                        claim(
                            text, "nowcast paper, section 5: under 1 %", "< 1", round(lost, 2), "% of income", lost < 1
                        )
                    )
                else:
                    found.append(told(text, round(lost, 2), "% of income"))
    table = parts["strategies"]["french level"]["income_eur"]
    for name in (LR_OBS, BEST, "perfect"):
        by_gate = {gate: float(table[f"{name} at {gate} min"]) for gate in GATES_MIN}
        worth = 100 * (max(by_gate.values()) / min(by_gate.values()) - 1)
        best = max(by_gate, key=by_gate.__getitem__)
        text = f"timing with simulated quotes whose spread rises: best ({best} min) over worst gate, {name}"
        found.append(
            claim(text, "nowcast paper, section 5: under 1 %", "< 1", round(worth, 2), "% of income", worth < 1)
        )
    return found


def _tables_3_and_4(farm: Any) -> list[dict[str, Any]]:
    found = []
    for mode in MODES:
        valued = farm.valuation(mode, 0)
        for stage, number, rows in (
            ("intraday", 3, (*((LR_OBS, g) for g in GATES_MIN), ("perfect", 30))),
            ("imbalance", 4, (*((LR_OBS, g) for g in GATES_MIN), ("none", 30))),
        ):
            table = exceedance(valued, stage)
            measured = {f"{name} {gate}": [round(x, 1) for x in table.loc[(name, gate)]] for name, gate in rows}
            found.append(
                told(
                    f"table {number}: % of half-hours below −20 % of ICAP, below 0, above 0, above 20 %; bids by {mode}",
                    measured,
                    "%",
                )
            )
        large = exceedance(valued, "imbalance").loc[LR_OBS]
        rises = bool((np.diff(large["below_minus_share"] + large["above_share"]) > 0).all())
        found.append(
            claim(
                f"large imbalances become more frequent with the gate, bids by {mode}",
                "nowcast paper, table 4",
                "rising",
                [round(x, 2) for x in large["below_minus_share"] + large["above_share"]],
                "%",
                rises,
            )
        )
    stages = income_table(farm.valuation(MODES[0], 0))
    for name in ("none", "perfect", LR_OBS, BEST, "persistence"):
        row = stages.loc[(name, 30)] / 1000
        found.append(
            told(
                f"income by stage of {name} at 30 min, seed 0: day-ahead, intraday, imbalance, all",
                [round(row[f"{s}_eur"], 1) for s in ("day_ahead", "intraday", "imbalance", "income")],
                "kEUR",
            )
        )
    return found


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
    for minutes, column, target in (
        (180, "sell_sd_eur", 12.1),
        (180, "buy_sd_eur", 12.3),
        (30, "sell_sd_eur", 13.4),
        (30, "buy_sd_eur", 14.5),
    ):
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
    fine = books.loc["blend, through the book"]
    return [
        *found,
        claim(
            "a larger farm gains less per MW through the book",
            "own",
            "falling",
            [round(float(x), 1) for x in fine],
            "EUR/MW/week",
            bool((np.diff(fine) <= 0).all()),
        ),
    ]


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
    assert len(SHAPES) == 6
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
