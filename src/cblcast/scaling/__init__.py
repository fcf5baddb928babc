"""Scaling: the same work over the partitions of a store, on threads, processes or a cluster. The only package that imports dask."""

from cblcast.scaling.asked import Asked
from cblcast.scaling.outcome import Outcome
from cblcast.scaling.over import over_partitions
from cblcast.scaling.settled import settle_store
from cblcast.scaling.stores import StorePiece, cut
from cblcast.scaling.work import Piece, Splits

__all__ = ["Asked", "Outcome", "Piece", "Splits", "StorePiece", "cut", "over_partitions", "settle_store"]
