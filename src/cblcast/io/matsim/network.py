"""The network of a MATSim run: nodes, and links with length, free speed, capacity and lanes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cblcast.errors import DataError
from cblcast.io.matsim.xml_stream import number, parse

LINK_COLUMNS = {"length": "length_m", "freespeed": "free_speed_ms", "capacity": "capacity_per_h", "permlanes": "lanes"}


@dataclass(frozen=True)
class Network:
    """Nodes and links.

    Attributes
    ----------
    nodes : DataFrame, index node
        ``x_m``, ``y_m`` in the file's own projection.
    links : DataFrame, index link
        ``from_node``, ``to_node``; ``length_m`` [m], ``free_speed_ms`` [m/s], ``capacity_per_h`` [vehicles/h] (of the
        whole link, brought to one hour), ``lanes``, ``modes``.
    cell_m : float
        Length of road that a standing vehicle takes per lane [m].
    """

    nodes: pd.DataFrame
    links: pd.DataFrame
    cell_m: float = 7.5

    def centres(self) -> pd.DataFrame:
        """Middle of each link, ``x_m``, ``y_m``; index link."""
        ends = [self.nodes.loc[self.links[end]].to_numpy() for end in ("from_node", "to_node")]
        return pd.DataFrame((ends[0] + ends[1]) / 2, index=self.links.index, columns=["x_m", "y_m"])


def read_network(path: str | Path) -> Network:
    """The network in ``network.xml`` (version 1 or 2; plain, gzip or zstandard).

    Raises
    ------
    DataError
        As :func:`cblcast.io.matsim.xml_stream.parse`; a link that lacks an attribute, ends at an unknown node, or whose
        length, speed, capacity or lanes are not positive numbers; a node's place that is none; an id that stands twice; no
        links at all.
    """
    nodes: dict[str, tuple[float, float]] = {}
    links: dict[str, list[str]] = {}
    frame = {"capperiod": "01:00:00", "effectivecellsize": "7.5"}
    name = Path(path).name
    wanted = ("from", "to", *LINK_COLUMNS)

    def start(element: str, a: dict[str, str]) -> None:
        if (element == "link" and a.get("id") in links) or (element == "node" and a.get("id") in nodes):
            raise DataError(f"{name}: {element} {a['id']!r} stands there twice: leave one, or name the other")
        try:
            if element == "link":
                links[a["id"]] = [*(a[key] for key in wanted), a.get("modes", "car")]
            elif element == "node":
                x, y = (number(a[axis], f"{name}: {axis} of node {a['id']!r}") for axis in ("x", "y"))
                nodes[a["id"]] = (x, y)
        except KeyError as error:
            raise DataError(f"{name}: {element} {a.get('id', '?')!r} has no {error.args[0]!r}: add it") from None
        if element == "links":
            frame.update({key: a[key] for key in frame if key in a})

    parse(path, start)
    if not links:
        raise DataError(f"{name} holds no links: give output_network.xml.gz of the run")
    table = pd.DataFrame.from_dict(
        links, orient="index", columns=["from_node", "to_node", *LINK_COLUMNS.values(), "modes"]
    ).rename_axis("link")
    for column in LINK_COLUMNS.values():
        table[column] = _positive(table[column], name, column)
    table["capacity_per_h"] /= _clock_seconds(frame["capperiod"], name) / 3600
    for end in ("from_node", "to_node"):
        lost = ~table[end].isin(nodes)
        if lost.any():
            link = table.index[lost][0]
            raise DataError(
                f"{name}: link {link!r} ends at node {table.loc[link, end]!r}, which is not there: add the node"
            )
    points = (
        pd.DataFrame.from_dict(nodes, orient="index", columns=["x_m", "y_m"]).rename_axis("node").astype(np.float64)
    )
    cell_m = number(frame["effectivecellsize"], f"{name}: effectivecellsize")
    if not cell_m > 0:
        raise DataError(f"{name}: effectivecellsize is {cell_m:g} m: a standing vehicle needs more than 0 m of road")
    return Network(points, table, cell_m)


def _positive(column: pd.Series, file: str, what: str) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce").astype(np.float64)
    wrong = ~(numbers > 0) | np.isinf(numbers)
    if wrong.any():
        link = column.index[wrong][0]
        raise DataError(
            f"{file}: link {link!r} has {what} {column[link]!r} ({int(wrong.sum())} such links): it must be a number above 0"
        )
    return numbers


def _clock_seconds(text: str, file: str) -> float:
    """``01:00:00`` in seconds."""
    try:
        parts = [float(part) for part in text.split(":")]
    except ValueError:
        parts = []
    seconds = sum(part * 60 ** (len(parts) - 1 - place) for place, part in enumerate(parts))
    if len(parts) not in (1, 2, 3) or not 0 < seconds < float("inf"):
        raise DataError(f"{file}: {text!r} is no length of time: write it like 01:00:00")
    return seconds
