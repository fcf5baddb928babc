"""The pooled baseline on rows that lie on disk: what its nets and its tables see is written once, and read as often as they learn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from cblcast.errors import DataError
from cblcast.estimators.design import finite_target
from cblcast.estimators.neural.day_inputs import DayInputs
from cblcast.estimators.pooled_baseline import (
    COUNT,
    MEAN,
    SCALE,
    PooledBaseline,
    weights_of_sites,
    without_weather,
)
from cblcast.scaling.pooled_blocks import some_columns
from cblcast.scaling.pooled_rows import MatrixFiles, TrainingRows, write_matrix

_ROWS_AT_ONCE = 8192


def fit_pooled_baseline(estimator: PooledBaseline, rows: TrainingRows, fit: Any) -> PooledBaseline:
    """Train every member; `fit` trains one on rows."""
    scale, usable = estimator.scales(some_columns(rows, [SCALE, COUNT, MEAN]))
    if not usable.any():
        raise DataError(
            f"PooledBaseline has no training row with {estimator.fewest_days} reference days and a load to divide by"
        )
    estimator.n_features_in_ = len(rows.names)
    shares = finite_target(rows.y, estimator) / np.where(usable, scale, 1.0)
    own, scale = rows.with_target(shares).where(usable), scale[usable]
    folder, target = Path(rows.files.paths[0]).parent, np.empty(len(own))

    def seen() -> Iterator[tuple[slice, DayInputs, pd.DataFrame]]:
        for part in own.parts(_ROWS_AT_ONCE):
            yield part, *estimator.seen(own.block(part), scale[part])

    def sequences() -> Iterator[np.ndarray]:
        for part, inputs, _ in seen():
            target[part] = inputs.targets(own.y[part])
            yield pd.DataFrame(inputs.columns()).to_numpy()

    def tables() -> Iterator[np.ndarray]:
        for part, _, table in seen():
            yield without_weather(table, estimator.weather_lost, part.start).to_numpy()

    inputs, table = estimator.seen(own.block(slice(0, 1)), scale[:1])
    by_day = write_matrix(folder / "by_day.npy", list(inputs.columns()), len(own), sequences())
    by_mean = write_matrix(folder / "by_mean.npy", [str(name) for name in table.columns], len(own), tables())
    weight = weights_of_sites(pd.DataFrame(index=own.index), estimator)

    def on(files: MatrixFiles) -> TrainingRows:
        return replace(
            own, files=files, place=np.arange(len(own)), y=target, weight=weight, columns=files.columns, changes=()
        )

    nets, members = estimator.parts()
    estimator.nets_ = [fit(clone(net), on(by_day)) for _, net in nets]
    estimator.tables_ = [fit(clone(member), on(by_mean)) for _, member in members]
    return estimator
