"""End uses of a metered load: what weather and people drive, which devices ran, and which of them fell in an event."""

from cblcast.end_uses.devices import classed_runs, named_classes
from cblcast.end_uses.edges import Edges, find_edges
from cblcast.end_uses.of_panel import PanelEndUses, end_uses
from cblcast.end_uses.regression import EndUses, add_up, regress
from cblcast.end_uses.runs import FoundRuns, load_of_runs, pair_edges
from cblcast.end_uses.verification import fell_in_event, share_that_ran

__all__ = [
    "Edges",
    "EndUses",
    "FoundRuns",
    "PanelEndUses",
    "add_up",
    "classed_runs",
    "end_uses",
    "fell_in_event",
    "find_edges",
    "load_of_runs",
    "named_classes",
    "pair_edges",
    "regress",
    "share_that_ran",
]
