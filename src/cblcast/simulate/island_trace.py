"""One island of one design, step by step, with everything that flows: for figures, for balances, and as the slow oracle.

Written plainly and on its own, one battery content and one step at a time, so that it can check the fast kernel of
:mod:`cblcast.simulate.island`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cblcast.physics.storage import absorption_kw, after_step, delivery_kw
from cblcast.simulate.island import Cut, Fleet, Islands


def trace_island(
    islands: Islands,
    scenario: int,
    diesel_kw: float,
    vehicles: float,
    fleet: Fleet,
    cut: Cut = "units",
    initial_energy_kwh: float | None = None,
) -> pd.DataFrame:
    """What happens in one island (rule and equations: :mod:`cblcast.simulate.island`).

    Parameters
    ----------
    initial_energy_kwh : float, optional
        Content of the available batteries when the island begins [kWh], handed over by whoever owned the charge before;
        the fleet's initial charge unless given. What the last row holds is handed on in turn.

    Returns
    -------
    DataFrame, one row per step, power in kW
        ``load_kw``; ``wind_available_kw``, ``wind_kw`` (after cutting), ``turbines`` (still connected; under curtailment all),
        ``solar_kw``, ``diesel_kw``, ``charge_kw`` and ``discharge_kw`` (>= 0, at the terminals), ``unserved_kw``,
        ``energy_kwh`` (in the batteries at the END of the step), ``charge_share`` (the same over their size; NaN without any).

        Balance: wind + solar + diesel + discharge + unserved = load + charge.
    """
    count = fleet.availability * vehicles
    size, most = count * fleet.battery_kwh, count * fleet.power_kw
    energy = size * fleet.initial_charge if initial_energy_kwh is None else initial_energy_kwh
    rows = []
    for t in range(islands.load_kw.shape[1]):
        load = float(islands.load_kw[scenario, t])
        turbines = [float(p) for p in islands.turbine_kw[scenario, t]]
        pac = float(absorption_kw(energy, size, most, fleet.charge_efficiency, islands.step_h))
        room = load + pac
        connected = list(turbines)
        if cut == "units":
            while sum(connected) > room:  # the last one is disconnected until consumption surpasses generation
                connected.pop()
        wind = min(sum(connected), room)
        solar = 0.0 if islands.solar_kw is None else min(float(islands.solar_kw[scenario, t]), room - wind)
        share = 1.0 if islands.diesel_share is None else float(islands.diesel_share[scenario, t])
        diesel = min(diesel_kw * share, max(0.0, room - wind - solar))
        exchange = load - solar - wind - diesel
        able = float(delivery_kw(energy, size * fleet.least_charge, most, fleet.discharge_efficiency, islands.step_h))
        discharge, charge = min(max(exchange, 0.0), able), max(-exchange, 0.0)
        energy = float(
            after_step(energy, charge, discharge, fleet.charge_efficiency, fleet.discharge_efficiency, islands.step_h)
        )
        rows.append(
            {
                "load_kw": load,
                "wind_available_kw": sum(turbines),
                "wind_kw": wind,
                "turbines": len(connected),
                "solar_kw": solar,
                "diesel_kw": diesel,
                "charge_kw": charge,
                "discharge_kw": discharge,
                "unserved_kw": max(exchange, 0.0) - discharge,
                "energy_kwh": energy,
                "charge_share": energy / size if size else np.nan,
            }
        )
    return pd.DataFrame(rows)


def trace_islands(
    islands: Islands, diesel_kw: float, vehicles: float, fleet: Fleet, cut: Cut = "units"
) -> pd.DataFrame:
    """:func:`trace_island` of every island, index (scenario, step)."""
    traces = [trace_island(islands, s, diesel_kw, vehicles, fleet, cut) for s in range(islands.n_scenarios)]
    return pd.concat(traces, keys=range(islands.n_scenarios), names=["scenario", "step"])
