"""The bundled samples, and where to get the large data sets.

Bundled samples lie inside an installed wheel (``cblcast/_samples``) and, in a checkout, once in ``data/samples``.
Larger sets are looked for in the folder that the environment variable ``CBLCAST_DATA_DIR`` names. Nothing is ever
downloaded.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cblcast.frames.schema import DataError, nearest

if TYPE_CHECKING:
    import pandas as pd

    from cblcast.frames.panel import Panel

ENVIRONMENT_VARIABLE = "CBLCAST_DATA_DIR"

MIT_CAMBRIDGE = "MIT (load); Open Government Licence v3.0 (weather)"
CREDIT_CAMBRIDGE = (
    "M. Langtry, R. Choudhary (2024), EECi Cambridge-Estates-Building-Energy-Archive v2.1, "
    "doi 10.5281/zenodo.10955332; Met Office MIDAS Open, Bedford"
)
ETALAB = "Licence Ouverte / Open Licence 2.0 (Etalab)"
CREDIT_ENGIE = "ENGIE, La Haute Borne open data, as packaged with OpenOA 3.2"


@dataclass(frozen=True)
class Dataset:
    """One entry of the catalogue.

    Attributes
    ----------
    name, title : str
        What :func:`load` takes, and what it is.
    licence, credit : str
        Terms of the data, which are not those of the code, and whom to name.
    files : tuple of str
        Parquet or CSV files, relative to the samples (bundled) or to ``CBLCAST_DATA_DIR``.
    bundled : bool
        Whether the data travel with the package.
    origin : str
        Where a user gets data that are not bundled.
    """

    name: str
    title: str
    licence: str
    credit: str
    files: tuple[str, ...]
    read: Callable[[list[Path]], tuple[pd.DataFrame, pd.DataFrame]]
    bundled: bool = True
    origin: str = ""

    @property
    def available(self) -> bool:
        """Whether :func:`load` would find every file here and now."""
        folder = _folder(self)
        return folder is not None and all((folder / file).is_file() for file in self.files)


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
        A reanalysis is no forecast: its error is smaller than that of a 24-47 h forecast.

    Raises
    ------
    DataError
        Unknown source.
    """
    import pandas as pd

    sources = ("era5", "merra2")
    if source not in sources:
        raise DataError(f"there is no reanalysis {source!r}: {nearest(source, sources)}")
    return pd.read_parquet(_samples() / f"la_haute_borne_{source}.parquet").set_index("time")


