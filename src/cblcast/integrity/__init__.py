"""Is a baseline gamed, or honestly disturbed: detectors judged against days on which nothing happened."""

from cblcast.integrity.detectors import DETECTORS
from cblcast.integrity.over_events import over_events
from cblcast.integrity.screen import screen, selection_bias
from cblcast.integrity.side_by_side import side_by_side

__all__ = ["DETECTORS", "over_events", "screen", "selection_bias", "side_by_side"]
