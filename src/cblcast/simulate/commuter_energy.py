"""Energy of counted people: equations 3-5 of the commuters paper on the occupancy of a traffic simulation (section 4.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.errors import DataError, StudyError
from cblcast.physics.occupancy import MJ_PER_KWH, BuildingPower, Commute, home_load_kw, office_load_kw
from cblcast.physics.presence import changes_of_spells, persons_by_slice, slices_of_day
from cblcast.simulate.day_plans import DayPlans

CAR_MODES, TRANSIT_MODES = ("car", "ride", "taxi"), ("pt", "bus", "train", "tram", "rail", "subway")


@dataclass(frozen=True)
class Counted:
    """Persons by link and slice of one purpose, rows in the order of `links`."""

    links: pd.Index
    mean: np.ndarray
    peak: np.ndarray


def count(plans: DayPlans, purpose: str, slice_h: float = 0.25) -> Counted:
    """Count the persons who do something, by link and slice."""
    spells = plans.spells()
    rows = spells[spells["purpose"] == purpose]
    code, links = pd.factorize(rows["link"], sort=True)
    begin, end = (np.rint(rows[c].to_numpy() * 1000).astype(np.int64) for c in ("begin_s", "end_s"))
    mean, peak = persons_by_slice(*changes_of_spells(code, begin, end), len(links), slices_of_day(slice_h))
    return Counted(pd.Index(links, name="link"), mean, peak)


@dataclass(frozen=True)
class CommuterEnergy:
    """Energy of a day.

    Attributes
    ----------
    office, home : DataFrame, index link
        ``kwh`` of the day, ``peak_kw``, ``size`` (workplaces or residents); one row a link.
    office_kw, home_kw : ndarray, shape (n_slices,)
        Load of all links together [kW].
    transport_kwh : float
        Of all trips of the commuters' whole day ("for the whole day plan of all commuters").
    """

    office: pd.DataFrame
    home: pd.DataFrame
    office_kw: np.ndarray
    home_kw: np.ndarray
    transport_kwh: float

    @property
    def office_kwh(self) -> float:
        """All offices [kWh]."""
        return float(self.office["kwh"].sum())

    @property
    def home_kwh(self) -> float:
        """All homes [kWh]."""
        return float(self.home["kwh"].sum())


def commuter_energy(
    plans: DayPlans,
    workplaces: pd.Series,
    *,
    power: BuildingPower | None = None,
    commute: Commute | None = None,
    counted: str = "peak",
    slice_h: float = 0.25,
) -> CommuterEnergy:
    """Offices, homes and transport of a day.

    Parameters
    ----------
    plans : DayPlans
    workplaces : Series, index link
        Size of the offices; that of the BASE case also for the others, since telework does not shrink an office. See
        :func:`workplaces_of`.
    power, commute : optional
        Table 2.
    counted : {"peak", "mean"}
        Persons at work in a slice: the most at the same time, as the paper has it, or on average.
    slice_h : float

    Raises
    ------
    DataError
        Work on a link without workplaces.
    """
    if counted not in ("peak", "mean"):
        raise StudyError(f"persons in a slice are counted as 'peak' or 'mean', not {counted!r}")
    power, commute = power or BuildingPower(), commute or Commute()
    work, home = count(plans, "work", slice_h), count(plans, "home", slice_h)
    unknown = work.links.difference(workplaces.index)
    if len(unknown):
        raise DataError(
            f"somebody works on link {unknown[0]!r}, which has no workplaces: take the base case's sizes for all cases"
        )
    size = workplaces.to_numpy(dtype=np.float64)
    if not np.isfinite(size).all():
        link = workplaces.index[~np.isfinite(size)][0]
        raise DataError(f"link {link!r} has {workplaces[link]} workplaces: it must be a number, 0 or more")
    at_work = _on(work, workplaces.index, counted)
    # Case s3 may bring more people together than the base case ever had: the office is then as full as full.
    office_kw = office_load_kw(np.minimum(at_work, size[:, None]), size[:, None], power)
    lives = pd.Series(plans.homes())
    residents = lives[lives != ""].value_counts().sort_index()
    home_kw = home_load_kw(_on(home, residents.index, counted), residents.to_numpy()[:, None], power)
    return CommuterEnergy(
        _table(office_kw, workplaces.index, size, slice_h),
        _table(home_kw, residents.index, residents.to_numpy(dtype=np.float64), slice_h),
        office_kw.sum(axis=0),
        home_kw.sum(axis=0),
        transport_kwh(plans, commute),
    )


def workplaces_of(plans: DayPlans) -> pd.Series:
    """Most persons at work at the same time, by link: the size of its offices (section 4.1)."""
    work = count(plans, "work")
    return pd.Series(work.peak.max(axis=1), index=work.links, name="workplaces")


def transport_kwh(plans: DayPlans, commute: Commute | None = None) -> float:
    """Energy of every trip of those who commute today [kWh]; walking and cycling take none."""
    commute = commute or Commute()
    steps = plans.steps
    km = steps["distance_m"].to_numpy() / 1000 * plans.people["commutes"].to_numpy()[steps["person"].to_numpy()]
    car, transit = (steps["mode"].isin(modes).to_numpy() for modes in (CAR_MODES, TRANSIT_MODES))
    per_km = np.where(car, commute.car_mj_km, np.where(transit, commute.transit_mj_km, commute.other_mj_km))
    return float((km * per_km).sum() / MJ_PER_KWH)


def persons_at_work(plans: DayPlans, slice_h: float = 0.25) -> np.ndarray:
    """Persons at work on average in each slice; over the base case's workers it is the probability of figure 3."""
    return count(plans, "work", slice_h).mean.sum(axis=0)


def _on(counted: Counted, links: pd.Index, what: str) -> np.ndarray:
    values = counted.peak if what == "peak" else counted.mean
    found = counted.links.get_indexer(links)
    return np.where(found[:, None] >= 0, values[found], 0.0)


def _table(kw: np.ndarray, links: pd.Index, size: np.ndarray, slice_h: float) -> pd.DataFrame:
    return pd.DataFrame(
        {"kwh": kw.sum(axis=1) * slice_h, "peak_kw": kw.max(axis=1), "size": size}, index=links.rename("link")
    )
