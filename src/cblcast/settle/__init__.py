"""Settlement: events + meter + rules → energies, portfolios and payments, with intervals."""

from cblcast.settle.conductor import settle
from cblcast.settle.result import Settlement, Wishes
from cblcast.settle.stream import settle_file

__all__ = ["Settlement", "Wishes", "settle", "settle_file"]
