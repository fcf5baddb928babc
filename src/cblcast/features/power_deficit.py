"""How far measured power lies under the curve of the wind measured at the same time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.checked.annotations import check_fields
from cblcast.checked.parameters import Positive, Steps, StepsOrNone, Text
from cblcast.features.lags import Past
from cblcast.features.nwp_error import expected_share
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED
from cblcast.wishes import union


@dataclass(frozen=True)
class PowerDeficit:
    """How far measured power lies under the curve of the wind measured at the same time: stops, curtailment, ice.

    Columns ``deficit_<power column>_ago_<k>`` and ``deficit_<power column>_mean_<n>``, as a share of rated power.

    Parameters
    ----------
    pairs : tuple of (power column, speed column, rated kW)
    turbine : str
        Published curve.
    ago, means : tuple of int
        Intervals back from the origin.
    """

    pairs: tuple[tuple[Text, Text, Positive], ...] = union(())
    turbine: Text = "MM92/2050"
    ago: tuple[Steps, ...] = union((1,))
    means: tuple[Steps, ...] = union(())
    hold: StepsOrNone = 6

    def __post_init__(self) -> None:
        check_fields(self)

    def reads_columns(self) -> tuple[str, ...]:
        """Columns of the panel that are read besides ``observed_kw``."""
        return tuple(
            dict.fromkeys(name for power, speed, _ in self.pairs for name in (power, speed) if name != OBSERVED)
        )

    def columns_ahead(self) -> tuple[str, ...]:
        """None: everything is looked up before the blindfold."""
        return ()

    def intervals_back(self, step_h: float) -> int:
        """Intervals before the blindfold that are looked at."""
        return max((1, *self.ago, *self.means)) + self.hold

    def __call__(self, panel: Panel, cases: pd.DataFrame) -> pd.DataFrame:
        """Features of `cases`, same index."""
        past = Past.of(panel, cases)
        found: dict[str, np.ndarray] = {}
        for power, speed, rated in self.pairs:
            deficit = expected_share(self.turbine, 0.0, panel.column(speed)) - panel.column(power) / rated
            held = past.held(deficit, self.hold)
            found |= {f"deficit_{power}_ago_{k}": past.ago(held, k) for k in self.ago}
            found |= {f"deficit_{power}_mean_{n}": past.mean(deficit, n) for n in self.means}
        return past.frame(found, cases)
