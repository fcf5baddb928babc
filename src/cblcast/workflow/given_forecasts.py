"""Forecast runs that are given to a trained model: which files are of which product, read as they were in training."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cblcast.errors import StudyError, nearest
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.products import Product
from cblcast.frames.forecast_runs import ForecastRuns
from cblcast.io.forecast_options import ForecastOptions
from cblcast.io.forecasts import read_forecasts_told

NUMBERS = ("delay_h", "max_gap_h")  # options whose values are numbers


def given_runs(forecaster: Forecaster, given: Sequence[str]) -> tuple[ForecastRuns, ...]:
    """The runs of the products that the command line names.

    Parameters
    ----------
    forecaster : Forecaster
        Trained; the options that a product was read with in training hold where `given` says nothing else.
    given : sequence of str
        ``PRODUCT=FILE``, options behind commas (``PRODUCT=FILE,delay_h=3``). A product that is named several times has
        several files.

    Raises
    ------
    StudyError
        A text of another form, a product that the model does not read, one that it reads and that is not given, two
        values of one option.
    DataError
        As :func:`cblcast.io.forecasts.read_forecasts`.
    """
    files: dict[str, list[Path]] = {}
    options: dict[str, dict[str, Any]] = {}
    for text in given:
        product, file, own = _parts(text)
        known = options.setdefault(product, own)
        if any(known.setdefault(name, value) != value for name, value in own.items()):
            raise StudyError(f"--forecasts names two values of one option of {product}: give all its files the same")
        files.setdefault(product, []).append(file)
    _check_products(forecaster, list(files))
    found = []
    for product, paths in files.items():
        trained = forecaster.products.get(product, Product()).read_as
        runs, report = read_forecasts_told(
            list(paths), ForecastOptions.of(product, _together(trained, options[product]))
        )
        report.tell()
        found.append(runs)
    return tuple(found)


def _parts(text: str) -> tuple[str, Path, dict[str, Any]]:
    """Product, file and options of ``PRODUCT=FILE,delay_h=3``."""
    pairs = [part.partition("=") for part in text.split(",")]
    wrong = next((key + mark for key, mark, value in pairs if not (key.strip() and value.strip())), None)
    if wrong is not None:
        raise StudyError(f"--forecasts {text!r}: {wrong!r} has no value: write PRODUCT=FILE, or PRODUCT=FILE,delay_h=3")
    (product, _, file), *more = [(key.strip(), mark, value.strip()) for key, mark, value in pairs]
    options: dict[str, Any] = {}
    for key, _, value in more:
        if key in NUMBERS and re.fullmatch(r"\d+(\.\d+)?", value) is None:
            raise StudyError(f"--forecasts {text!r}: {key} is a number of hours, not {value!r}")
        options[key] = float(value) if key in NUMBERS else value
    return product, Path(file), options


def _check_products(forecaster: Forecaster, given: list[str]) -> None:
    reads = list(forecaster.products)
    strange = next((product for product in given if reads and product not in reads), None)
    if strange is not None:
        raise StudyError(f"{forecaster.name} reads no forecasts of {strange!r}: {nearest(strange, reads)}")
    lacking = [product for product in reads if product not in given]
    if lacking:
        raise StudyError(
            f"{forecaster.name} was trained with forecast runs of {', '.join(lacking)}, which were not given: add "
            + " ".join(f"--forecasts {product}=FILE" for product in lacking)
        )


def _together(trained: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Options of the training under those that are given; a stamp goes with the kind of values that it was given for."""
    kept = dict(trained)
    if "values" in own and own["values"] != kept.get("values", "instants"):
        kept.pop("stamp", None)
    return kept | dict(own)
