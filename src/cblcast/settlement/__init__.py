"""Settlement: events + meter + rules → energies, portfolios and payments, with intervals."""

from cblcast.settlement.conductor import settle
from cblcast.settlement.limits import Calibration
from cblcast.settlement.result import Settlement, Wishes
from cblcast.settlement.stream import settle_file

__all__ = ["Calibration", "Settlement", "Wishes", "settle", "settle_file"]
