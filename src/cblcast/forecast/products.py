"""Which forecast runs a model was trained with: how they were read, how often they are issued, how late they arrive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cblcast.abilities import FeatureBuilder, columns_ahead
from cblcast.frames.forecast_runs import HOUR_US, ForecastRuns
from cblcast.frames.instants import stamp
from cblcast.frames.panel import Panel

USUAL = 0.9  # share of the runs that are issued, and arrive, within what counts as usual


@dataclass(frozen=True)
class Product:
    """A product of forecast runs, as it was in training.

    Attributes
    ----------
    read_as : mapping
        Options of its reader (:class:`cblcast.io.forecast_options.ForecastOptions`) that were given.
    every_h : float or None
        Hours from one run to the next, as nine in ten keep; None where there was one run.
    arrives_h : float
        Hours from a run's issue to its arrival, as nine in ten keep.
    """

    read_as: Mapping[str, Any] = field(default_factory=dict)
    every_h: float | None = None
    arrives_h: float = 0.0

    @classmethod
    def of(cls, runs: ForecastRuns) -> Product:
        """What `runs` say of themselves."""
        between = [
            np.diff(runs.issued_us[first:last])
            for first, last in zip(runs.first_run[:-1], runs.first_run[1:], strict=True)
        ]
        apart = np.concatenate(between) if between else np.zeros(0)
        late = np.quantile(runs.arrived_us - runs.issued_us, USUAL, method="higher")
        every = None if not len(apart) else float(np.quantile(apart, USUAL, method="higher")) / HOUR_US
        return cls(dict(runs.read_as), every, float(late) / HOUR_US)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Product:
        """What a saved model says."""
        every = document.get("every_h")
        return cls(
            dict(document["read_as"]), None if every is None else float(every), float(document.get("arrives_h", 0.0))
        )


def products_read(panel: Panel, builders: Iterable[FeatureBuilder]) -> dict[str, Product]:
    """The products of `panel` that some builder reads, by name."""
    read = {column for builder in builders for column in columns_ahead(builder)}
    return {runs.product: Product.of(runs) for runs in panel.runs if read & {*runs.columns, runs.age}}


def late_runs(panel: Panel, products: Mapping[str, Product], at: int) -> list[str]:
    """A sentence for each product and site whose newest run that had arrived by `at` [us UTC] is older than is usual."""
    told = []
    for runs in panel.runs:
        product = products.get(runs.product)
        if product is None or product.every_h is None:
            continue
        blocks = runs.blocks_of(panel.site_ids)
        for block in np.unique(blocks):
            sites = panel.site_ids[blocks == block]
            whose = "" if runs.sites is None else f" for site {str(sites[0])!r}"
            mine = slice(runs.first_run[block], runs.first_run[block + 1])
            issued = runs.issued_us[mine][runs.arrived_us[mine] <= at]
            if not len(issued):
                told.append(
                    f"no run of {runs.product}{whose} had arrived by {stamp(at)}: the first of the file arrives at "
                    f"{stamp(runs.arrived_us[mine].min())}"
                )
                continue
            lacking = int((at - issued.max() - product.arrives_h * HOUR_US) // (product.every_h * HOUR_US))
            if lacking > 0:
                told.append(
                    f"{lacking} {'run' if lacking == 1 else 'runs'} of {runs.product}{whose} {'is' if lacking == 1 else 'are'} "
                    f"missing: the newest that had arrived by {stamp(at)} was issued at {stamp(issued.max())}, and there was one every "
                    f"{product.every_h:g} h, {product.arrives_h:g} h after its issue, in training"
                )
    return told
