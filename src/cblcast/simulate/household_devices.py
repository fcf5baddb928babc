"""What homes have and when they use it: appliances as habits, from which runs are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from cblcast.errors import DataError, nearest
from cblcast.simulate.device_runs import Runs

Array = np.ndarray


def _hours(*spans: tuple[int, int, float]) -> tuple[float, ...]:
    """Weights of 24 hours from spans (first, last, weight); a little anywhere else."""
    weight = np.full(24, 0.02)
    for first, last, height in spans:
        weight[first:last] += height
    return tuple(float(each) for each in weight / weight.sum())


@dataclass(frozen=True)
class Habit:
    """How often a device runs, when, how long and at what power.

    Attributes
    ----------
    share : float
        Of the homes that have one.
    runs_per_day : float
        Mean over a week of the months in which it is used.
    kw : float
        Power while it runs [kW].
    hours : float
        Mean length of a run [h]; lengths vary by `spread`.
    by_hour : tuple of 24 floats
        When runs begin, local hours; adds up to 1.
    weekend : float
        Runs on Saturdays and Sundays over those on other days.
    spread : float
        Standard deviation of a run's length over its mean.
    months : tuple of int
        In which months it is used at all; all unless given.
    waits : bool
        Whether a run can be put off without loss (laundry, a vehicle until the morning), else it can only be given up.
    """

    share: float
    runs_per_day: float
    kw: float
    hours: float
    by_hour: tuple[float, ...]
    weekend: float = 1.0
    spread: float = 0.2
    months: tuple[int, ...] = tuple(range(1, 13))
    waits: bool = True

    def __post_init__(self) -> None:
        numbers = (self.share, self.runs_per_day, self.kw, self.hours, self.weekend, self.spread)
        if not all(np.isfinite(numbers)) or min(numbers) < 0 or self.share > 1:
            raise DataError(f"a habit needs finite numbers of 0 or more and a share of homes up to 1, not {numbers}")
        if len(self.by_hour) != 24 or abs(sum(self.by_hour) - 1) > 1e-6 or min(self.by_hour) < 0:
            raise DataError("by_hour needs 24 weights of 0 or more that add up to 1")


# A water heater is runs here, as every device is, so that what a program puts off is kept to the watt-hour; tanks and litres are
# those of cblcast.simulate.hot_water, for buildings, where the temperature of the water says what comes back.
# Cycles a year: U.S. DOE test procedures (dishwasher 215, washer 295, dryer 283); energies of a cycle, pump and vehicle are
# typical figures from memory, hours of use follow no single survey. All are assumptions of a simulated world, and may be changed.
HABITS: Mapping[str, Habit] = {
    "dishwasher": Habit(0.75, 215 / 365, 0.8, 1.3, _hours((19, 23, 1.0), (8, 11, 0.4), (12, 15, 0.4)), 1.15),
    "washer": Habit(0.85, 295 / 365, 0.4, 0.9, _hours((8, 13, 1.0), (16, 21, 0.7)), 1.6),
    "dryer": Habit(0.6, 283 / 365, 3.0, 0.9, _hours((9, 15, 1.0), (17, 22, 0.7)), 1.6),
    "pool_pump": Habit(0.15, 1.0, 1.2, 6.0, _hours((8, 12, 1.0)), 1.0, 0.1, (4, 5, 6, 7, 8, 9, 10)),
    "vehicle": Habit(0.25, 0.85, 7.2, 1.2, _hours((16, 22, 1.0)), 0.8, 0.5),
    "water_heater": Habit(0.3, 4.0, 4.5, 0.45, _hours((6, 10, 1.0), (18, 23, 0.8)), 1.1, 0.5),
    "cooking": Habit(0.9, 1.6, 1.8, 0.6, _hours((7, 9, 0.5), (11, 13, 0.7), (17, 20, 1.6)), 1.2, 0.4, waits=False),
}
FRIDGE_KW, FRIDGE_PER_K, FRIDGE_AT_C = 0.07, 0.02, 20.0  # mean power; it takes 2 % more for each kelvin above 20 °C


@dataclass(frozen=True)
class Calendar:
    """Local days of a simulated span.

    Attributes
    ----------
    first_day : str
        Local date.
    days : int
    """

    first_day: str
    days: int
    dates: Array = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            first = np.datetime64(self.first_day, "D")
        except ValueError:
            raise DataError(f"first_day is {self.first_day!r}: write a local date like 2017-07-01") from None
        if not 1 <= self.days <= 36_600:
            raise DataError(f"days is {self.days}: give 1 to 36600")
        object.__setattr__(self, "dates", np.arange(first, first + self.days))

    @property
    def weekend(self) -> Array:
        """Whether each day is a Saturday or Sunday, bool."""
        return (self.dates.astype(np.int64) + 3) % 7 >= 5

    @property
    def month(self) -> Array:
        """Month of each day, 1 … 12."""
        return self.dates.astype("M8[M]").astype(np.int64) % 12 + 1


def checked_habits(habits: Mapping[str, Habit]) -> dict[str, Habit]:
    """Habits by name; a name that is none of :data:`HABITS` is a device of one's own, and fine."""
    for name, habit in habits.items():
        if not isinstance(habit, Habit):
            raise DataError(f"{name!r} is no habit: {nearest(str(name), HABITS)}")
    return dict(habits)


def draw_runs(
    habits: Mapping[str, Habit], n_homes: int, calendar: Calendar, rng: np.random.Generator
) -> tuple[Runs, Array]:
    """Runs of all devices of some homes.

    Returns
    -------
    runs : Runs
        Times since local midnight of the first day; ``device`` is the position in `habits`.
    owns : ndarray of bool, shape (n_devices, n_homes)
    """
    parts, owns = [], np.zeros((len(habits), n_homes), dtype=bool)
    for number, habit in enumerate(habits.values()):
        owns[number] = rng.random(n_homes) < habit.share
        own = np.flatnonzero(owns[number])
        # Weekends have `weekend` times as many runs, and the mean over the week stays what was asked.
        factor = np.where(calendar.weekend, habit.weekend, 1.0) * 7 / (5 + 2 * habit.weekend)
        rate = habit.runs_per_day * factor * np.isin(calendar.month, habit.months)
        # As few chances a day as the mean lets: a dishwasher that runs less than daily never runs twice in an evening.
        chances = max(1, int(np.ceil(rate.max(initial=0.0))))
        count = rng.binomial(chances, rate / chances, (len(own), calendar.days))
        home, day = (np.repeat(axis, count.ravel()) for axis in np.indices(count.shape).reshape(2, -1))
        n = len(home)
        hour = rng.choice(24, n, p=np.asarray(habit.by_hour)) + rng.random(n)
        if habit.spread > 0:
            shape = 1 / habit.spread**2
            hours = rng.gamma(shape, habit.hours / shape, n)
        else:
            hours = np.full(n, habit.hours)
        parts.append(Runs(own[home], 24.0 * day + hour, hours, np.full(n, habit.kw), np.full(n, number, dtype=np.int8)))
    return Runs.joined(parts), owns
