"""Trained methods judged on a store, some sites at a time, by whoever is asked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from time import perf_counter

import pandas as pd

from cblcast import tracking
from cblcast.config import Study
from cblcast.forecast.backtest import judged
from cblcast.forecast.case_bank import banks_of
from cblcast.forecast.evaluation import evaluate
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.panel import Panel
from cblcast.frames.schema import SITE
from cblcast.scaling import StorePiece
from cblcast.workflow import run_notes as notes
from cblcast.workflow.leaderboard import best_first, scale_of, wanted_metrics
from cblcast.workflow.study_data import Span, events_of

MEASURES, EXCLUDED, SECONDS, USED = "measures", "excluded", "seconds", "used"


@dataclass(frozen=True)
class Learnable:
    """Panel → the events of a study's training span that can be learned from."""

    study: Study
    span: Span

    def __call__(self, panel: Panel) -> pd.DataFrame:
        """Events (``site_id``, ``start``, ``stop``)."""
        return events_of(self.study, panel).learnable(self.span)


@dataclass(frozen=True)
class JudgeTrained:
    """Judges trained methods on the test events of a piece.

    Attributes
    ----------
    study : Study
    models : mapping
        Method → folder of its model, which every process that judges reads once.
    question : str
        What the models are made from: others in the same folders are read anew.
    """

    study: Study
    models: Mapping[str, str]
    question: str

    def __call__(self, piece: StorePiece) -> Mapping[str, pd.DataFrame]:
        """Measures by method and site, events without an estimate, seconds by method, and what was read."""
        forecasters = {name: _model(folder, self.question) for name, folder in self.models.items()}
        panel = piece.panel()
        _, test = events_of(self.study, panel).between(self.study.train, self.study.test)
        banks = banks_of(panel, forecasters.values(), test)
        measures, excluded, seconds = [], [], []
        for name, forecaster in forecasters.items():
            began = perf_counter()
            rows, out = judged(panel, banks[forecaster.view].answer(forecaster))
            seconds.append((name, perf_counter() - began))
            excluded.append(out.assign(method=name))
            if len(rows):
                scored = rows.assign(method=name, fold="test")
                told = evaluate(scored, ["method", SITE], wanted_metrics(self.study), scale=scale_of(self.study, panel))
                measures.append(told.drop(columns="n_sites").reset_index())
        used = json.dumps(asdict(notes.data_of(self.study, panel)))
        tables = {
            EXCLUDED: pd.concat(excluded, ignore_index=True),
            SECONDS: pd.DataFrame(seconds, columns=["method", "predict_s"]),
            USED: pd.DataFrame({"told": [used]}, dtype=object),
        }
        return tables | ({MEASURES: pd.concat(measures, ignore_index=True)} if measures else {})


@lru_cache(maxsize=32)
def _model(folder: str, question: str) -> Forecaster:
    return Forecaster.load(Path(folder))


def data_used(study: Study, told: pd.DataFrame) -> tracking.DataUsed:
    """The data set of all partitions, of the table ``used`` of each: a digest of their digests."""
    parts = [tracking.DataUsed(**json.loads(text)) for text in told["told"]]
    digest = hashlib.sha256("".join(part.digest for part in parts).encode()).hexdigest()[: len(parts[0].digest)]
    profile = dict(parts[0].profile)
    for key, joined in (("rows", sum), ("sites", sum), ("first", min), ("last", max)):
        profile[key] = joined([part.profile[key] for part in parts])
    name = Path(str(study.data.panel)).name
    return tracking.DataUsed(name, digest, str(study.data.panel), parts[0].columns, profile)


def board_of_sites(study: Study, by_site: pd.DataFrame, excluded: pd.DataFrame, methods: list[str]) -> pd.DataFrame:
    """The leaderboard of measures by method and site: the mean over sites, best first."""
    groups = by_site.groupby("method", sort=False)
    table = groups[wanted_metrics(study)].mean().join(groups["n_events"].sum())
    table["n_sites"] = groups[SITE].nunique()
    table = table.reindex(methods)
    for column in ("n_events", "n_sites"):
        table[column] = table[column].fillna(0).astype(int)
    table["n_excluded"] = excluded.groupby("method").size().reindex(table.index).fillna(0).astype(int)
    return best_first(study, table, study.forecasters())
