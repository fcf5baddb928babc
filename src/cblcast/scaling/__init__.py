"""Scaling: the same work over the partitions of a store, on threads, processes or a cluster. The only package that imports dask.

Each name is loaded when it is first used: a fresh worker process imports what its work needs, and no more.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cblcast.scaling.asked import Asked as Asked
    from cblcast.scaling.outcome import Outcome as Outcome
    from cblcast.scaling.over import over_partitions as over_partitions
    from cblcast.scaling.settled import settle_store as settle_store
    from cblcast.scaling.stores import StorePiece as StorePiece
    from cblcast.scaling.stores import cut as cut
    from cblcast.scaling.work import Piece as Piece
    from cblcast.scaling.work import Splits as Splits

_HOMES = {
    "Asked": "asked",
    "Outcome": "outcome",
    "Piece": "work",
    "Splits": "work",
    "StorePiece": "stores",
    "cut": "stores",
    "over_partitions": "over",
    "settle_store": "settled",
}

__all__ = ["Asked", "Outcome", "Piece", "Splits", "StorePiece", "cut", "over_partitions", "settle_store"]


if not TYPE_CHECKING:  # a type checker that saw this would take every misspelt name

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
