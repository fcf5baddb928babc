"""Recompute tables 1 and 2 of the baseline paper, and its NN-CBL: ``python experiments/sme_baselines/networks.py``.

Writes ``results_networks.json``, ``networks_tables_1_2.csv`` and ``leaderboard_networks_*.csv`` beside this file and
prints the tables of the README. ``--limit`` is the time a net may train (the paper allowed 1,200 s); an epoch that has
begun is finished, and of the largest nets one epoch takes long.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/

import numpy as np
import pandas as pd
from claims import Record, Target, above, at_most, below, between, claim, summary, write

from cblcast.config import method_name, read_study
from cblcast.days.placebo import placebo_events
from cblcast.estimators.neural import NeuralNet
from cblcast.forecast.forecaster import Forecaster, truth
from cblcast.frames.panel import Panel
from cblcast.workflow.studies import load_panel, run_study

HERE = Path(__file__).parent
# The building nearest to the shop in size: 32 kW in the mean, 2 to 104 kW; the shop's table 3 gives 6.75 / 0.2155 = 31 kW.
BUILDING = "b23"
INPUTS = ("hour", "day_of_month", "month", "day_type")
# A net with more parameters would need a Gauss-Newton matrix of 0.9 GB and 10^12 operations an epoch (5 layers of 50).
MOST_PARAMETERS = 6000
PAPER_NETS = {  # neurons, layers, trainer: train RMSE [kW], seconds in MATLAB, validation RMSE [kW] (tables 1 and 2)
    (10, 1, "lm"): (10.05, 2, 10.21), (10, 1, "br"): (10.00, 10, 10.08), (10, 1, "scg"): (11.09, 2, 10.62),
    (10, 2, "lm"): (9.36, 2, 10.17), (10, 2, "br"): (9.03, 35, 9.85), (10, 2, "scg"): (9.98, 3, 9.80),
    (10, 3, "lm"): (7.89, 4, 13.97), (10, 3, "br"): (7.18, 83, 15.49), (10, 3, "scg"): (9.88, 3, 13.39),
    (10, 5, "lm"): (8.58, 4, 13.35), (10, 5, "br"): (5.61, 145, 16.19), (10, 5, "scg"): (10.25, 4, 13.59),
    (50, 1, "lm"): (8.95, 4, 10.22), (50, 1, "br"): (8.66, 71, 10.54), (50, 1, "scg"): (11.62, 4, 10.93),
    (50, 2, "lm"): (7.84, 175, 10.68), (50, 2, "br"): (4.43, 1200, 14.16), (50, 2, "scg"): (9.18, 18, 10.49),
    (50, 3, "lm"): (5.59, 558, 14.73), (50, 3, "br"): (9.06, 1200, 13.17), (50, 3, "scg"): (8.93, 22, 13.65),
    (50, 5, "lm"): (3.02, 1200, 17.04), (50, 5, "br"): (15.72, 1200, 15.80), (50, 5, "scg"): (8.80, 45, 14.03),
}  # fmt: skip
PAPER_CBL = {  # tables 3, 5, 6, 7: MAPE, MPE, nRMSE [%]
    "NN-CBL": (17.60, 2.52, 21.55), "WS-NN-CBL": (7.49, -0.10, 9.00), "PBLM-NN-CBL": (6.08, 1.25, 7.50),
    "BW-NN-CBL": (4.24, -0.90, 5.85), "Nearest5of10": (12.38, 4.00, 17.78), "WS-Nearest5of10": (6.99, 2.15, 8.48),
    "PBLM-Nearest5of10": (4.72, 1.53, 5.90), "BW-Nearest5of10": (10.06, 1.74, 9.30),
}  # fmt: skip


def whole_days(panel: Panel, first: str, last: str) -> tuple[pd.DataFrame, np.ndarray]:
    """The paper's inputs and targets: every hour from Monday to Saturday (section 3.3)."""
    events = placebo_events(panel, "00:00", "24:00", days="monday_to_saturday", first=first, last=last)
    made = Forecaster(NeuralNet(), {"calendar": {}})
    cases = made.cases(panel, events)
    return made.matrix(panel, cases)[list(INPUTS)], truth(panel, cases)


def parameters(neurons: int, layers: int) -> int:
    return (len(INPUTS) + 1) * neurons + (layers - 1) * (neurons + 1) * neurons + neurons + 1


