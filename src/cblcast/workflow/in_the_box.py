"""The pretrained baseline at the doors: which view of it serves, what is said of it, and its line in a leaderboard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from cblcast.config import Study, method_name, view_of
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import names_pretrained
from cblcast.forecast.pretrained import VIEWS, load_pretrained, pretrained_card, view_name
from cblcast.frames.instants import HOUR_US, microseconds
from cblcast.frames.panel import Panel
from cblcast.frames.quality import warn_about_constant_meters
from cblcast.frames.schema import OBSERVED, SITE, DataError, StudyError
from cblcast.workflow.taught_sites import taught_in_words, taught_themselves

LINE = "Pretrained"
_BEFORE_US = 12 * HOUR_US
_SEES = {
    "real_time": "sees the meter until the event begins",
    "real_time_2h": "sees the meter until two hours before the event",
    "settlement": "sees the meter before and after the event",
    "day_ahead": "sees nothing of the event's day",
}
# Bundled parts of larger sets: what was learned from the whole was learned from the part.
_PART_OF = {"cambridge_sme": "cambridge"}


@dataclass(frozen=True)
class Boxed:
    """The pretrained baseline that was taken, and why this view of it.

    Attributes
    ----------
    forecaster : Forecaster
    view : str
        One of :data:`cblcast.forecast.pretrained.VIEWS`.
    why : str
        Empty where the user chose the view.
    taught : dict site_id -> name of the data set
        Sites that are asked for and that it learned from itself, told by their readings.
    """

    forecaster: Forecaster
    view: str
    why: str
    taught: Mapping[str, str] = field(default_factory=dict)

    def sentence(self) -> str:
        """What the command line says of it."""
        others = ", ".join(name for name in VIEWS if name != self.view)
        chosen = f" ({self.why}; --view chooses {others})" if self.why else ""
        trained = _sets_in_words(self.view, other=not self.taught)
        return f"the pretrained baseline, view {self.view}, which {_SEES[self.view]}{chosen}; trained on {trained}"

    def praised(self) -> str:
        """That it learned from sites that are asked for, if it did."""
        return taught_in_words(self.taught)

    def document(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "name": "pretrained",
            "view": self.view,
            "sees": _SEES[self.view],
            "why": self.why or "named by the user",
            "trained_on": trained_sets(self.view),
            "learned_from_these_sites": dict(self.taught),
        }


def trained_sets(view: str) -> list[dict[str, Any]]:
    """What the card says of the data of a view: ``set``, ``sites``, ``first``, ``last``, ``licence`` …"""
    found: list[dict[str, Any]] = pretrained_card()["views"][view]["data"]
    return found


def _sets_in_words(view: str, other: bool) -> str:
    sets = trained_sets(view)
    total = sum(int(one["sites"]) for one in sets)
    names = ", ".join(f"{one['sites']} of {one['set']} ({one['first'][:4]}-{one['last'][:4]})" for one in sets)
    return f"{total} {'other ' if other else ''}sites ({names})"


def boxed(panel: Panel, events: pd.DataFrame, view: str | None = None) -> Boxed:
    """The pretrained baseline for the events of a panel.

    Parameters
    ----------
    panel : Panel
    events : DataFrame
        ``site_id``, ``start``, ``stop``.
    view : str, optional
        Unless given, ``real_time``, and ``day_ahead`` where the meter says nothing of the hours before the events. The view
        ``settlement`` is never chosen by itself: the hours after an event hold its rebound.
    """
    warn_about_constant_meters(panel)
    why = ""
    if view is None and _seen_before(panel, events):
        view, why = "real_time", "the meter has readings of the hours before the events"
    elif view is None:
        view, why = "day_ahead", "the meter has no reading in the twelve hours before any event"
    asked = set(events[SITE].astype(str))
    taught = {site: name for site, name in taught_themselves(panel).items() if site in asked}
    return Boxed(load_pretrained(view), view.rpartition("/")[2], why, taught)


def _seen_before(panel: Panel, events: pd.DataFrame) -> bool:
    """Whether the meter says anything of the twelve hours before any event."""
    site, start = panel.site_codes(pd.Index(events[SITE])), microseconds(events["start"])
    begin = panel.first_times_us[site]
    start = begin + (start - begin) // panel.step_us * panel.step_us  # an event may begin between two readings
    back = np.arange(panel.step_us, _BEFORE_US + 1, panel.step_us)
    load = panel.values_at(OBSERVED, np.repeat(site, len(back)), (start[:, None] - back).ravel())
    return bool(np.isfinite(load).any())


def with_pretrained(study: Study) -> tuple[Study, str]:
    """A study with the pretrained baseline beside its methods, and why it is not, if it is not and nobody asked for that.

    ``pretrained: false`` leaves it out, ``true`` wants it; unless either is said, it stands beside demand baselines of every
    view that it was trained for, except on data that it learned from itself: there its line would praise its memory.
    """
    if study.pretrained is False or study.events.every_min is not None:
        return study, ""
    if any(map(names_pretrained, study.methods)):
        return study, praised_memory(study)
    try:
        name = view_name(view_of(study.view))
        load_pretrained(name)
    except (StudyError, DataError) as error:
        if study.pretrained:
            raise
        return study, f"no line of the pretrained baseline: {error}"
    own = praised_memory(study)
    if own and study.pretrained is None:
        return study, f"no line of the pretrained baseline: {own} (pretrained: true shows it all the same)"
    if LINE in map(method_name, study.methods):
        return study, f"no line of the pretrained baseline: a method of the study is called {LINE!r}"
    spec = {"name": LINE, "estimator": f"pretrained/{name}"}
    return study.model_copy(update={"methods": (*study.methods, spec)}), own


def praised_memory(study: Study, panel: Panel | None = None) -> str:
    """That the pretrained baseline is judged on days that it learned from, or nothing.

    It is known by the name of the data set and, where the panel is given, by its readings.
    """
    name = str(study.data.dataset)
    for view in pretrained_card()["views"].values():
        for one in view["data"]:
            first, last = one["first"][:10], one["last"][:10]
            if one["set"] in (name, _PART_OF.get(name)) and study.test[0] <= last and study.test[1] >= first:
                return f"the pretrained baseline learned from {one['set']} itself, {first} to {last}: its line praises its memory"
    return "" if panel is None else taught_in_words(taught_themselves(panel, *map(str, study.test)))
