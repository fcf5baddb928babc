"""The analytic model: printed parameters, cases c1-c4, and what the text says of them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from claims import above, between, within
from telling import golden, told

from cblcast.physics.occupancy import (
    OfficeHours,
    car_mj_per_km,
    home_power,
    household_kwh_per_person_day,
    workplace_power,
)
from cblcast.physics.occupied_day import occupied_day
from cblcast.report.commuting_figures import energy_figure

HERE = Path(__file__).parent
PERSONS, TELEWORK = 23_095, 20_771


def analytic() -> None:
    golden("energy of a person at home, printed factor", household_kwh_per_person_day(), 25.5, 0.05, "kWh/day")
    told("the same with 1 TWh = 3.6 PJ", household_kwh_per_person_day(twh_per_pj=1 / 3.6), "kWh/day")
    for name, value, target in zip(("Pbh", "Pah"), home_power(), (0.400, 0.934), strict=True):
        golden(name, value, target, 0.001, "kW")
    golden(
        "power of a workplace, t = 6 h",
        sum(workplace_power()),
        0.496,
        0.0005,
        "kW",
        "commuters paper, eq. 7; erratum t",
    )
    told("power of a workplace, t = 8 h as printed", sum(workplace_power(at_work_h=8)), "kW")
    golden("energy of a car", car_mj_per_km(), 1.771, 0.001, "MJ/km")
    cases = {"c1": (10, 14, PERSONS), "c2": (10, 14, TELEWORK), "c3": (9, 15, PERSONS), "c4": (9, 15, TELEWORK)}
    found = {name: occupied_day(OfficeHours.from_core(a, b), PERSONS, n) for name, (a, b, n) in cases.items()}
    columns = ("office_kwh", "home_kwh", "transport_kwh")
    table = pd.DataFrame({case: [getattr(day, c) for c in columns] for case, day in found.items()}, index=columns).T
    targets = {
        "c1": (140_115, 609_985, 313_515),
        "c2": (-822, 13_024, -31_548),
        "c3": (-9_767, 0, 0),
        "c4": (-9_979, 13_022, -31_548),
    }
    for case, values in targets.items():
        for column, target in zip(columns, values, strict=True):
            value = table.loc[case, column] - (0 if case == "c1" else table.loc["c1", column])
            golden(
                f"{case}{'' if case == 'c1' else ' - c1'}: {column[:-4]}",
                value,
                target,
                3,
                "kWh/day",
                "project's golden numbers, ±3",
            )
    home, road = (table.loc["c2", c] - table.loc["c1", c] for c in columns[1:])
    told(
        "analytic: home rises 'by about the same' as transport falls (section 3.4)",
        -home / road,
        "of it",
        within(1.0, 0.1),
    )
    office = (table["office_kwh"] - table.loc["c1", "office_kwh"]) / table.loc["c1", "office_kwh"]
    told(
        "analytic: office energy barely affected by telework",
        100 * office["c2"],
        "%",
        between(-2, 2),
    )
    told(
        "analytic: fewer opening hours save more office energy than telework",
        office["c3"] / office["c2"],
        "times",
        above(1),
    )
    energy_figure(table, "analytic model, 23,095 persons").savefig(HERE / "energy_analytic.png")
    table.to_csv(HERE / "energy_analytic.csv", float_format="%.1f", index_label="case")
