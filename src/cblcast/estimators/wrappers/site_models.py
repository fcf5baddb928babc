"""Fitted models of single sites, kept as arrays where they are alike: a matrix of coefficients instead of a list of objects."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cblcast.encoding import decoded, encoded
from cblcast.errors import DataError

Stack = dict[str, Any]  # document: str (JSON); place: ndarray of int64 (k,); arrays: name -> ndarray (k, …)


@dataclass(frozen=True, eq=False)
class SiteModels:
    """A fitted model for each of some sites.

    Attributes
    ----------
    sites : list of str
    stacks : list of dict
        Models that differ in the values of their arrays alone: ``document``, the JSON that they share, ``place``, the
        positions of their sites, and ``arrays``, each array of theirs stacked, one model a row.
    own : dict of int to estimator
        Position of the site → a model like which there is no other, or which cannot be kept as arrays.
    """

    sites: list[str] = field(default_factory=list)
    stacks: list[Stack] = field(default_factory=list)
    own: dict[int, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, sites: Sequence[str], models: Iterable[Any]) -> SiteModels:
        """The models of some sites, in their order; each is let go as soon as it is an array."""
        lots = _Alike()
        for place, model in enumerate(models):
            lots.add_model(place, model)
        return cls(list(sites), *lots.told())

    @classmethod
    def joined(cls, parts: Sequence[SiteModels]) -> SiteModels:
        """The models of several lots of sites, sorted by site."""
        names = [site for part in parts for site in part.sites]
        order = sorted(range(len(names)), key=names.__getitem__)
        rank = np.empty(len(names), dtype=np.int64)
        rank[order] = np.arange(len(names))
        lots, first = _Alike(), 0
        for part in parts:
            for stack in part.stacks:
                lots.add_stack({**stack, "place": rank[first + np.asarray(stack["place"])]})
            for place, model in part.own.items():
                lots.add_model(int(rank[first + place]), model)
            first += len(part.sites)
        return cls([names[number] for number in order], *lots.told())

    def where(self) -> tuple[np.ndarray, np.ndarray]:
        """Stack of each site, -1 where it has a model of its own, and its row of the stack; int64, shape (n_sites,)."""
        stack, row = np.full(len(self.sites), -1), np.zeros(len(self.sites), dtype=np.int64)
        for number, each in enumerate(self.stacks):
            stack[each["place"]], row[each["place"]] = number, np.arange(len(each["place"]))
        return stack, row

    def made(self) -> list[Any]:
        """All models as objects, in the order of the sites."""
        stack, row = self.where()
        return [self.model(place, int(stack[place]), int(row[place])) for place in range(len(self.sites))]

    def model(self, place: int, stack: int, row: int) -> Any:
        """The model of a site, whose `stack` and `row` :meth:`where` tells."""
        if stack < 0:
            return self.own[place]
        kept = self.stacks[stack]
        return decoded(json.loads(kept["document"]), {name: values[row] for name, values in kept["arrays"].items()})


class _Alike:
    """Models as they come, those of a kind together; the first of a kind is kept as an object until another like it comes."""

    def __init__(self) -> None:
        self._stacks: dict[Any, list[Stack]] = {}
        self._first: dict[Any, Any] = {}
        self._own: dict[int, Any] = {}

    def add_model(self, place: int, model: Any) -> None:
        """A model of the site at `place`."""
        arrays: dict[str, np.ndarray] = {}
        try:
            document = json.dumps(encoded(model, "model", arrays))
        except DataError:  # of a class that cannot be saved: it lives as long as its process
            self._own[place] = model
            return
        one = {name: values[None] for name, values in arrays.items()}
        self._first.setdefault(_kind(document, one), model)
        self.add_stack({"document": document, "place": np.array([place], dtype=np.int64), "arrays": one})

    def add_stack(self, stack: Stack) -> None:
        """Several models of a kind."""
        self._stacks.setdefault(_kind(stack["document"], stack["arrays"]), []).append(stack)

    def told(self) -> tuple[list[Stack], dict[int, Any]]:
        """Stacks of two models and more, and the others."""
        stacks, own = [], dict(self._own)
        for kind in list(self._stacks):
            whole = _one(self._stacks.pop(kind))
            if len(whole["place"]) == 1:
                own[int(whole["place"][0])] = self._first[kind]
            else:
                stacks.append(whole)
        return stacks, own


def _kind(document: str, arrays: Mapping[str, np.ndarray]) -> tuple[Any, ...]:
    """What models share that are stacked: all but the values of their arrays."""
    return document, tuple((name, values.dtype.str, values.shape[1:]) for name, values in arrays.items())


def _one(stacks: Sequence[Stack]) -> Stack:
    """Stacks of one kind as one, in the order of the sites."""
    place = np.concatenate([stack["place"] for stack in stacks])
    order = np.argsort(place)
    arrays = {name: np.concatenate([stack["arrays"][name] for stack in stacks])[order] for name in stacks[0]["arrays"]}
    return {"document": stacks[0]["document"], "place": place[order], "arrays": arrays}
