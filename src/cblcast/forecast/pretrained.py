"""The pretrained baseline that travels with the package: one model a view, found in the wheel or in a checkout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cblcast.abilities import TellsTreatment, days_looked_back, outermost_able
from cblcast.errors import DataError, StudyError, nearest
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.trained_on import TrainedOn
from cblcast.frames.cases import View
from cblcast.registry import ESTIMATORS

NAME = "pretrained"
DEFAULT_VIEW = "real_time"
CARD = "card.json"
_TOLD = {"data", "manifest_sha256"}  # what a card must hold of a view for it to be served
VIEWS = {
    "real_time": View.real_time(),
    "real_time_2h": View.real_time(lead_in=2),
    "settlement": View.settlement(),
    "day_ahead": View.day_ahead(),
}


def pretrained_folder() -> Path:
    """Folder of the pretrained models, one folder a view."""
    package = Path(__file__).parents[1]
    installed = package / "_pretrained"
    return installed if installed.is_dir() else package.parents[1] / "models" / "pretrained"


def is_pretrained(name: str) -> bool:
    """Whether `name` means the pretrained baseline: ``pretrained``, or ``pretrained/settlement``."""
    return name == NAME or name.startswith(f"{NAME}/")


def view_asked(name: str, view: str | None) -> str | None:
    """The view that ``pretrained`` or ``pretrained/<view>`` and a view beside it ask for; None where neither names one."""
    if name == NAME:
        return view
    named = view_name(name)
    if view is not None and view_name(view) != named:
        raise StudyError(f"{name!r} names the view {named!r}, and {view!r} is asked for beside it: give one of the two")
    return named


def load_pretrained(view: str | View | None = None) -> Forecaster:
    """The pretrained baseline of one view.

    Parameters
    ----------
    view : str or View, optional
        ``real_time`` (the default: issued when the event starts), ``real_time_2h`` (the two hours before the event are not
        seen), ``settlement`` (before and after), ``day_ahead``; or a view, which must be one of these.

    Raises
    ------
    StudyError
        A view that no model was trained for.
    DataError
        The models are not there, or one is damaged.

    Examples
    --------
    >>> from cblcast.forecast.pretrained import load_pretrained
    >>> load_pretrained().view == load_pretrained("real_time").view
    True
    """
    name = view_name(view)
    folder = pretrained_folder() / name
    if not folder.is_dir():
        raise DataError(
            f"the pretrained baseline of the view {name!r} is not at {folder}: install cblcast again, or train it by "
            "experiments/pretrained_baseline/train.py"
        )
    told = pretrained_card()["views"].get(name)
    if told is None:
        raise DataError(
            f"the card of the pretrained baseline in {folder.parent} has no view {name!r}: install cblcast again"
        )
    saved = Forecaster.load(folder, told["manifest_sha256"])
    # No sites: one of the user's may bear the name of one that taught, and lies elsewhere.
    made = Forecaster(served(saved), view=saved.view, name=saved.name)
    steps = sorted({float(each["step_minutes"]) for each in told["data"]})
    made.trained_on = TrainedOn(tuple(steps), 0.0, float("inf"), any_site=True)
    return made


def served(saved: Forecaster) -> Any:
    """The estimator of a saved model as it serves sites that it never saw: adapted to each, with an eye for unusual days."""
    made = ESTIMATORS.make("AsTrained", {"estimator": saved.estimator, "features": saved.features})
    if not days_looked_back(made):
        made = ESTIMATORS.make("Adapted", {"estimator": made})
    if outermost_able(made, TellsTreatment) is None:
        made = ESTIMATORS.make("UnusualDay", {"estimator": made})
    return made


def pretrained_card() -> dict[str, Any]:
    """What the pretrained models were trained on, and how far they err: data, licences, spans, errors, digests."""
    path = pretrained_folder() / CARD
    try:
        card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"the card of the pretrained baseline at {path} cannot be read ({error}): install cblcast again"
        ) from None
    views = card.get("views") if isinstance(card, dict) else None
    if not isinstance(views, dict) or not all(isinstance(one, dict) and set(one) >= _TOLD for one in views.values()):
        raise DataError(
            f"the card of the pretrained baseline at {path} does not say of each view what it must ({', '.join(sorted(_TOLD))}): "
            "install cblcast again"
        )
    return card


def view_name(view: str | View | None) -> str:
    """Which of :data:`VIEWS` a view, its name or ``pretrained/<name>`` is; a :class:`StudyError` where it is none."""
    if view is None:
        return DEFAULT_VIEW
    if isinstance(view, View):
        found = next((name for name, each in VIEWS.items() if each == view), None)
        if found is None:
            raise StudyError(
                f"no pretrained baseline was made for {view}: there is one issued at the start of the event, one with two hours "
                f"hidden before it, one for settlement and one for the day ahead ({', '.join(VIEWS)}); train a model for yours"
            )
        return found
    name = str(view).removeprefix(f"{NAME}/")
    name = DEFAULT_VIEW if name == NAME else name
    if name not in VIEWS:
        raise StudyError(f"no pretrained baseline has the view {name!r}: {nearest(name, VIEWS)}")
    return name