def table_of_nets(panel: Panel, limit: float, write: Path) -> list[dict[str, object]]:
    """Tables 1 and 2: what every net reaches on its own rows, on rows held out at random, and a year later."""
    X, y = whole_days(panel, "2017-01-01", "2018-12-31")
    later, truth_later = whole_days(panel, "2019-01-01", "2019-12-31")
    rows: list[dict[str, object]] = []
    for (neurons, layers, trainer), (train, seconds, validation) in PAPER_NETS.items():
        size = parameters(neurons, layers)
        row: dict[str, object] = {"neurons": neurons, "layers": layers, "trainer": trainer, "parameters": size}
        if trainer == "scg" or size <= MOST_PARAMETERS:
            began, busy = time.perf_counter(), time.process_time()
            net = NeuralNet(hidden=(neurons,) * layers, trainer=trainer, time_limit_s=limit).fit(X, y)
            took = {"seconds": time.perf_counter() - began, "cpu_s": time.process_time() - busy}
            made = {name: net.history_[name][0] for name in ("train_rmse", "validation_rmse", "epochs", "stop_reason")}
            error = float(np.sqrt(np.mean((net.predict(later) - truth_later) ** 2)))
            row |= {**made, "rmse_2019": error, **took}
        else:
            row |= {"stop_reason": "not run"}
        row |= {"paper_train_rmse": train, "paper_seconds": seconds, "paper_validation_rmse": validation}
        rows.append({key: round(value, 2) if isinstance(value, float) else value for key, value in row.items()})
        print(rows[-1], flush=True)
        pd.DataFrame(rows).to_csv(write, index=False)  # after every net: a run cut short keeps what it measured
    return rows