def describe(name: str) -> dict[str, Any]:
    """What a data set holds: sites, rows, span, step, mean power, gaps, licence and credit.

    Returns
    -------
    dict
        ``name``, ``title``, ``sites``, ``rows``, ``first`` and ``last`` (ISO 8601, UTC, interval starts),
        ``step_minutes``, ``mean_kw`` (over metered intervals of all sites [kW]), ``not_metered`` (intervals whose
        power is NaN), ``columns``, ``tz``, ``licence``, ``credit``.
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
    }


def _find(name: str) -> Dataset:
    if name not in CATALOGUE:
        raise DataError(f"there is no data set {name!r}: {nearest(name, CATALOGUE)}")
    return CATALOGUE[name]


def _samples() -> Path:
    package = Path(__file__).parent
    installed = package / "_samples"
    return installed if installed.is_dir() else package.parents[1] / "data" / "samples"


def _folder(dataset: Dataset) -> Path | None:
    if dataset.bundled:
        return _samples()
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    return Path(named) if named else None


def _paths(dataset: Dataset) -> list[Path]:
    """The files of `dataset`, or one sentence that says which is missing and where it comes from."""
    folder = _folder(dataset)
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


def _indexed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_index(["site_id", "time"]).sort_index()


def _one_file(**site: Any) -> Callable[[list[Path]], tuple[pd.DataFrame, pd.DataFrame]]:
    """A reader of one sample in the panel's own names, whose sites all share `site`."""

    def read(paths: list[Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
        import pandas as pd

        data = _indexed(pd.read_parquet(paths[0]))
        names = data.index.get_level_values("site_id").unique()
        return data, pd.DataFrame([site] * len(names), index=pd.Index(names, name="site_id"))

    return read


def _long(wide: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    """One column a site and a weather frame, both by time → the panel's frame."""
    times = wide.index.rename("time").as_unit("us")
    wide = wide.set_axis(times, axis=0)
    long = wide.reset_index().melt("time", var_name="site_id", value_name="observed_kw").astype({"site_id": "str"})
    return _indexed(long.join(weather.set_axis(weather.index.as_unit("us"), axis=0), on="time"))


def _read_cambridge_sme(paths: list[Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    import pandas as pd

    load_frame, weather = (pd.read_parquet(path) for path in paths)
    data = _indexed(load_frame.join(weather.set_index("time"), on="time"))
    names = pd.Index(load_frame["site_id"].unique(), name="site_id")
    return data, pd.DataFrame(
        {"tz": "Europe/London", "country": "GB", "subdivision": "ENG", "segment": "sme", "suggested": True}, index=names
    )


def _read_cambridge(paths: list[Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    import pandas as pd

    wide, meta, weather = pd.read_parquet(paths[0]), pd.read_csv(paths[1]), pd.read_parquet(paths[2])
    names = {
        "temp_c": "temp_air_c",
        "rel_hum_pct": "relative_humidity_pct",
        "ghi_w_m2": "ghi_wm2",
        "wind_speed_m_s": "wind_speed_10m_ms",
    }
    # Energy per hour [kWh] is the mean power [kW] of the hour.
    data = _long(wide, weather[list(names)].rename(columns=names))
    sites = pd.DataFrame(
        {
            "tz": "Europe/London",
            "country": "GB",
            "subdivision": "ENG",
            "segment": meta["sme_5_150kw"].map({True: "sme", False: "other"}).to_numpy(),
            "suggested": meta["suggested"].to_numpy(dtype=bool),
            "mean_kw": meta["mean_kw"].to_numpy(),
            "scaled_copy_of": meta["scaled_copy_of"].fillna("").to_numpy(),
        },
        index=pd.Index(meta["building"].astype("str"), name="site_id"),
    )
    return data, sites


def _read_lcl_homes(paths: list[Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    import pandas as pd

    wide, meta, weather = pd.read_parquet(paths[0]), pd.read_csv(paths[1]), pd.read_csv(paths[2])
    half_hours = wide.index.tz_localize("UTC")
    hourly = weather.set_index(pd.to_datetime(weather["timestamp_utc"], utc=True))[["temp_c"]].astype("float32")
    # The last half-hour of the year has no following hour to interpolate to, and keeps the last reading.
    half_hourly = hourly.rename(columns={"temp_c": "temp_air_c"}).reindex(half_hours).interpolate(limit=1)
    data = _long(wide.set_axis(half_hours, axis=0) * 2, half_hourly)  # kWh per half-hour → mean kW
    sites = pd.DataFrame(
        {
            "tz": "Europe/London",
            "country": "GB",
            "subdivision": "ENG",
            "segment": "home",
            "tariff_group": meta["stdorToU"].to_numpy(),
            "acorn_group": meta["Acorn_grouped"].to_numpy(),
        },
        index=pd.Index(meta["LCLid"].astype("str"), name="site_id"),
    )
    return data, sites


_FARM_SITE = {"tz": "Europe/Paris", "country": "FR", "segment": "wind", "lat": 48.45, "lon": 5.59}

CATALOGUE: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            "turin",
            "A non-residential building in Turin, 2019, 15 min",
            "MIT",
            "R. Chiosa, Politecnico di Torino: contextual-anomaly-detector 1.0.1",
            ("turin.parquet",),
            _one_file(tz="Europe/Rome", country="IT", subdivision="TO", segment="sme"),
        ),
        Dataset(
            "cambridge_sme",
            "Twelve university buildings of SME size, Cambridge, 2016-2019, hourly",
            MIT_CAMBRIDGE,
            CREDIT_CAMBRIDGE,
            ("cambridge_sme.parquet", "cambridge_weather.parquet"),
            _read_cambridge_sme,
        ),
        Dataset(
            "la_haute_borne",
            "A wind farm of four turbines (8.2 MW), 2014-2015, 10 min",
            ETALAB,
            CREDIT_ENGIE,
            ("la_haute_borne.parquet",),
            _one_file(**_FARM_SITE, rated_kw=8200.0, hub_height_m=80.0),
        ),
        Dataset(
            "la_haute_borne_turbines",
            "Its four turbines (2.05 MW each), 2014-2015, 10 min",
            ETALAB,
            CREDIT_ENGIE,
            ("la_haute_borne_turbines.parquet",),
            _one_file(**_FARM_SITE, rated_kw=2050.0, hub_height_m=80.0),
        ),
        Dataset(
            "cambridge",
            "All 43 buildings of the Cambridge estate, 2016-2019, hourly",
            MIT_CAMBRIDGE,
            CREDIT_CAMBRIDGE,
            (
                "load/cambridge_load_2016_2019.parquet",
                "load/cambridge_meta.csv",
                "load/cambridge_weather_bedford_2016_2019.parquet",
            ),
            _read_cambridge,
            bundled=False,
            origin="the EECi Cambridge-Estates-Building-Energy-Archive (doi 10.5281/zenodo.10955332)",
        ),
        Dataset(
            "lcl_homes",
            "70 London homes, fixed or dynamic tariff, 2013, half-hourly",
            "as stated by the origin",
            "UK Power Networks, Low Carbon London",
            ("load/lcl_homes_30min_2013.parquet", "load/lcl_homes_meta.csv", "load/bedford_weather_hourly_2013.csv.gz"),
            _read_lcl_homes,
            bundled=False,
            origin="the Low Carbon London smart meter data of the London Datastore",
        ),
    )
}
