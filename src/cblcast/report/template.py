"""A settlement as somebody else's table: their columns, local time, their decimals, from a mapping file."""

from __future__ import annotations

from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cblcast.checked.found_wrong import in_words
from cblcast.checked.yaml_files import parse_document, read_yaml
from cblcast.errors import StudyError, nearest
from cblcast.frames.schema import SITE, TIME

FOLDER = "templates"


class Template(BaseModel):
    """How a table is written.

    Attributes
    ----------
    rows : {"events", "hours", "intervals", "resources"}
        What one row is.
    time : {"local", "utc"}
        Clock of the times: of each site, or UTC.
    time_format : str
        As in ``strftime``.
    columns : mapping their name -> ours
        In their order. Ours are the columns of the rows (docs/settlement.md); ``x_mwh`` and ``x_mw`` of every ``x_kwh`` and
        ``x_kw``; ``trade_date``, ``start_clock``, ``hour_ending`` of the local day; ``resource_or_site``; ``=text`` is that
        text in every row.
    decimals : mapping ours -> int
        Of other columns than money, which has those of the contract; energies have the contract's unless said here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: Literal["events", "hours", "intervals", "resources"] = "events"
    time: Literal["local", "utc"] = "local"
    time_format: str = "%Y-%m-%dT%H:%M:%S%z"
    columns: dict[str, str] = Field(min_length=1)
    decimals: dict[str, int] = {}


def template_names() -> list[str]:
    """Templates of the package, sorted."""
    found = (files("cblcast.report") / FOLDER).iterdir()
    return sorted(each.name.removesuffix(".yaml") for each in found if each.name.endswith(".yaml"))


def read_template(name: str | Path) -> Template:
    """A template by its name in the package, or from a user's own YAML file.

    Raises
    ------
    StudyError
    """
    text = str(name)
    if text.endswith((".yaml", ".yml")):
        document = read_yaml(text, "template")
    elif text in template_names():
        content = (files("cblcast.report") / FOLDER / f"{text}.yaml").read_text(encoding="utf-8")
        document = parse_document(content, text, "template")
    else:
        raise StudyError(
            f"there is no template {text!r}: {nearest(text, template_names())}; one of your own is given as a path to its .yaml"
        )
    try:
        return Template(**document)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"]))
        if problem["type"] == "extra_forbidden":
            raise StudyError(
                f"template {text}: there is no key {key!r}: {nearest(key, Template.model_fields)}"
            ) from None
        raise StudyError(f"template {text}: {key}: {in_words(problem)}") from None


def laid_out(rows: pd.DataFrame, template: Template, zones: np.ndarray, energy_decimals: int | None) -> pd.DataFrame:
    """`rows` under their names, as text where decimals or a clock are asked for.

    Parameters
    ----------
    rows : DataFrame
        Our columns; times in UTC.
    zones : ndarray of str
        Local zone of each row.
    energy_decimals : int, optional
        Of energies that the template says nothing of.

    Raises
    ------
    StudyError
        A column that is none of ours, with the nearest.
    """
    known = _derived(rows, zones)
    told = {}
    for theirs, ours in template.columns.items():
        if ours.startswith("="):
            told[theirs] = np.full(len(rows), ours[1:], dtype=object)
            continue
        if ours not in known:
            raise StudyError(
                f"the template asks for {ours!r} as {theirs!r}, which a row of {template.rows} has not: {nearest(ours, map(str, known))}"
            )
        told[theirs] = _written(known[ours], ours, template, zones, energy_decimals)
    return pd.DataFrame(told, index=rows.index)


def _derived(rows: pd.DataFrame, zones: np.ndarray) -> dict[str, pd.Series]:
    known = {str(name): rows[name] for name in rows.columns}
    for name in list(known):
        for small, large in (("_kwh", "_mwh"), ("_kw", "_mw")):
            if name.endswith(small) and known[name].dtype.kind in "fi":
                known[name.removesuffix(small) + large] = known[name] / 1000
    at = TIME if TIME in known else "start"
    local = local_times(rows[at], zones)
    known["trade_date"] = pd.Series([each.strftime("%Y-%m-%d") for each in local], index=rows.index)
    known["start_clock"] = pd.Series([each.strftime("%H:%M") for each in local], index=rows.index)
    known["hour_ending"] = pd.Series([each.hour + 1 for each in local], index=rows.index)
    if SITE in known or "resource" in known:
        site = known.get(SITE, known.get("resource"))
        known["resource_or_site"] = known.get("resource", site)
    return known


def local_times(times: pd.Series, zones: np.ndarray) -> list[pd.Timestamp]:
    """Each time on the clock of its zone."""
    found = np.empty(len(times), dtype=object)
    for zone in pd.unique(pd.Series(zones, dtype=object)):
        mine = np.flatnonzero(zones == zone)
        found[mine] = pd.DatetimeIndex(times.iloc[mine]).tz_convert(str(zone)).to_numpy(dtype=object)
    return found.tolist()


def _written(
    column: pd.Series, ours: str, template: Template, zones: np.ndarray, energy_decimals: int | None
) -> np.ndarray | pd.Series:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        local = local_times(column, zones) if template.time == "local" else column.tolist()
        return np.array([each.strftime(template.time_format) for each in local], dtype=object)
    if column.dtype.kind != "f":
        return column
    decimals = template.decimals.get(ours, energy_decimals if ours.endswith("_kwh") else None)
    if decimals is None:
        return column
    texts = [f"{Decimal(repr(value)):.{decimals}f}" if np.isfinite(value) else "" for value in column.tolist()]
    return np.array(texts, dtype=object)
