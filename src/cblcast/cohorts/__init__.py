"""Homes that may be compared: one cohort cut to the other's share of PV, or matched home by home; and how alike they are."""

from cblcast.cohorts.balance import balance_table
from cblcast.cohorts.matching import Matches, nearest_neighbours
from cblcast.cohorts.pv_share import cut_to_pv_share

__all__ = ["Matches", "balance_table", "cut_to_pv_share", "nearest_neighbours"]
