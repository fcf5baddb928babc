"""Settlement: events + meter + rules → energies, portfolios and payments, with intervals."""

from cblcast.settle.conductor import Settlement, settle

__all__ = ["Settlement", "settle"]
