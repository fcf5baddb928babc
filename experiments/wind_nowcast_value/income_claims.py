"""Every target of the second half beside what was measured, misses included."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from french_market import GATES_MIN, MODES, french_market, in_world

from cblcast.metrics import rmae
from cblcast.value.significance import diebold_mariano, giacomini_white
from cblcast.value.wind_market import Valuation
from cblcast.value.wind_tables import exceedance, income_table

LR_OBS, BEST, CURVE = "LR_obs (paper)", "blend", "NWP through IEC curve"
PAPER_GAINS = {"Bonneval": (58.0, 17.3, 15.2, 35.1), "la Vènerie": (84.1, 24.5, 2.8, 67.0)}
RANKED = (LR_OBS, "persistence", "LR_no-obs (paper)", CURVE)


def claim(text: str, source: str, target: Any, measured: Any, unit: str, holds: bool) -> dict[str, Any]:
    return {"claim": text, "source": source, "target": target, "measured": measured, "unit": unit, "holds": bool(holds)}


def told(text: str, measured: Any, unit: str, source: str = "reported") -> dict[str, Any]:
    """Something that has no target."""
    return claim(text, source, None, measured, unit, True)


def income_claims(farm: Any, parts: dict[str, Any]) -> list[dict[str, Any]]:
    found = _imbalance_prices(farm) + _identities(farm) + _ranking(parts["income"])
    for mode in MODES:
        found += _gains(parts["income"], mode) + _tests(farm, mode)
    return found + _timing(parts) + _tables_3_and_4(farm)


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
            gain = in_world(table, mode, kind).xs(30, level="gate_min")["gain_eur_per_mw_week"]
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
    here = in_world(table, mode).xs(30, level="gate_min")
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
        income = in_world(parts["income"], mode)["income_eur"]
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
