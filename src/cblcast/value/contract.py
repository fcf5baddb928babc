"""Terms of a contract: price per kWh, capacity, penalty for shortfall, and how money is rounded, from a contract file."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from cblcast.checked.found_wrong import in_words
from cblcast.checked.yaml_files import read_yaml
from cblcast.frames.schema import StudyError, nearest

Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Contract(BaseModel):
    """Terms of payment, in one currency.

    Attributes
    ----------
    valid_from, valid_until : date, optional
        First and last local day of the events that it pays for.
    tz : str, optional
        Zone of its hours and months; each site's own unless given.
    energy_price : float, mapping hour -> float, or "series"
        Per kWh delivered: one price, one for each local hour of the day (0-23), or a price series given beside.
    capacity_price_per_kw_month : float
        Paid for the committed power in every local month in which events were called, shared equally by these events; the
        share of an event that could not be settled is not paid, and does not move to the others.
    committed_kw : float, optional
        Power committed by the site, or by the resource; a commitment of the resource and month, or a column
        ``committed_kw`` of the events, overrides it.
    penalty_per_kwh : float
        Charged for every kWh short of the commitment.
    tolerance : float
        Share of the commitment that may be missing without penalty, in [0, 1).
    negative : {"charged", "unpaid", "unpaid_per_event"}
        Negative delivered energy (the meter above the baseline) lowers the energy payment; or is not paid, interval by
        interval, which also pays for the noise of a baseline without any response; or is not paid where the whole event
        is negative. It stays in the delivered energy, and what was not paid is reported as ``unpaid_negative_kwh``.
    basis : {"event", "hour"}
        Whether performance and shortfall are judged by the mean of the event or hour by hour, where an hour of plenty
        makes up for no other.
    performance : "proportional" or mapping share -> share, optional
        How much of the capacity is paid: the delivered share of the commitment, at most 1; or steps, from which delivered
        share on which share is paid (``{0: 0, 0.5: 0.5, 0.9: 1}``). All of it unless given.
    derating_factor : float
        Share of the committed power that counts as capacity, in (0, 1].
    tested_capacity : bool
        Whether the power that the last event marked as a test (column ``test``) delivered limits the capacity that is
        paid from then on.
    loss_factor : float
        Energy at the point of delivery per kWh at the meter.
    selection : {"site", "aggregate"}
        Whether a resource's days are selected and adjusted for each site, or for the sum of its members.
    split : {"delivered", "baseline", "equal"}
        By what the payment of a resource is shared by its sites. ``delivered``: energy and capacity by what each delivered
        (a charge for energy by what each took too much), penalties by baseline energy.
    decimals, rounding : int, {"half_up", "half_even", "down"}
        Of each payment of each line; totals are the sums of the rounded lines.
    energy_decimals : int
        Decimals of the kWh of each interval that is paid.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "contract"
    currency: str = "EUR"
    valid_from: date | None = None
    valid_until: date | None = None
    tz: str | None = None
    energy_price: FiniteFloat | dict[int, FiniteFloat] | Literal["series"] = 0.0
    capacity_price_per_kw_month: Price = 0.0
    committed_kw: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    penalty_per_kwh: Price = 0.0
    tolerance: float = Field(default=0.0, ge=0, lt=1)
    negative: Literal["charged", "unpaid", "unpaid_per_event"] = "charged"
    basis: Literal["event", "hour"] = "event"
    performance: Literal["proportional"] | dict[Share, Share] | None = None
    derating_factor: float = Field(default=1.0, gt=0, le=1)
    tested_capacity: bool = False
    loss_factor: float = Field(default=1.0, gt=0, le=2)
    selection: Literal["site", "aggregate"] = "site"
    split: Literal["delivered", "baseline", "equal"] = "delivered"
    decimals: int = Field(default=2, ge=0, le=8)
    rounding: Literal["half_up", "half_even", "down"] = "half_up"
    energy_decimals: int = Field(default=6, ge=0, le=6)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool) and info.field_name != "tested_capacity":
            raise ValueError(f"{str(value).lower()} is neither a number nor a text: write what is meant")
        return value

    @field_validator("energy_price")
    @classmethod
    def _hours_of_a_day(cls, price: Any) -> Any:
        if isinstance(price, dict) and (not price or not set(price) <= set(range(24))):
            raise ValueError("prices by hour are keyed 0 to 23, the local hour that begins then")
        return price

    @field_validator("performance")
    @classmethod
    def _steps_from_nothing(cls, steps: Any) -> Any:
        if isinstance(steps, dict) and min(steps, default=1) != 0:
            raise ValueError("the steps of performance begin at 0: say what is paid when nothing is delivered")
        return steps

    @field_validator("tz")
    @classmethod
    def _known_zone(cls, zone: str | None) -> str | None:
        from zoneinfo import ZoneInfo

        try:
            return zone if zone is None else str(ZoneInfo(zone))
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{zone!r} is no IANA zone: write e.g. Europe/Rome") from None

    @model_validator(mode="after")
    def _in_order(self) -> Contract:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError(f"valid_until {self.valid_until} lies before valid_from {self.valid_from}: swap them")
        return self


def read_contract(path: Path) -> Contract:
    """A contract from a YAML file; an error names the key and the nearest right one."""
    document = read_yaml(path, "contract")
    try:
        return Contract(**document)
    except ValidationError as error:
        first = error.errors()[0]
        # Of a value that may have several forms, the furthest read says best what is wrong with it.
        alike = [each for each in error.errors() if each["loc"][:1] == first["loc"][:1]]
        problem = max(alike, key=lambda each: len(each["loc"]))
        key = str(problem["loc"][0]) if problem["loc"] else ""
        where = document.where(tuple(problem["loc"][:1]))
        if problem["type"] == "extra_forbidden":
            raise StudyError(f"{where}: a contract has no key {key!r}: {nearest(key, Contract.model_fields)}") from None
        at = f"{key}: " if key else ""
        raise StudyError(f"{where}: {at}{in_words(problem)}") from None
