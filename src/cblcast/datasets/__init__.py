"""The bundled samples, and where to get the large data sets.

Bundled samples lie inside an installed wheel (``cblcast/_samples``) and, in a checkout, once in ``data/samples``.
Larger sets are looked for in the folder that the environment variable ``CBLCAST_DATA_DIR`` names. Nothing is ever
downloaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cblcast.datasets.catalogue import CATALOGUE, Dataset
from cblcast.datasets.files import ENVIRONMENT_VARIABLE, folder_of, samples
from cblcast.errors import DataError, nearest

if TYPE_CHECKING:
    import pandas as pd

    from cblcast.frames.panel import Panel

__all__ = ["CATALOGUE", "ENVIRONMENT_VARIABLE", "Dataset", "describe", "list_datasets", "load", "load_reanalysis"]


def list_datasets() -> list[Dataset]:
    """Every known data set, the bundled ones first."""
    return list(CATALOGUE.values())


def load(name: str) -> Panel:
    """One data set as a panel.

    Parameters
    ----------
    name : str
        See :func:`list_datasets`.

    Returns
    -------
    Panel
        ``observed_kw`` [kW] (load > 0 for a customer, generation > 0 for a farm) and the weather of the site.

    Raises
    ------
    DataError
        Unknown name, or data that are not bundled and not found; the sentence says where to get them.

    Examples
    --------
    >>> from cblcast import datasets
    >>> datasets.load("turin").step
    Timedelta('0 days 00:15:00')
    """
    from cblcast.frames.panel import Panel

    dataset = _find(name)
    data, sites = dataset.read(_paths(dataset))
    return Panel(data, sites)


def load_reanalysis(source: str) -> pd.DataFrame:
    """The reanalysis at La Haute Borne, hourly, at its own stamps.

    Parameters
    ----------
    source : {"era5", "merra2"}
        ERA5 is instantaneous at hh:00; MERRA-2 is the mean of the hour centred at hh:30.

    Returns
    -------
    DataFrame, index time (UTC)
        Wind components [m/s], temperatures [K], pressure [Pa], density [kg/m³]; the height is in each name.
        A reanalysis is no forecast: its error is smaller than that of a 24-47 h forecast. ``attrs["source"]`` says so.

    Raises
    ------
    DataError
        Unknown source.
    """
    import pandas as pd

    sources = ("era5", "merra2")
    if source not in sources:
        raise DataError(f"there is no reanalysis {source!r}: {nearest(source, sources)}")
    frame = pd.read_parquet(samples() / f"la_haute_borne_{source}.parquet").set_index("time")
    frame.attrs["source"] = {"kind": "reanalysis", "product": source}
    return frame


def describe(name: str) -> dict[str, Any]:
    """What a data set holds: sites, rows, span, step, mean power, gaps, licence and credit.

    Returns
    -------
    dict
        ``name``, ``title``, ``sites``, ``rows``, ``first`` and ``last`` (ISO 8601, UTC, interval starts),
        ``step_minutes``, ``mean_kw`` (over metered intervals of all sites [kW]), ``not_metered`` (intervals whose
        power is NaN), ``columns``, ``tz``, ``licence``, ``credit``, ``particulars`` (what is special about it, a sentence each).
    """
    dataset = _find(name)
    panel = load(name)
    times = panel.data.index.get_level_values("time")
    observed = panel.data["observed_kw"]
    return {
        "name": dataset.name,
        "title": dataset.title,
        "sites": len(panel.sites),
        "rows": len(panel.data),
        "first": times.min().isoformat(),
        "last": times.max().isoformat(),
        "step_minutes": panel.step.total_seconds() / 60,
        "mean_kw": float(observed.astype("float64").mean()),
        "not_metered": int(observed.isna().sum()),
        "columns": [str(column) for column in panel.data.columns],
        "tz": sorted(panel.sites["tz"].unique().tolist()),
        "licence": dataset.licence,
        "credit": dataset.credit,
        "particulars": list(dataset.particulars),
    }


def _find(name: str) -> Dataset:
    if name not in CATALOGUE:
        raise DataError(f"there is no data set {name!r}: {nearest(name, CATALOGUE)}")
    return CATALOGUE[name]


def _paths(dataset: Dataset) -> list[Path]:
    """The files of `dataset`, or one sentence that says which is missing and where it comes from."""
    folder = folder_of(dataset.bundled)
    if folder is None:
        raise DataError(
            f"the data set {dataset.name!r} is not bundled and {ENVIRONMENT_VARIABLE} is not set: get it from "
            f"{dataset.origin}, lay it out as data/README.md says, and name the folder in {ENVIRONMENT_VARIABLE}"
        )
    paths = [folder / file for file in dataset.files]
    missing = [file for file, path in zip(dataset.files, paths, strict=True) if not path.is_file()]
    if missing:
        remedy = "reinstall cblcast" if dataset.bundled else f"get it from {dataset.origin}"
        raise DataError(f"the data set {dataset.name!r} lacks {missing[0]} in {folder}: {remedy}")
    return paths
