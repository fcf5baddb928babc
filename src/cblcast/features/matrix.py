"""The door for features alone: a matrix of cases, from a wish or from builders, without any estimator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cblcast.abilities import FeatureBuilder
from cblcast.errors import StudyError
from cblcast.features.feature_frame import column_index
from cblcast.frames.one_look import Room, one_look
from cblcast.frames.panel import Panel
from cblcast.wishes import Wish, builder_of, merge_wishes


def builders_of(*wishes: Wish | Iterable[Any]) -> dict[str, FeatureBuilder]:
    """The builders that serve all wishes, by name."""
    return {name: builder_of(name, params) for name, params in merge_wishes(*wishes).items()}


def matrix(
    panel: Panel,
    cases: pd.DataFrame,
    wishes: Wish | Iterable[Any],
    cache: dict[Any, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Feature matrix of `cases`.

    Parameters
    ----------
    panel : Panel
    cases : DataFrame
        As :func:`cblcast.frames.cases.make_cases` or the rolling origins make them.
    wishes : mapping builder -> parameters, or sequence of builders
        ``{"calendar": {}, "reference_days": {"days": 10}}`` or ``[Calendar(), ReferenceDays(days=10)]``.
    cache : dict, optional
        Features of THESE cases of THIS panel by builder; builders are stateless, so methods can share them.

    Returns
    -------
    DataFrame
        Index of `cases`, float64, the columns of the builders side by side.

    Raises
    ------
    StudyError
        Unknown builder or parameter.
    DataError
        A column that a builder needs and the panel lacks.

    Examples
    --------
    >>> from cblcast import datasets
    >>> from cblcast.days.placebo import placebo_events
    >>> from cblcast.features.matrix import matrix
    >>> from cblcast.frames.cases import View, make_cases
    >>> panel = datasets.load("turin")
    >>> cases = make_cases(panel, placebo_events(panel, "17:00", "20:00", first="2019-09-01"), View.real_time())
    >>> matrix(panel, cases, {"reference_days": {"days": 2}}).shape[0] == len(cases)
    True
    """
    return columns_of_builders(panel, cases, builders_of(wishes), cache)


def columns_of_builders(
    panel: Panel,
    cases: pd.DataFrame,
    builders: Mapping[str, FeatureBuilder],
    cache: dict[Any, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """As :func:`matrix`, from builders that are made already."""
    blocks = list(blocks_of_builders(panel, cases, builders, cache))
    if not blocks:
        return pd.DataFrame(index=cases.index)
    names = [name for block in blocks for name in block.columns.tolist()]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        makers = [name for name, block in zip(builders, blocks, strict=True) if twice in block.columns]
        raise StudyError(
            f"the column {twice!r} is made twice, by {' and '.join(makers)}: give one of them another prefix or leave one out"
        )
    return blocks[0] if len(blocks) == 1 else beside(blocks)


def blocks_of_builders(
    panel: Panel,
    cases: pd.DataFrame,
    builders: Mapping[str, FeatureBuilder],
    cache: dict[Any, pd.DataFrame] | None = None,
    room: Room | None = None,
) -> Iterator[pd.DataFrame]:
    """The columns of :func:`matrix`, those of each builder by themselves, made when they are asked for.

    With a `room` they may be written there, and then last until the next are asked for unless they are put there.
    """
    with one_look(panel, cases, room):
        for builder in builders.values():
            block = None if cache is None else cache.get(builder)
            if block is None:
                block = builder(panel, cases)
                if cache is not None:
                    cache[builder] = block
            yield block


def beside(blocks: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames of the same rows side by side; numbers become one block, since each further one is felt by what reads rows."""
    values = [block.to_numpy() for block in blocks]
    if any(
        one.dtype != np.float64 or not block.index.equals(blocks[0].index)
        for one, block in zip(values, blocks, strict=True)
    ):
        return pd.concat(blocks, axis=1)
    whole = np.concatenate([one.T for one in values]).T
    names = [name for block in blocks for name in block.columns.tolist()]
    return pd.DataFrame(whole, index=blocks[0].index, columns=column_index(names), copy=False)
