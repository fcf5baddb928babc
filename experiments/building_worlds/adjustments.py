"""Which adjustment survives what: bias of the baseline paper's windows and of suggested ones under programs whose truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
from identification import EVENT_DAYS, season

from cblcast.frames.events import NAMED_WINDOWS
from cblcast.simulate.building import BuildingWorld, simulate_building
from cblcast.simulate.building_program import BuildingProgram
from cblcast.simulate.suggested_windows import suggest_windows, window_bias

PROGRAMS = {
    "set point +2 K": BuildingProgram(17, 20, shift_k=2),
    "cycled to 25 %": BuildingProgram(17, 20, load_fraction=0.25),
    "switched off": BuildingProgram(17, 20, load_fraction=0.0),
    "pre-cooled 2 h by 1 K, set point +2 K": BuildingProgram(17, 20, shift_k=2, prepare_h=2, prepare_k=1, notice_h=2),
}
CUSTOMERS = 40


def table() -> pd.DataFrame:
    """Mean bias [%] of a right baseline after its adjustment, by program and kind; mean recovery, shed and snapback."""
    weather, rows = season(), []
    for kind in ("home", "sme"):
        for name, program in PROGRAMS.items():
            world = BuildingWorld(kind=kind, count=CUSTOMERS, program=program, event_days=EVENT_DAYS, noise=0.0)
            result = simulate_building(world, weather)
            with_it = result.devices.sum(axis=1).unstack("site_id")
            without = (with_it + result.moved_kw).to_numpy()
            with_it = with_it.to_numpy()
            row: dict[str, object] = {"kind": kind, "program": name}
            for window, spec in NAMED_WINDOWS.items():
                bias = [window_bias(with_it[:, n], without[:, n], result.spans, spec, 0.25) for n in range(CUSTOMERS)]
                row[f"{window}_pct"] = 100 * float(np.mean(bias))
            told = [
                suggest_windows(
                    with_it[:, n], without[:, n], result.spans, 0.25,
                    notice_h=program.notice_h, prepares=program.prepares, steps_per_day=96,
                )
                for n in range(CUSTOMERS)
            ]  # fmt: skip
            before = [one for one in told if one.before is not None]
            after = [one for one in told if one.after is not None]
            row |= {
                "suggested_before_pct": 100 * float(np.mean([one.bias_before for one in before])),
                "before_buffer_h": float(np.median([one.before.buffer for one in before])),
                "suggested_after_pct": 100 * float(np.mean([one.bias_after for one in after])),
                "after_buffer_h": float(np.median([one.after.buffer for one in after])),
                "no_window_after": CUSTOMERS - len(after),
            }
            for key in ("shed_kw", "snapback_kwh", "first_hour_kwh", "recovery_h"):
                row[key] = float(np.nanmean([getattr(one, key) for one in result.responses]))
            rows.append(row)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    print(table().round(2).to_string())
