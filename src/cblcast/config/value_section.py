"""The ``value:`` section of a study: in which market its estimates are priced, and with which prices."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from cblcast.config.sections import Section
from cblcast.frames.schema import nearest
from cblcast.value.imbalance import RULES

CONTRACT = "contract"
OF_MARKETS = (
    "bids",
    "bid_column",
    "product_min",
    "gate_min",
    "half_spread",
    "k",
    "currency",
    "reference",
)  # not of a contract


def _files(given: Any) -> Any:
    """One file may be named alone: as text, or as one mapping."""
    if isinstance(given, str):
        return ({"file": given},)
    if isinstance(given, dict):
        return (given,)
    if isinstance(given, (list, tuple)):
        return tuple({"file": each} if isinstance(each, str) else each for each in given)
    return given


class PriceFile(Section):
    """A file of prices and how to read it; see :func:`cblcast.io.prices.read_prices`."""

    file: str
    columns: dict[str, str] | None = None  # foreign name -> ours (day_ahead_per_mwh, imbalance_per_mwh, …)
    only: dict[str, str] | None = None  # rows to read, like {zone: FR}
    clock: str | None = None
    days: Literal["real", "flattened"] = "real"
    zone: str | None = None
    trust_clock_changes: bool = False


class Value(Section):
    """What the estimates of a study are worth: a nowcast in three markets, or a demand baseline by a contract."""

    market: str
    prices: Annotated[tuple[PriceFile, ...], BeforeValidator(_files)] = ()
    contract: str | None = None
    bids: str | None = None  # a file with time and bid_kw; "none": nothing is sold day-ahead
    bid_column: str | None = None  # or a column of the panel [kW]
    product_min: Literal[15, 30, 60] = 30
    gate_min: int = Field(default=30, ge=0)
    half_spread: float = Field(default=1.0, ge=0)
    k: float | None = Field(default=None, ge=0)
    currency: str = "EUR"
    reference: str | None = None  # the method that others are tested against; the study's first unless given

    def _is_written_out(self, idle: list[str]) -> bool:
        """Whether this is a study as a run keeps it, with every default written out, and nothing that somebody chose."""
        fields = type(self).model_fields
        return self.model_fields_set == set(fields) and all(
            getattr(self, name) == fields[name].default for name in idle
        )

    @model_validator(mode="after")
    def _is_whole(self) -> Value:
        known = (*RULES, CONTRACT)
        if self.market not in known:
            raise ValueError(f"unknown market {self.market!r}: {nearest(self.market, known)}")
        if self.market == CONTRACT:
            if self.contract is None:
                raise ValueError("market: contract needs contract: (a YAML file of terms, docs/settlement.md)")
            idle = [name for name in OF_MARKETS if name in self.model_fields_set and getattr(self, name) is not None]
            if idle and not self._is_written_out(idle):
                raise ValueError(
                    f"{idle[0]}: would do nothing with market: contract, whose terms are in its file: leave it out"
                )
            return self
        if self.contract is not None:
            raise ValueError(f"contract: belongs to market: contract, not to market: {self.market}")
        if not self.prices:
            raise ValueError(f"market: {self.market} needs prices: (a CSV or Parquet file, docs/markets.md)")
        if (self.bids is None) == (self.bid_column is None):
            raise ValueError(
                "say what is sold day-ahead: bids: (a file with time and bid_kw, or none), or bid_column: (a column of the panel)"
            )
        return self
