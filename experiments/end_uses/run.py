"""End uses of homes whose truth is known, and of a French home with three sub-meters: results.json, tables, a figure.

python experiments/end_uses/run.py                        # simulated homes; 2 min of one core
CBLCAST_DATA_DIR=... python experiments/end_uses/run.py   # and the French home, which is not bundled
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))
from claims import summary, write
from device_part import NOISE, devices
from event_part import events
from figure import end_uses_figure
from french_home import french_home
from weather_part import regression

HERE = Path(__file__).parent


def main() -> None:
    records: list[dict[str, Any]] = []
    homes, year, found = regression(records)
    homes.round(4).to_csv(HERE / "weather_by_home.csv")
    table, home, loads = devices(records)
    table.round(1).to_csv(HERE / "devices.csv")
    for noise in (0.3 * NOISE, 3 * NOISE):
        devices(records, noise)
    fell = events(records)
    fell.round(3).to_csv(HERE / "events.csv", index=False)
    french_home(records)
    end_uses_figure(homes, year, found, home, loads).savefig(HERE / "end_uses.png")
    write(HERE / "results.json", records)
    print(summary(records))


if __name__ == "__main__":
    main()
