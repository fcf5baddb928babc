"""Settlement: events + meter + rules → energies, portfolios and payments, with intervals."""

from cblcast.settlement.by_partition import settle_days, settle_partition
from cblcast.settlement.conductor import settle
from cblcast.settlement.limits import Calibration
from cblcast.settlement.resources import Resources
from cblcast.settlement.result import Settlement
from cblcast.settlement.stream import settle_file
from cblcast.settlement.wishes import Wishes

__all__ = [
    "Calibration",
    "Resources",
    "Settlement",
    "Wishes",
    "settle",
    "settle_days",
    "settle_file",
    "settle_partition",
]
