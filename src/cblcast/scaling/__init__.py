"""Scaling: the same work over the partitions of a store, on threads, processes or a cluster. The only package that imports dask."""

from cblcast.scaling.outcome import Outcome
from cblcast.scaling.over import over_partitions
from cblcast.scaling.work import Piece, Splits

__all__ = ["Outcome", "Piece", "Splits", "over_partitions"]
