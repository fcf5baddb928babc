"""Money in decimal: what is rounded adds up, and what is shared is shared to the last cent."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, InvalidOperation

import numpy as np

from cblcast.errors import DataError
from cblcast.value.contract import Contract

MOST_UNITS = 2**53  # of the last decimal of an energy: beyond, a float skips whole numbers
_MODES = {"half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN, "down": ROUND_DOWN}


def exact(number: float) -> Decimal:
    """A number as it is written: 0.1 is a tenth, not the binary fraction next to it."""
    return Decimal(repr(float(number)))


def rounded(amount: Decimal, contract: Contract) -> Decimal:
    """`amount` with the decimals and the rounding of the contract.

    Raises
    ------
    DataError
        An amount of more digits than money is counted with.
    """
    try:
        return amount.quantize(Decimal(1).scaleb(-contract.decimals), rounding=_MODES[contract.rounding])
    except InvalidOperation:
        raise DataError(
            f"an amount of {amount:.2e} {contract.currency} has more digits than money is counted with: check the prices of "
            f"the contract {contract.name!r}, and the unit of the readings"
        ) from None


def energy_units(kwh: np.ndarray, contract: Contract) -> np.ndarray:
    """Energy as whole numbers of the last decimal of the contract's kWh, int64.

    Raises
    ------
    DataError
        An energy of more of them than can be told apart.
    """
    scaled = np.asarray(kwh, dtype=np.float64) * 10.0**contract.energy_decimals
    if scaled.size and np.abs(scaled).max() >= MOST_UNITS:
        most = float(np.abs(scaled).max()) / 10.0**contract.energy_decimals
        raise DataError(
            f"an energy of {most:.3g} kWh cannot be counted to {contract.energy_decimals} decimals: check the unit of the "
            "readings and commitments, or give the contract fewer energy_decimals"
        )
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
    # Divided last: a third of 100, three times, is less than 100, and rounded down a cent of it would be paid to nobody.
    return rounded(total * (place + 1) / count, contract) - rounded(total * place / count, contract)
