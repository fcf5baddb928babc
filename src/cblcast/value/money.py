"""Money in decimal: what is rounded adds up, and what is shared is shared to the last cent."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

import numpy as np

from cblcast.value.contract import Contract

_MODES = {"half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN, "down": ROUND_DOWN}


def exact(number: float) -> Decimal:
    """A number as it is written: 0.1 is a tenth, not the binary fraction next to it."""
    return Decimal(repr(float(number)))


def rounded(amount: Decimal, contract: Contract) -> Decimal:
    """`amount` with the decimals and the rounding of the contract."""
    return amount.quantize(Decimal(1).scaleb(-contract.decimals), rounding=_MODES[contract.rounding])


def energy_units(kwh: np.ndarray, contract: Contract) -> np.ndarray:
    """Energy as whole numbers of the last decimal of the contract's kWh, int64."""
    scaled = np.asarray(kwh, dtype=np.float64) * 10.0**contract.energy_decimals
    # The energies are binary: 2.5 units may come as 2.4999999999; a trillionth of the figure decides no half.
    near = scaled * (1 + 4e-16)
    if contract.rounding == "half_up":
        whole = np.sign(near) * np.floor(np.abs(near) + 0.5)
    else:
        whole = np.rint(scaled) if contract.rounding == "half_even" else np.trunc(near)
    return whole.astype(np.int64)


def energy(units: int, contract: Contract) -> Decimal:
    """Whole units of :func:`energy_units` as kWh."""
    return Decimal(int(units)).scaleb(-contract.energy_decimals)


def shared(total: Decimal, weights: Iterable[float], contract: Contract) -> list[Decimal]:
    """`total` (rounded already) shared by weights >= 0, equally where all are 0; the shares add up to it exactly.

    Each share is rounded down, and what is left is given in steps of the last decimal to the largest remainders, the
    first of equal ones first.
    """
    parts = np.asarray(list(weights), dtype=np.float64)
    if not parts.sum() > 0:
        parts = np.ones(len(parts))
    parts = parts / parts.sum()
    cents = int(total.scaleb(contract.decimals))
    sign = -1 if cents < 0 else 1
    wanted = parts * abs(cents)
    whole = np.floor(wanted).astype(np.int64)
    left = abs(cents) - int(whole.sum())
    whole[np.argsort(whole - wanted, kind="stable")[:left]] += 1
    return [Decimal(sign * int(each)).scaleb(-contract.decimals) for each in whole]


def share_of_month(total: Decimal, place: int, count: int, contract: Contract) -> Decimal:
    """The share of event number `place` (from 0) of `count` called in a month; the shares of all add up to `total`."""
    step = total / count
    return rounded(step * (place + 1), contract) - rounded(step * place, contract)
