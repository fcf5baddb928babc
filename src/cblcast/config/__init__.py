"""A study: what is judged, on which data and events, with which methods. YAML in, checked values out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, ValidationError, model_validator

from cblcast import registry
from cblcast.abilities import GivesIntervals, able, check_parameters, learns
from cblcast.checked.found_wrong import in_words
from cblcast.checked.yaml_files import Document, Place, apply_changes, document_of, read_yaml
from cblcast.config.problems import validated
from cblcast.config.sections import SECTIONS, Data, Day, Events, RefitSection, Section, Text, TrainEvents, ViewSection
from cblcast.config.value_section import CONTRACT, PriceFile, Value
from cblcast.forecast.answer import reads_only_own_features
from cblcast.forecast.evaluation import AGGREGATES, DEFAULT_METRICS
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import for_view, make_estimator
from cblcast.frames.cases import View
from cblcast.frames.rolling import Horizon
from cblcast.frames.schema import StudyError, nearest
from cblcast.io.database import is_table

STUDY_FORMAT = 1
NAMED_VIEWS: dict[str, View] = {
    "real_time": View.real_time(),
    "settlement": View.settlement(),
    "day_ahead": View.day_ahead(),
    "nowcast": View.nowcast(),
}
SCALES = ("mean", "rated_kw")
ALL_SECTIONS: dict[str, type[Section]] = {**SECTIONS, "value": Value, "value.prices": PriceFile}


# What is a name or a mapping: pydantic is told which was meant, so that it tells one fault and not one of each.
OF_UNIONS = ("name", "mapping", "[key]")
Named = Annotated[str, Tag("name")]
BY_KIND = Discriminator(lambda value: "mapping" if isinstance(value, (Mapping, Section)) else "name")


class Study(Section):
    """Everything that `cblcast train` and `cblcast evaluate` need to know."""

    format: int = STUDY_FORMAT
    study: Text = Field(min_length=1)
    description: str = ""
    data: Data
    events: Events
    train_events: TrainEvents | None = None
    view: Annotated[Named | Annotated[ViewSection, Tag("mapping")], BY_KIND] = "real_time"
    train: tuple[Day, Day] | None = None
    test: tuple[Day, Day]
    refit: RefitSection | None = None
    features: dict[str, dict[str, Any] | None] = Field(default_factory=dict)
    methods: tuple[Annotated[Named | Annotated[dict[str, Any], Tag("mapping")], BY_KIND], ...] = Field(min_length=1)
    metrics: tuple[str, ...] = Field(default=DEFAULT_METRICS, min_length=1)
    aggregate: str = "per_site"
    scale: str = "mean"
    intervals: float | None = Field(default=None, gt=0, lt=1)
    explain: bool = False
    pretrained: bool | None = None  # its line beside the methods in `evaluate`; see docs/studies.md
    value: Value | None = None

    @model_validator(mode="after")
    def _names_exist(self) -> Study:
        if self.format > STUDY_FORMAT:
            raise ValueError(
                f"the study has format {self.format}, this cblcast reads up to {STUDY_FORMAT}: update cblcast"
            )
        if self.train_events is not None and self.train is None:
            raise ValueError("train_events: needs the span to learn from: add train: [first, last]")
        if self.refit is not None and self.train is None:
            raise Misplaced("refit: needs to know where learning begins: add train: [first, last]", ("refit",))
        self._check_spans()
        self._check_paid_once()
        for number, name in enumerate(self.metrics):
            with at_place("metrics", number):
                registry.METRICS.resolve(name)
        for name, params in self.features.items():
            with at_place("features", name):
                registry.FEATURES.make(name, params or {})
        for value, known, what in ((self.aggregate, AGGREGATES, "aggregate"), (self.scale, SCALES, "scale")):
            if value not in known:
                raise ValueError(f"unknown {what} {value!r}: {nearest(value, known)}")
        names = [method_name(spec) for spec in self.methods]
        for what, given in (("methods are", names), ("metrics are", self.metrics)):
            twice = sorted({name for name in given if given.count(name) > 1})
            if twice:
                raise ValueError(
                    f"two {what} called {twice[0]!r}: give each once, or one of them another name (name: …)"
                )
        self.forecasters()
        return self

    def _check_spans(self) -> None:
        for what, span in (("train", self.train), ("test", self.test)):
            if span is not None and span[0] > span[1]:
                raise Misplaced(f"{what}: its first day {span[0]} comes after its last, {span[1]}: swap them", (what,))
        if self.train is not None and self.test[0] <= self.train[1]:
            raise Misplaced(
                f"test: begins on {self.test[0]}, before the training span ends ({self.train[1]}): what is judged must lie "
                "after what was learned from",
                ("test",),
            )

    def _check_paid_once(self) -> None:
        every, horizon = self.events.every_min, self.events.horizon_min
        if self.value is None or self.value.market != CONTRACT or every is None or horizon is None or every >= horizon:
            return
        raise Misplaced(
            f"value: a contract pays every kWh once, and nowcasts issued every {every} min for {horizon} min estimate an interval "
            f"several times: set every_min: {horizon}, or price them in a market",
            ("value", "market"),
        )

    def forecasters(self) -> dict[str, Forecaster]:
        """A fresh, untrained forecaster for each method."""
        made = {}
        for number, spec in enumerate(self.methods):
            with at_place("methods", number):
                made[method_name(spec)] = self._forecaster(spec)
        return made

    def _forecaster(self, spec: str | dict[str, Any]) -> Forecaster:
        own: dict[str, Any] = dict(spec) if isinstance(spec, Mapping) else {"estimator": spec}
        if "estimator" not in own:
            raise StudyError(f"a method is a name (High5of10) or a mapping with the key 'estimator', not {spec!r}")
        name = method_name(spec)
        own.pop("name", None)
        view, features = own.pop("view", self.view), own.pop("features", None)
        own = for_view(own, view_of(view))
        estimator = make_estimator(own if len(own) > 1 else own["estimator"])
        check_parameters(estimator)
        if self.intervals is not None and not (able(estimator, GivesIntervals) and not learns(estimator)):
            estimator = with_intervals(estimator, self.intervals, by_lead=self.events.every_min is not None)
        chosen = self.features if features is None else features
        # A rule reads its own features; those of the study are for what learns.
        wanted = {} if features is None and reads_only_own_features(estimator) else chosen
        seen, horizon = view_of(view), None
        if self.events.every_min is not None:
            seen = replace(seen, perfect_weather=False)
        if self.events.horizon_min is not None:
            horizon = Horizon(self.events.horizon_min)
        return Forecaster(estimator, {key: params or {} for key, params in wanted.items()}, seen, name, horizon)


class Misplaced(StudyError):
    """A fault of a study that is found when its parts are put together; `place` is the key at which it stands."""

    def __init__(self, said: str, place: Place) -> None:
        super().__init__(said)
        self.place = place


@contextmanager
def at_place(*place: str | int) -> Iterator[None]:
    """Tell of an error inside at which key of the study it stands."""
    try:
        yield
    except StudyError as error:
        raise Misplaced(f"{'.'.join(map(str, place))}: {error}", place) from None


def with_intervals(estimator: Any, coverage: float, by_lead: bool = False) -> Any:
    """The estimator with calibrated intervals, those of nowcasts by lead."""
    from cblcast.estimators.wrappers import (
        intervals,
        recent_intervals,
    )  # load scikit-learn, as the estimator has by now

    if by_lead:
        return recent_intervals.with_lead_intervals(estimator, coverage)
    return intervals.with_intervals(estimator, coverage)


def method_name(spec: str | Mapping[str, Any]) -> str:
    """Name of a method in tables and runs."""
    if isinstance(spec, str):
        return spec
    return str(spec.get("name") or spec.get("estimator") or spec)


def view_of(spec: str | ViewSection | Mapping[str, Any] | View) -> View:
    """A view from its name or its hours."""
    if isinstance(spec, View):
        return spec
    if isinstance(spec, str):
        if spec not in NAMED_VIEWS:
            raise StudyError(f"unknown view {spec!r}: {nearest(spec, NAMED_VIEWS)}")
        return NAMED_VIEWS[spec]
    section = spec if isinstance(spec, ViewSection) else validated(ViewSection, dict(spec), "view")
    return View(section.lead_in, section.recovery, section.whole_day)


def read_study(path: str | Path, changes: Mapping[str, Any] | None = None) -> Study:
    """A study from its YAML file.

    Parameters
    ----------
    path : path
    changes : mapping "a.b" -> value, optional
        Values that replace those of the file (``--set``); the value is YAML.

    Raises
    ------
    StudyError
        One sentence that names the file, the key and the nearest right one.
    """
    path = Path(path)
    document = read_yaml(path, "study")
    apply_changes(document, changes)
    return make_study(document, path.name, path.parent)


def make_study(document: dict[str, Any], name: str = "the study", folder: Path | None = None) -> Study:
    """A study from a mapping; relative paths are looked up beside the study, then in the working directory."""
    checked = document if isinstance(document, Document) else document_of(document, name, "study", {})
    try:
        study = Study(**checked)
    except ValidationError as error:
        problem = next((item for item in error.errors() if item["type"] == "extra_forbidden"), error.errors()[0])
        place = getattr(problem.get("ctx", {}).get("error"), "place", problem["loc"])
        raise StudyError(
            f"{checked.where(tuple(part for part in place if part not in OF_UNIONS))}: {_sentence(error)}"
        ) from None
    return study if folder is None else _with_paths(study, folder, name)


def _with_paths(study: Study, folder: Path, name: str) -> Study:
    def found(section: str, key: str, value: str | None) -> str | None:
        if value is None or (key == "panel" and is_table(value)):
            return value
        for candidate in (folder / value, Path(value)):
            if candidate.is_file() or (key == "panel" and candidate.is_dir()):  # a folder of Parquet files
                return str(candidate)
        raise StudyError(
            f"{name}: {section}.{key} names the file {value!r}, which is neither beside the study nor in the "
            "working directory: mend the path"
        )

    data: dict[str, Any] = {
        key: found("data", key, getattr(study.data, key)) for key in ("panel", "weather", "site_table", "holidays")
    }
    data["forecasts"] = tuple(
        one.with_paths([found("data", "forecasts", path) for path in one.paths]) for one in study.data.forecasts
    )
    files = {key: found("events", key, getattr(study.events, key)) for key in ("file", "truth", "mask")}
    update: dict[str, Section] = {
        "data": study.data.model_copy(update=data),
        "events": study.events.model_copy(update=files),
    }
    if study.value is not None:
        update["value"] = _value_with_paths(study.value, found)
    return study.model_copy(update=update)


def _value_with_paths(value: Value, found: Callable[[str, str, str | None], str | None]) -> Value:
    prices = tuple(one.model_copy(update={"file": found("value", "prices", one.file)}) for one in value.prices)
    bids = value.bids if value.bids == "none" else found("value", "bids", value.bids)
    return value.model_copy(
        update={"prices": prices, "bids": bids, "contract": found("value", "contract", value.contract)}
    )


def _sentence(error: ValidationError) -> str:
    """The first problem as one sentence, with the nearest right key for a wrong one."""
    problem = next((item for item in error.errors() if item["type"] == "extra_forbidden"), error.errors()[0])
    place = [part for part in problem["loc"] if not (isinstance(part, str) and part in OF_UNIONS)]
    key = ".".join(str(part) for part in place) or "the study"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if problem["type"] == "extra_forbidden":
        above = ".".join(str(part) for part in place[:-1] if not isinstance(part, int))
        section: type[Section] = ALL_SECTIONS.get(above, Study)
        return f"unknown key {key!r}: {nearest(str(place[-1]), section.model_fields)}{more}"
    if problem["type"] == "missing":
        return f"the key {key!r} is missing: add it (docs/studies.md shows a whole study){more}"
    message = in_words(problem)
    return f"{key}: {message}{more}" if place else f"{message}{more}"