def beside_table_of_nets(rows: list[dict[str, object]]) -> str:
    lines = [
        "| net | trainer | train | held out | 2019 | s | stopped by | paper: train | validation | s |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        ours = [row.get(key, "–") for key in ("train_rmse", "validation_rmse", "rmse_2019", "seconds", "stop_reason")]
        paper = [row[f"paper_{key}"] for key in ("train_rmse", "validation_rmse", "seconds")]
        name = f"{row['layers']}×{row['neurons']}"
        lines.append("| " + " | ".join(map(str, [name, str(row["trainer"]).upper(), *ours, *paper])) + " |")
    return "\n".join(lines)


def claims_of_nets(rows: list[dict[str, object]]) -> list[Record]:
    table = pd.DataFrame(rows).set_index(["neurons", "layers", "trainer"])
    chosen = table.loc[(10, 2, "scg")]
    ten, fifty = table.loc[10], table.loc[50]
    best_later = table["rmse_2019"].min()
    few = min(table.loc[(n, layers)]["rmse_2019"].min() for n in (10, 50) for layers in (1, 2))
    many = min(table.loc[(n, layers)]["rmse_2019"].min() for n in (10, 50) for layers in (3, 5))
    two = ten.loc[2]["train_rmse"]
    br, lm = two["br"] / two["scg"], two["lm"] / two["scg"]
    slowest_scg = float(table.xs("scg", level="trainer")["seconds"].max())
    quickest_large = float(fifty.drop("scg", level="trainer").loc[[2, 3]]["seconds"].min())

    def of_paper(text: str, measured: float, unit: str, target: Target, paper: float | None = None) -> Record:
        more = {} if paper is None else {"paper": round(paper, 2)}
        return claim(text, "EEDAL'21 tables 1-2", measured, unit, target, **more)

    return [
        of_paper("2×10, training error: BR below SCG (BR / SCG)", br, "ratio", below(1), 9.03 / 9.98),
        of_paper(
            "2×10, training error: LM between BR and SCG (LM / SCG)", lm, "ratio", between(round(br, 2), 1), 9.36 / 9.98
        ),
        of_paper(
            "2×10 by SCG has the least validation error of all nets (its RMSE on 2019 / the least)",
            chosen["rmse_2019"] / best_later,
            "ratio",
            at_most(1),
        ),
        of_paper(
            "three and five layers do worse on data not seen (least RMSE on 2019, 3-5 layers / 1-2 layers)",
            many / few,
            "ratio",
            above(1),
            13.17 / 9.80,
        ),
        of_paper(
            "SCG is quicker than LM and BR on 2 and 3 layers of 50 (slowest SCG / quickest of those)",
            slowest_scg / quickest_large,
            "ratio",
            below(1),
        ),
        of_paper("2×10 by LM, seconds", ten.loc[(2, "lm"), "seconds"], "s", at_most(2)),
        of_paper("2×10 by SCG, seconds", chosen["seconds"], "s", at_most(3)),
    ]


def claims_of_cbl(name: str, board: pd.DataFrame, source: str = "EEDAL'21 tables 3, 5, 6, 7") -> list[Record]:
    """What the paper found of its NN-CBL, asked of one leaderboard; the paper's own figure stands beside it."""

    def ratio(text: str, one: str, other: str, target: Target, measure: str = "nrmse") -> Record:
        column = {"mape": 0, "nrmse": 2}[measure]
        paper = PAPER_CBL[one][column] / PAPER_CBL[other][column]
        ours = board.loc[one, measure] / board.loc[other, measure]
        words = f"{name}: {text} ({measure}, {one} / {other})"
        return claim(words, source, ours, "ratio", target, paper=round(paper, 2))

    text, bias = f"{name}: the bare net overestimates (MPE)", board.loc["NN-CBL", "mpe"]
    return [
        ratio("the bare net is worse than the best bare rule", "NN-CBL", "Nearest5of10", above(1)),
        ratio("WS helps the net", "WS-NN-CBL", "NN-CBL", below(1)),
        ratio("PBLM helps it more", "PBLM-NN-CBL", "WS-NN-CBL", below(1)),
        ratio("BW helps the net most", "BW-NN-CBL", "PBLM-NN-CBL", below(1)),
        ratio("with WS the net stays behind the rule", "WS-NN-CBL", "WS-Nearest5of10", above(1)),
        ratio("with PBLM the net stays behind the rule", "PBLM-NN-CBL", "PBLM-Nearest5of10", above(1)),
        ratio("with BW the net is better than the rule", "BW-NN-CBL", "BW-Nearest5of10", below(1)),
        claim(text, source, bias, "%", above(0), paper=2.52),
    ]


def beside_paper(boards: dict[str, pd.DataFrame]) -> str:
    """MAPE, MPE, nRMSE of every method on every data set, beside the paper's."""
    head = " | ".join(f"{name} MAPE | MPE | nRMSE" for name in [*boards, "paper"])
    lines = [f"| method | {head} |", "|---|" + "---|" * (3 * len(boards) + 3)]
    methods = dict.fromkeys([*PAPER_CBL, *(m for board in boards.values() for m in board.index)])
    for method in methods:
        cells: list[str] = []
        for board in boards.values():
            if method in board.index:
                ours = board.loc[method]
                cells += [f"{ours['mape']:.2f}", f"{ours['mpe']:+.2f}", f"{ours['nrmse']:.2f}"]
            else:
                cells += ["–"] * 3
        cells += [str(value) for value in PAPER_CBL.get(method, ("–",) * 3)]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def boards_of_cbl() -> dict[str, pd.DataFrame]:
    """Leaderboards: the calendar net 17:00-20:00, the same 10:00-23:00 (table 3's hours), and nets with all features."""
    boards = {}
    for name in ("cambridge", "turin"):
        file = HERE / f"networks_{name}.yaml"
        study = read_study(file)
        panel = load_panel(study)
        boards[name.capitalize()] = run_study(study, panel, lambda method: print(f"  {method}", end="\r")).leaderboard
        long = read_study(file, {"events.start": "'10:00'", "events.stop": "'23:00'"})
        bare = tuple(spec for spec in long.methods if method_name(spec) in ("NN-CBL", "Nearest5of10"))
        boards[f"{name.capitalize()} 10-23 h"] = run_study(long.model_copy(update={"methods": bare}), panel).leaderboard
        changes = {key: getattr(study, key) for key in ("train", "test")} | {"data.dataset": study.data.dataset}
        full = run_study(read_study(HERE / "networks_full.yaml", changes), panel).leaderboard
        boards[name.capitalize()] = pd.concat([boards[name.capitalize()], full.drop("PBLM-Nearest5of10")])
    return boards


def all_claims(nets: list[dict[str, object]], boards: dict[str, pd.DataFrame]) -> list[Record]:
    claims = claims_of_nets(nets)
    for name in ("Cambridge", "Turin"):
        claims += claims_of_cbl(name, boards[name])
        pooled, rule = (boards[name].loc[method, "nrmse"] for method in ("NN-full-pooled", "PBLM-Nearest5of10"))
        text = f"{name}: one net for all buildings, full features, below the best adjusted rule (nrmse, ratio)"
        claims.append(claim(text, "own target", pooled / rule, "ratio", below(1)))
    return claims


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=float, default=60.0, help="seconds a net of tables 1 and 2 may train")
    args = parser.parse_args()
    logging.getLogger("cblcast").setLevel(logging.ERROR)  # the counts of missing features are known and many
    boards = boards_of_cbl()
    for name, board in boards.items():
        file = f"leaderboard_networks_{name.lower().replace(' ', '_')}.csv"
        board.drop(columns=["train_s", "predict_s"]).round(3).to_csv(HERE / file)
    print(beside_paper(boards))
    panel = load_panel(read_study(HERE / "networks_cambridge.yaml")).select([BUILDING])
    nets = table_of_nets(panel, args.limit, HERE / "networks_tables_1_2.csv")
    print(beside_table_of_nets(nets))
    claims = all_claims(nets, boards)
    write(HERE / "results_networks.json", claims)
    print(f"\n{summary(claims)}")


if __name__ == "__main__":
    main()
