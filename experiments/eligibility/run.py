"""Which rule is admissible, which is best, and what would a learned baseline do? Offices and homes.

    CBLCAST_DATA_DIR=... python experiments/eligibility/run.py

43 Cambridge buildings (hourly, 2018-2019) and 57 London homes on the standard tariff (half-hourly, 2013), working days
17-20 h local. A rule is chosen on two months (as PJM certifies) and judged on the months after. Writes results.json.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/

import pandas as pd
from claims import at_most, below, claim, summary, write

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.eligibility import certify, load_gates, recommend, sufficiency
from cblcast.estimators.learned_baseline import LearnedBaseline
from cblcast.estimators.learners.boosting import Boosting
from cblcast.estimators.learners.regression import Ridge
from cblcast.estimators.wrappers.normalised import Normalised
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.cases import View
from cblcast.frames.panel import Panel
from cblcast.frames.schema import DataWarning

HERE = Path(__file__).parent
RULES = [
    "caiso_10in10",
    "caiso_5in10_residential",
    "nyiso_average_day",
    "pjm_economic",
    "pjm_same_day",
    "pjm_match_day",
    "isone_10of10",
    "isone_90_10_legacy",
    "ercot_mid8of10",
    "ercot_matching_day_pair",
    "ercot_nearest20",
    "ieso_15of20",
    "aemo_wdrm_business",
    "kpx_mid6of10",
    "kpx_max4of5",
    "erab_high4of5",
    "elexon_bl01",
    "gb_dfs",
]
SPANS = {
    "cambridge": (("2017-01-09", "2018-12-21"), ("2019-01-07", "2019-02-28"), ("2019-03-01", "2019-12-13")),
    "lcl_homes": (("2013-03-01", "2013-08-31"), ("2013-09-01", "2013-10-31"), ("2013-11-01", "2013-12-20")),
}


def learned() -> dict[str, Forecaster]:
    """On recent like days, calendar, weather and four hours before and after: what the best rules may look at as well."""
    features = {
        "reference_days": {"days": 10, "temperature": "temp_air_c"},
        "calendar": {},
        "weather": {"columns": ("temp_air_c",)},
        "event_windows": {"hours_before": 4, "hours_after": 4},
    }
    models = {
        "Boosting": Boosting(),
        "Boosting, normalised": Normalised(Boosting(), "ref_day_kw_01"),
        "Ridge, normalised": Normalised(Ridge(), "ref_day_kw_01"),
        "LearnedBaseline": LearnedBaseline(),
    }
    return {
        name: Forecaster(model, features if name != "LearnedBaseline" else {}, View.settlement(), name)
        for name, model in models.items()
    }


def read(name: str) -> Panel:
    """The sites with enough data."""
    panel = datasets.load(name)
    keep = sufficiency(panel)
    if name == "lcl_homes":
        keep = keep[panel.sites["tariff_group"] == "Std"]
    return panel.select(keep.index[keep["sufficient"]])


def main() -> None:
    results = []
    for name, spans in SPANS.items():
        whole = datasets.load(name)
        panel = read(name)
        train, choose, judge = (placebo_events(panel, "17:00", "20:00", first=a, last=b) for a, b in spans)
        gaps = sufficiency(whole)
        text = f"{name}: sites with sufficient data, of {len(gaps)}"
        results.append(claim(text, "project target", int(gaps["sufficient"].sum()), "sites"))
        for gate in load_gates():
            told = certify(panel, choose, RULES, gate)
            share = 100 * told.groupby("program")["admissible"].mean()
            best = share.idxmax() if share.max() else "none"
            text = f"{name}: sites at which a rule passes the gate {gate}, mean over {len(RULES)} rules (best: {best})"
            source = "PROGRAM rules: PJM 20 %, AEMO 20 % and bias 4 %, KPX 30 %"
            results.append(claim(text, source, share.mean(), "%", digits=1, best=round(float(share.max()), 1)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            told = recommend(
                panel,
                choose,
                judge,
                RULES,
                "kpx" if name == "lcl_homes" else "pjm",
                learned=learned(),
                train_on=train,
                min_share=0.0 if name == "lcl_homes" else 0.5,
            )
        print(told.round(2).to_string())
        for segment, row in told.iterrows():
            chosen, best = f"{name}, {segment}", row["best_rule_rrmse_pct"]
            text = (
                f"{chosen}: the rule chosen on two months ({row['rule']}) is within 10 % of the best rule in hindsight"
            )
            limit = at_most(round(1.1 * best, 2))
            results.append(claim(text, "project target", row["rrmse_pct"], "% RRMSE", limit, best_rule=round(best, 2)))
            text = f"{chosen}: the learned baseline chosen on the same two months ({row['learned']}) beats the rule"
            limit = below(round(row["rrmse_pct"], 2))
            results.append(claim(text, "project target", row["learned_rrmse_pct"], "% RRMSE", limit))
    write(HERE / "results.json", results)
    print(pd.DataFrame(results)[["measured", "target", "holds", "claim"]].to_string())
    print(summary(results))


if __name__ == "__main__":
    main()
