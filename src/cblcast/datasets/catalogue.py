"""The catalogue of data sets: what each is, whose it is, and which files hold it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cblcast.datasets.files import folder_of
from cblcast.datasets.particulars import PARTICULARS
from cblcast.datasets.readers import homes_with_pv, one_file, read_cambridge, read_cambridge_sme, read_lcl_homes

if TYPE_CHECKING:
    import pandas as pd

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
        What :func:`cblcast.datasets.load` takes, and what it is.
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
    def particulars(self) -> tuple[str, ...]:
        """What is special about it, a sentence each; none are written down of sets that are not bundled."""
        return PARTICULARS.get(self.name, ())

    @property
    def available(self) -> bool:
        """Whether :func:`cblcast.datasets.load` would find every file here and now."""
        folder = folder_of(self.bundled)
        return folder is not None and all((folder / file).is_file() for file in self.files)


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
            one_file(tz="Europe/Rome", country="IT", subdivision="TO", segment="sme"),
        ),
        Dataset(
            "cambridge_sme",
            "Twelve university buildings of SME size, Cambridge, 2016-2019, hourly",
            MIT_CAMBRIDGE,
            CREDIT_CAMBRIDGE,
            ("cambridge_sme.parquet", "cambridge_weather.parquet"),
            read_cambridge_sme,
        ),
        Dataset(
            "la_haute_borne",
            "A wind farm of four turbines (8.2 MW), 2014-2015, 10 min",
            ETALAB,
            CREDIT_ENGIE,
            ("la_haute_borne.parquet",),
            one_file(**_FARM_SITE, rated_kw=8200.0, hub_height_m=80.0),
        ),
        Dataset(
            "la_haute_borne_turbines",
            "Its four turbines (2.05 MW each), 2014-2015, 10 min",
            ETALAB,
            CREDIT_ENGIE,
            ("la_haute_borne_turbines.parquet",),
            one_file(**_FARM_SITE, rated_kw=2050.0, hub_height_m=80.0),
        ),
        Dataset(
            "fontana_homes",
            "Fifteen homes with PV in Fontana, California, 2016-2017, hourly",
            "MIT",
            "CityLearn challenge 2022 (Intelligent Environments Laboratory, The University of Texas at Austin)",
            ("fontana_homes.parquet",),
            homes_with_pv(
                tz="America/Los_Angeles", country="US", subdivision="CA", lat=34.09, lon=-117.44, city="Fontana"
            ),
        ),
        Dataset(
            "sydney_home",
            "One home with PV in Sydney, 2011-2012, half-hourly",
            "CC BY 4.0",
            "Ausgrid, Solar home electricity data, customer 12",
            ("sydney_home.parquet",),
            homes_with_pv(
                tz="Australia/Sydney", country="AU", subdivision="NSW", lat=-33.87, lon=151.21, city="Sydney"
            ),
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
            read_cambridge,
            bundled=False,
            origin="the EECi Cambridge-Estates-Building-Energy-Archive (doi 10.5281/zenodo.10955332)",
        ),
        Dataset(
            "lcl_homes",
            "70 London homes, fixed or dynamic tariff, 2013, half-hourly",
            "as stated by the origin",
            "UK Power Networks, Low Carbon London",
            ("load/lcl_homes_30min_2013.parquet", "load/lcl_homes_meta.csv", "load/bedford_weather_hourly_2013.csv.gz"),
            read_lcl_homes,
            bundled=False,
            origin="the Low Carbon London smart meter data of the London Datastore",
        ),
    )
}
