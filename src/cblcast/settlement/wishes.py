"""What is asked of a settlement beside its energies."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from cblcast.errors import StudyError
from cblcast.settlement.limits import Calibration
from cblcast.settlement.resources import Resources
from cblcast.value.contract import Contract


@dataclass(frozen=True)
class Wishes:
    """What is asked of a settlement beside its energies; see :func:`cblcast.settlement.settle`."""

    contract: Contract | None = None
    prices: pd.Series | None = None
    coverage: float | None = None
    calibration: Calibration = field(default_factory=Calibration)
    keep_intervals: bool = False
    portfolio: bool = True
    other_events: pd.DataFrame | None = None
    resources: Resources | None = None
    evidence: bool = False

    def __post_init__(self) -> None:
        if self.resources is not None and self.contract is None:
            raise StudyError("resources are settled by a contract: name it (contract, --contract), or leave them out")

    @property
    def on_sums(self) -> bool:
        """Whether the days of resources are selected on the sum of their members."""
        return self.resources is not None and self.contract is not None and self.contract.selection == "aggregate"
