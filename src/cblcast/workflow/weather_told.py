"""What a study's weather is, told once: measured weather read ahead, and reanalyses, are better than any forecast."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from cblcast.abilities import columns_ahead
from cblcast.forecast.forecaster import Forecaster
from cblcast.frames.panel import Panel
from cblcast.frames.sources import Origin

log = logging.getLogger("cblcast.io")


def weather_sentences(panel: Panel, forecasters: Iterable[Forecaster]) -> list[str]:
    """What is read on hidden hours and was not forecast, a sentence for each kind of it."""
    read = dict.fromkeys(
        column
        for forecaster in forecasters
        for builder in forecaster.builders.values()
        for column in columns_ahead(builder)
        if column in panel.data.columns
    )
    kinds: dict[Origin, list[str]] = {}
    for column in read:
        kinds.setdefault(panel.source(column).origin, []).append(column)
    endings = {
        Origin.MEASURED: "measured, and read on the hours that are estimated: the figures are as of perfect weather forecasts",
        Origin.REANALYSIS: "a reanalysis, which knows what was measured later: the figures are better than with forecasts",
    }
    return [
        f"{', '.join(columns[:4])}{' …' if len(columns) > 4 else ''}: {endings[origin]}"
        for origin, columns in kinds.items()
        if origin in endings
    ]


def tell_weather(panel: Panel, forecasters: Iterable[Forecaster]) -> None:
    """Remark on weather that nobody would know ahead."""
    for sentence in weather_sentences(panel, forecasters):
        log.info(sentence)
