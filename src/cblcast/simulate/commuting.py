"""A world of commuters: load of offices and homes, link by link, that follows who is there, with and without telework.

A day's plans (from a traffic simulation, or drawn by the analytic model's opening hours) are lived for many days: on a
working day everybody attends with some probability, comes a little earlier or later than usual, and, from a day on, may
telework; on other days nobody works. Load follows equations 3 and 4 of the commuters paper. Everything is drawn once with
telework and once without from the SAME random numbers, so that the difference is the effect of telework and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from cblcast.errors import DataError
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, PANEL_INDEX, SITE, TIME
from cblcast.physics.occupancy import BuildingPower, home_load_kw, office_load_kw
from cblcast.physics.presence import DAY_MS, changes_of_spells, persons_by_slice, slices_of_day
from cblcast.simulate.day_plans import DayPlans

WITHOUT_TELEWORK, NOISE_FREE = "without_telework_kw", "truth_kw"
OCCUPANTS, PLANNED = "occupants", "occupants_planned"
LONGEST_DAYS = 36_600  # a century


@dataclass(frozen=True)
class CommutingWorld:
    """How a day's plans become load.

    Attributes
    ----------
    first_day : str
        Local date of the first day.
    days : int
    tz : str
        Zone of the local day.
    telework_share, telework_from : float, str or None
        Each commuter stays at home on a working day with this probability, from this local date on ("each worker
        selects his or her telecommuting days randomly", section 3.2).
    attendance, attendance_spread : float
        Probability to come at all on a working day (holidays, sickness), everybody else is at home, and the standard
        deviation of that probability from day to day (season, weather, bridging days), the same for everybody.
    jitter_min : float
        Standard deviation of how much earlier or later than usual a person's whole day is [min].
    smallest_office : int
        Links with fewer workplaces are left out, and counted; likewise `smallest_home` and residents.
    power : BuildingPower
    noise : float
        Standard deviation of what people do not explain, as a share of the load, hourly correlation 0.9.
    slice_h : float
        Length of an interval [h].
    seed : int
    """

    first_day: str = "2019-01-07"
    days: int = 90
    tz: str = "UTC"
    telework_share: float = 0.0
    telework_from: str | None = None
    attendance: float = 0.9
    attendance_spread: float = 0.03
    jitter_min: float = 15.0
    smallest_office: int = 1
    smallest_home: int = 1
    power: BuildingPower = field(default_factory=BuildingPower)
    noise: float = 0.02
    slice_h: float = 0.25
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("telework_share", "attendance", "attendance_spread"):
            if not 0 <= getattr(self, name) <= 1:
                raise DataError(f"{name} is {getattr(self, name)}: it is a probability, between 0 and 1")
        if not 1 <= self.days <= LONGEST_DAYS:
            raise DataError(
                f"a world of {self.days} days {'has nothing in it' if self.days < 1 else 'is too long'}: give 1 or more, 60 for most "
                f"baselines, and at most {LONGEST_DAYS}"
            )
        if not (0 <= self.jitter_min <= 720 and 0 <= self.noise < 1):
            raise DataError("jitter_min is 0 to 720 minutes (half a day) and noise a share between 0 and 1")
        if self.seed < 0:
            raise DataError(f"seed is {self.seed}: give a whole number, 0 or more")
        self._check_calendar()
        if self.telework_share and self.telework_from is None:
            raise DataError("telework_share needs telework_from, the local date from which on people stay at home")

    def _check_calendar(self) -> None:
        for name in ("first_day", "telework_from"):
            value = getattr(self, name)
            if value is not None and not _is_date(value):
                raise DataError(f"{name} is {value!r}: write a local date like 2019-01-31")
        try:
            ZoneInfo(self.tz)
        except (KeyError, ValueError, OSError):
            raise DataError(f"{self.tz!r} is no IANA time zone: write it like 'Europe/Rome'") from None
        stop = pd.Timestamp(self.first_day) + pd.Timedelta(days=self.days)
        if self.telework_from is not None and pd.Timestamp(self.telework_from) >= stop:
            raise DataError(
                f"telework begins on {self.telework_from}, but the world's last day is {(stop - pd.Timedelta(days=1)).date()}: "
                "give an earlier date, or more days"
            )


def _is_date(text: str) -> bool:
    try:
        return 1900 <= date.fromisoformat(text).year <= 2200
    except (TypeError, ValueError):
        return False


@dataclass(frozen=True)
class CommutingResult:
    """What a world left behind.

    Attributes
    ----------
    panel : Panel
        ``observed_kw`` (with telework from its date on), ``occupants`` (mean persons in the interval),
        ``occupants_planned`` (what is announced: who telework and who is away is known, but not when they come),
        ``truth_kw`` (observed without noise), ``without_telework_kw`` (observed had nobody teleworked).
        Sites ``office_<link>`` and ``home_<link>``; ``segment``, ``link``, ``size`` (workplaces or residents).
    left_out : dict
        What was too small → persons in it.
    """

    panel: Panel
    left_out: dict[str, int]


def simulate_commuting(plans: DayPlans, world: CommutingWorld) -> CommutingResult:
    """Live the plans for the world's days.

    Raises
    ------
    DataError
        Nobody works; every office is smaller than the smallest wanted.
    """
    return _Life(plans, world).result()


class _Life:
    def __init__(self, plans: DayPlans, world: CommutingWorld) -> None:
        self.world = world
        self.n_slices = slices_of_day(world.slice_h)
        spells = plans.spells()
        self.person = spells["person"].to_numpy()
        self.n_persons = len(plans.people)
        self.commutes = plans.people["commutes"].to_numpy()
        if not self.commutes.any():
            raise DataError(
                "nobody works off home in these plans: check which activity types are work (work: in the world)"
            )
        home_links = plans.homes()
        residents = pd.Series(home_links[home_links != ""]).value_counts()
        housed = int(residents.sum())
        residents = residents[residents >= world.smallest_home].sort_index()
        at_work = (spells["purpose"] == "work").to_numpy()
        offices = self._workplaces(spells[at_work])
        kept = offices[offices >= world.smallest_office].sort_index()
        if kept.empty:
            raise DataError(
                f"the largest office has {int(offices.max())} workplaces, fewer than smallest_office {world.smallest_office}: lower it"
            )
        self.left_out = {
            "workplaces in offices too small": int(offices.sum() - kept.sum()),
            "residents of links too small": housed - int(residents.sum()),
            "persons whose day never leads home": self.n_persons - housed,
        }
        self.size = np.r_[kept.to_numpy(), residents.to_numpy()].astype(np.float64)
        self.is_office = np.r_[np.ones(len(kept), dtype=bool), np.zeros(len(residents), dtype=bool)]
        self.links = [*kept.index, *residents.index]
        self.home_of = _position(home_links, residents.index, len(kept))
        link = spells["link"].to_numpy(dtype=object)
        at_home = (spells["purpose"] == "home").to_numpy() & (link == home_links[self.person])
        site = np.full(len(spells), -1)
        site[at_work] = _position(link[at_work], kept.index, 0)
        site[at_home] = self.home_of[self.person[at_home]]
        seen = site >= 0
        self.person, self.site = self.person[seen], site[seen]
        self.begin, self.end = (spells[c].to_numpy()[seen] for c in ("begin_s", "end_s"))

    def _workplaces(self, work: pd.DataFrame) -> pd.Series:
        """Most persons at work at the same time on a usual day, by link (section 4.1)."""
        code, links = pd.factorize(work["link"])
        begin, end = (np.rint(work[c].to_numpy() * 1000).astype(np.int64) for c in ("begin_s", "end_s"))
        _, peak = persons_by_slice(*changes_of_spells(code, begin, end), len(links), self.n_slices)
        return pd.Series(peak.max(axis=1), index=links)

    def result(self) -> CommutingResult:
        world, rng = self.world, np.random.default_rng(self.world.seed)
        dates = pd.date_range(world.first_day, periods=world.days, freq="D")
        shape = (world.days, len(self.size), self.n_slices)
        found = {name: np.empty(shape) for name in ("with", "without", "planned")}
        for day, today in enumerate(dates):
            # Drawn for every day and person, whatever becomes of them: two worlds with one seed differ by telework alone.
            likely = np.clip(rng.normal(world.attendance, world.attendance_spread), 0.0, 1.0)
            attends = rng.random(self.n_persons) < likely
            wants_home = rng.random(self.n_persons) < world.telework_share
            shift = rng.normal(0.0, world.jitter_min * 60, self.n_persons)
            works = self.commutes & attends & (today.day_of_week < 5)
            since = world.telework_from is not None and today >= pd.Timestamp(world.telework_from)
            out = works & ~wants_home if since else works
            found["without"][day] = self._people(works, shift)
            found["with"][day] = self._people(out, shift) if since else found["without"][day]
            found["planned"][day] = self._people(out, np.zeros(self.n_persons))
        noise = 1.0 + world.noise * _ar1(rng, (len(self.size), world.days * self.n_slices), 0.9**world.slice_h)
        return CommutingResult(self._panel(dates, found, noise), self.left_out)

    def _people(self, out: np.ndarray, shift_s: np.ndarray) -> np.ndarray:
        """Mean persons at each site and slice of one day; commuters who are not `out` are at home all day."""
        stays = self.commutes & ~out
        moves = ~stays[self.person]
        person, site = self.person[moves], self.site[moves]
        # The edges of the day stay where they are: shifted, a day would have a gap at one end.
        begin = np.where(self.begin[moves] > 0, self.begin[moves] + shift_s[person], 0.0)
        end = np.where(self.end[moves] < DAY_MS / 1000, self.end[moves] + shift_s[person], DAY_MS / 1000)
        at_home = self.home_of[stays]
        at_home = at_home[at_home >= 0]
        place = np.r_[site, at_home]
        begin_ms = np.r_[np.rint(begin * 1000), np.zeros(len(at_home))].astype(np.int64)
        end_ms = np.r_[np.rint(end * 1000), np.full(len(at_home), DAY_MS)].astype(np.int64)
        mean, _ = persons_by_slice(*changes_of_spells(place, begin_ms, end_ms), len(self.size), self.n_slices)
        return mean

    def load_kw(self, people: np.ndarray) -> np.ndarray:
        """Load of each site, axis 0 sites [kW]; an office with more people than on its usual day is as full as full."""
        size = self.size[:, None]
        office = office_load_kw(
            np.where(self.is_office[:, None], np.minimum(people, size), 0.0), size, self.world.power
        )
        return np.where(self.is_office[:, None], office, home_load_kw(people, size, self.world.power))

    def _panel(self, dates: pd.DatetimeIndex, found: dict[str, np.ndarray], noise: np.ndarray) -> Panel:
        world = self.world
        # Some zones change their clocks at midnight: a day begins with its first instant.
        first, stop = (
            midnight.tz_localize(world.tz, ambiguous=True, nonexistent="shift_forward")
            for midnight in (pd.Timestamp(dates[0]), pd.Timestamp(dates[-1]) + pd.Timedelta(days=1))
        )
        step = pd.Timedelta(hours=world.slice_h)
        times = pd.date_range(first.tz_convert("UTC"), stop.tz_convert("UTC"), freq=step, inclusive="left").as_unit(
            "us"
        )
        wall = times.tz_convert(world.tz).tz_localize(None)
        # By the wall clock: the hour that the clock skips is not lived, the one that it repeats is lived twice.
        day = ((wall.normalize() - dates[0]) // pd.Timedelta(days=1)).to_numpy()
        slot = ((wall - wall.normalize()) // step).to_numpy()
        people = {name: values[day, :, slot].T for name, values in found.items()}
        noise = noise[:, np.minimum(np.arange(len(times)), noise.shape[1] - 1)]
        true, without = self.load_kw(people["with"]), self.load_kw(people["without"])
        names = [
            f"{'office' if office else 'home'}_{link}" for office, link in zip(self.is_office, self.links, strict=True)
        ]
        columns = {
            OBSERVED: true * noise,
            OCCUPANTS: people["with"],
            PLANNED: people["planned"],
            NOISE_FREE: true,
            WITHOUT_TELEWORK: without * noise,
        }
        index = pd.MultiIndex.from_product([pd.Index(names, dtype="str"), times], names=PANEL_INDEX)
        data = pd.DataFrame({name: values.ravel() for name, values in columns.items()}, index=index).sort_index()
        sites = pd.DataFrame(
            {
                "tz": world.tz,
                "segment": np.where(self.is_office, "office", "home"),
                "link": self.links,
                "size": self.size,
            },
            index=pd.Index(names, name=SITE, dtype="str"),
        )
        assert data.index.names == [SITE, TIME]
        return Panel(data, sites)


def _position(names: np.ndarray, known: pd.Index, offset: int) -> np.ndarray:
    found = known.get_indexer(pd.Index(names))
    return np.where(found >= 0, found + offset, -1)


def _ar1(rng: np.random.Generator, shape: tuple[int, int], phi: float) -> np.ndarray:
    """Rows of standard normal numbers with correlation `phi` from one to the next."""
    from scipy.signal import lfilter

    shocks = rng.normal(0.0, np.sqrt(1 - phi**2), shape)
    shocks[:, 0] = rng.normal(0.0, 1.0, shape[0])
    return np.asarray(lfilter([1.0], [1.0, -phi], shocks, axis=1))
