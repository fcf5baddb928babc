"""A published microgrid of pymgrid under its rule control, as JSON on standard output. Run by run.py with a Python that has it:

python -m venv peer && peer/bin/pip install python-microgrid==1.4.1 "gym==0.26.2"
"""

from __future__ import annotations

import json
import sys
import warnings

warnings.simplefilter("ignore")


def main() -> None:
    from pymgrid import Microgrid
    from pymgrid.algos import RuleBasedControl

    microgrid = Microgrid.from_scenario(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    battery = microgrid.modules.battery[0]
    grid = microgrid.modules.grid[0]
    settings = {
        name: float(getattr(battery, name))
        for name in ("min_capacity", "max_capacity", "max_charge", "max_discharge", "efficiency", "init_soc")
    }
    settings |= {"max_import": float(grid.max_import), "max_export": float(grid.max_export)}
    log = RuleBasedControl(microgrid).run()
    columns = {"|".join(map(str, column)): [float(value) for value in log[column]] for column in log.columns}
    sys.stdout.write("\nJSON" + json.dumps({"settings": settings, "log": columns}))


if __name__ == "__main__":
    main()
