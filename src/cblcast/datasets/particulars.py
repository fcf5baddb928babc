"""What is special about each bundled set, for pages that are made from it; the evidence stands in ``data/README.md``."""

from __future__ import annotations

NO_EVENTS = "No demand-response event is known in these data: every event on them is a placebo."
_FARM_CLOCK = "The original prints offsets of local time, but its digits are UTC and read so: every day of a clock change has 144 rows."
REANALYSIS = "ERA5 and MERRA-2 are reanalyses, not forecasts: their error is smaller than that of a forecast 24 to 47 hours ahead."

PARTICULARS: dict[str, tuple[str, ...]] = {
    "turin": (
        (
            "The original labels the end of an interval: 15 minutes are taken from each label, and the load switches "
            "on at 06:00 local time, summer and winter."
        ),
        (
            "The place is inferred, not stated: the building is shut on the feast of Turin's patron saint, so the "
            "holidays are those of Italy and of Turin."
        ),
        (
            "Of the hour that came twice on 2019-10-27 the original holds one: the second is not metered. Straight "
            "runs that the original had filled in (42 intervals) are not metered either."
        ),
        "The air temperature is that at the end of each interval.",
        NO_EVENTS,
    ),
    "cambridge_sme": (
        (
            "The twelve were chosen among the archive's buildings as stable, clean and of the size of a small or "
            "medium enterprise: they are no sample of all buildings."
        ),
        (
            "Energy per hour is mean kW; zeros of the original are not metered, and an hour that is half missing can "
            "read low."
        ),
        "The weather is that of Bedford.",
        NO_EVENTS,
    ),
    "la_haute_borne": (
        "The farm is the sum of its four turbines where all four report; else it is not metered (1.3 %).",
        "Power below zero is own consumption at standstill, and is kept.",
        _FARM_CLOCK,
        (
            "The nacelle's wind is the mean of three turbines at least; a few temperatures of a failing sensor, down "
            "to −51 °C, are as given."
        ),
    ),
    "la_haute_borne_turbines": ("Power below zero is own consumption at standstill, and is kept.", _FARM_CLOCK),
    "fontana_homes": (
        (
            "The dates of the original are inferred. Its meters run on the wall clock of California, its weather on "
            "standard time: both were set right."
        ),
        "The light is global irradiance on level ground, which the origin calls diffuse.",
        "Two of the 17 homes are left out, whose roofs are broken; the second hour of autumn is not metered.",
        NO_EVENTS,
    ),
    "sydney_home": (
        "Of the double hour of autumn the original holds the sum: it is not metered.",
        "It is one home, customer 12 of the original: it stands for no other.",
        NO_EVENTS,
    ),
}
