"""Train the pretrained baseline: ``python experiments/pretrained_baseline/train.py [--views real_time ...] [--data ship|all]``.

Writes ``models/pretrained/<view>`` and ``models/pretrained/card.json`` from data that may be shipped. The Cambridge estate
is read from CBLCAST_DATA_DIR; where that names none, the twelve bundled buildings teach alone, and the card says so. With
``--data all`` the homes of London teach too; such a model is for figures, is written where ``--out`` says and is not shipped.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import sys
import time
import warnings
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent))

import numpy as np
import pandas as pd
from sets import LOADERS, SHIP, WINDOWS_A_DAY, random_windows

from cblcast import datasets
from cblcast.estimators.pooled_baseline import PooledBaseline
from cblcast.forecast.forecaster import Forecaster, truth
from cblcast.forecast.manifest import digest_of
from cblcast.forecast.pretrained import CARD, VIEWS
from cblcast.frames.cases import View, make_cases
from cblcast.frames.panel import Panel

ROOT = Path(__file__).resolve().parents[2]
SEED = 15


def taught(panel: Panel, a_day: int, forecaster: Forecaster) -> tuple[pd.DataFrame, np.ndarray]:
    """Feature matrix and truth of random windows of a panel."""
    windows = random_windows(panel, a_day, SEED)
    cases = make_cases(panel, windows, forecaster.view, may_overlap=True)
    return forecaster.matrix(panel, cases).astype(np.float32), truth(panel, cases)  # half the memory


def train(view: View, panels: dict[str, Panel]) -> tuple[Forecaster, dict[str, int]]:
    """A trained forecaster of one view, and the rows that each set gave."""
    forecaster = Forecaster(PooledBaseline(), view=view, name="Pretrained")
    parts = {name: taught(panel, WINDOWS_A_DAY[name], forecaster) for name, panel in panels.items()}
    X = pd.concat([part[0] for part in parts.values()])
    y = np.concatenate([part[1] for part in parts.values()])
    forecaster.fit_matrix(X, y, panels["turin"].sites)
    forecaster.sites = None  # a user's site may bear the name of one of these, and lies elsewhere
    return forecaster, {name: int(np.isfinite(part[1]).sum()) for name, part in parts.items()}


def told(name: str, panel: Panel, rows: int) -> dict[str, object]:
    """One line of the card: a data set, whose it is, and what of it taught."""
    known = datasets.CATALOGUE[name if name in datasets.CATALOGUE else "fontana_homes"]
    if name == "cambridge" and not known.available:
        known = datasets.CATALOGUE["cambridge_sme"]
    times = panel.data.index.get_level_values("time")
    return {
        "set": known.name, "title": known.title, "licence": known.licence, "credit": known.credit,
        "sites": len(panel.site_ids), "rows": rows, "first": times.min().isoformat(), "last": times.max().isoformat(),
        "step_minutes": panel.step.total_seconds() / 60, "weather": "temp_air_c" in panel.data.columns,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--views", nargs="+", default=list(VIEWS), choices=list(VIEWS))
    parser.add_argument("--data", default="ship", choices=["ship", "all"])
    parser.add_argument("--out", type=Path, default=ROOT / "models" / "pretrained")
    wanted = parser.parse_args()
    names = SHIP if wanted.data == "ship" else (*SHIP, "lcl_homes")
    if wanted.data == "all" and wanted.out == ROOT / "models" / "pretrained":
        sys.exit("the homes of London may not be shipped: name another folder with --out")
    if not os.environ.get(datasets.ENVIRONMENT_VARIABLE):
        print(f"{datasets.ENVIRONMENT_VARIABLE} is not set: of Cambridge only the twelve bundled buildings teach")
    panels = {name: LOADERS[name]() for name in names}
    wanted.out.mkdir(parents=True, exist_ok=True)
    card_file = wanted.out / CARD
    for view in wanted.views:
        begun, clock = time.process_time(), time.time()
        forecaster, rows = train(VIEWS[view], panels)
        seconds, clock = time.process_time() - begun, time.time() - clock
        folder = wanted.out / view
        shutil.rmtree(folder, ignore_errors=True)
        forecaster.save(folder)
        card = json.loads(card_file.read_text(encoding="utf-8")) if card_file.exists() else {"views": {}}
        card["views"][view] = {
            "manifest_sha256": digest_of(folder),
            "bytes": sum(file.stat().st_size for file in folder.iterdir()),
            "members": list(forecaster.estimator.member_names),
            "data": [told(name, panel, rows[name]) for name, panel in panels.items()],
            "training_processor_seconds": round(seconds),
        }
        card["retrain"] = "python experiments/pretrained_baseline/train.py"
        card_file.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
        print(f"{view}: {sum(rows.values())} rows, {seconds:.0f} processor seconds ({clock:.0f} s)", flush=True)


if __name__ == "__main__":
    logging.disable(logging.INFO)
    with warnings.catch_warnings(record=True):  # odd days of the meters, which stay as they are
        main()
