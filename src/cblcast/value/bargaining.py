"""How a gain is shared: the Nash bargaining solution for vehicle-to-grid, and for n players.

Source: the bargaining paper, section 3. Its equations are lost in print and derived here.

*The game.* Without a contract the microgrid costs C0. With N vehicles it costs C1(N), and each vehicle costs its owner
s = EVC − CVC more than a conventional one (net of a subsidy). The operator pays P in all (present values, $). Excess payoffs:

    operator  g_m = C0 − C1(N) − P           vehicle owners  g_v = P − N s           (equation 2 maximises g_m g_v)

*The payment* (equation 4). For fixed N the sum G = g_m + g_v = C0 − C1 − N s does not depend on P, so g_m (G − g_m) is largest at
g_m = G / 2: equal gains, and P* = (C0 − C1 + N s) / 2.

*Two stages are enough* (appendix). The first-order conditions of the product in P and N are −g_v + g_m = 0 and
−C1'(N) g_v − s g_m = 0. The first gives g_m = g_v; with it the second is C1'(N) + s = 0, the condition for the least total cost
C1(N) + N s (equation 3). Without derivatives: for every N the best P gives the product (G(N) / 2)², which rises with G >= 0, so the
best N is the one with the largest G, that is with the least C1(N) + N s. This holds for whole numbers of vehicles, for any
bargaining power α (the product is α^α (1 − α)^(1−α) G) and for any fixed disagreement points.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cblcast.errors import DataError, DataWarning
from cblcast.physics.storage import check_efficiency
from cblcast.value.cash_flow import annuity_factor

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """What the two sides agree on; present values [$] unless said otherwise. NaN where there is no deal.

    Attributes
    ----------
    deal : bool
        Whether there is anything to share.
    statement : str
        The outcome in a sentence.
    vehicles : float
    payment_usd : float
        P*, to all owners.
    payment_per_vehicle_usd : float
    price_usd_per_year : float
        The same as a yearly payment to each vehicle.
    price_usd_per_hour : float
        The same for each hour in which a vehicle is available to an island.
    operator_gain_usd, owners_gain_usd : float
        Excess payoffs g_m, g_v.
    """

    deal: bool
    statement: str
    vehicles: float
    payment_usd: float = float("nan")
    payment_per_vehicle_usd: float = float("nan")
    price_usd_per_year: float = float("nan")
    price_usd_per_hour: float = float("nan")
    operator_gain_usd: float = float("nan")
    owners_gain_usd: float = float("nan")


@dataclass(frozen=True)
class Terms:
    """What the bargain takes from outside.

    Attributes
    ----------
    discount_rate, years : float
        Turn a present value into a yearly payment.
    island_h_per_year, availability : float
        Hours of availability that a vehicle gives: their product (the paper: 6 h × 0.7 = 4.2 h a year).
    owners_power : float
        α in [0, 1]: the owners' bargaining power; 0.5 is Nash's symmetric solution.
    operator_fallback_usd, owners_fallback_usd : float
        Excess payoffs that each side has without an agreement (another offer); 0 in the paper.
    """

    discount_rate: float = 0.2
    years: float = 20.0
    island_h_per_year: float = 6.0
    availability: float = 0.7
    owners_power: float = 0.5
    operator_fallback_usd: float = 0.0
    owners_fallback_usd: float = 0.0

    def __post_init__(self) -> None:
        annuity_factor(self.discount_rate, self.years)
        if not np.isfinite([self.operator_fallback_usd, self.owners_fallback_usd]).all():
            raise DataError(
                f"fallbacks of {self.operator_fallback_usd} and {self.owners_fallback_usd} $: what a side has without an agreement "
                "is a number"
            )
        if not 0 <= self.owners_power <= 1:
            raise DataError(f"owners_power is {self.owners_power}: bargaining power lies between 0 and 1, 0.5 is equal")
        if not (0 < self.availability <= 1 and self.island_h_per_year > 0):
            raise DataError(
                f"vehicles are available {self.availability} of {self.island_h_per_year} h a year: give a share in (0, 1] "
                "and hours above 0"
            )


PAPER_TERMS = Terms()


def agree(
    cost_without_usd: float, cost_with_usd: float, vehicles: float, surplus_usd: float, terms: Terms = PAPER_TERMS
) -> Agreement:
    """Nash's solution of the game for a given number of vehicles (equations 2 and 4).

    With powers and disagreement points the product is (g_m − d_m)^(1−α) (g_v − d_v)^α; with G' = G − d_m − d_v it is largest at
    g_v = d_v + α G', so P* = N s + d_v + α G'; α = 1/2 and d = 0 give equation 4.

    Parameters
    ----------
    cost_without_usd, cost_with_usd : float
        C0 and C1: present cost of the microgrid without and with the vehicles, the vehicles' own cost not included.
    vehicles : float
        N >= 0.
    surplus_usd : float
        s: surplus cost of one vehicle after subsidies. Below 0 a vehicle pays without any contract: the formula still holds, and
        owners would pay for joining; a :class:`~cblcast.errors.DataWarning` says so.
    """
    if not np.isfinite([cost_without_usd, cost_with_usd, surplus_usd, vehicles]).all() or vehicles < 0:
        raise DataError("costs and vehicles of a bargain are numbers, and vehicles are 0 or more")
    if vehicles == 0:
        return Agreement(False, "No deal: no vehicle takes part, so there is nothing to pay for.", 0.0)
    if surplus_usd < 0:
        warnings.warn(
            f"the subsidy exceeds the surplus cost by {-surplus_usd:.2f} $ a vehicle: vehicles are bought without any "
            "contract, and the solution shares that gain too",
            DataWarning,
            stacklevel=2,
        )
    gain = cost_without_usd - cost_with_usd - vehicles * surplus_usd
    spare = gain - terms.operator_fallback_usd - terms.owners_fallback_usd
    if spare <= 0:
        return Agreement(
            False,
            f"No deal: {vehicles:g} vehicles save {cost_without_usd - cost_with_usd:.0f} $, but cost "
            f"{vehicles * surplus_usd:.0f} $ more than conventional ones"
            + (" and the sides have better offers" if gain > 0 else "")
            + "; a price is not defined.",
            vehicles,
        )
    owners = terms.owners_fallback_usd + terms.owners_power * spare
    payment = vehicles * surplus_usd + owners
    per_year = payment / vehicles / annuity_factor(terms.discount_rate, terms.years)
    per_hour = per_year / (terms.island_h_per_year * terms.availability)
    return Agreement(
        True,
        f"{vehicles:g} vehicles take part; each is paid {per_year:.2f} $ a year, {per_hour:.2f} $ per hour of availability.",
        vehicles,
        payment,
        payment / vehicles,
        per_year,
        per_hour,
        gain - owners,
        owners,
    )


def two_stage(cost_usd: ArrayLike, vehicles: ArrayLike, surplus_usd: float, terms: Terms = PAPER_TERMS) -> Agreement:
    """The number of vehicles that makes C1(N) + N s least (equation 3), then the payment (equation 4).

    Parameters
    ----------
    cost_usd : array_like (n,)
        C1 for each number of vehicles; that of no vehicle is C0 and must be among them. Infinite where nothing is good enough.
    vehicles : array_like (n,)
    """
    cost, count = np.asarray(cost_usd, dtype=np.float64), np.asarray(vehicles, dtype=np.float64)
    if cost.shape != count.shape or cost.ndim != 1 or not (count == 0).any():
        raise DataError("give one cost for each number of vehicles, and no vehicles among them")
    without = float(cost[count == 0][0])
    if not np.isfinite(without):
        raise DataError(
            "no design without vehicles is reliable enough, so that the bargain has no cost to compare with: allow a larger "
            "diesel set (sizing.most_diesel_kw)"
        )
    best = int(np.argmin(cost + count * surplus_usd))
    return agree(without, float(cost[best]), float(count[best]), surplus_usd, terms)


def threshold_subsidy(surplus_usd: float, availability: float, vehicle_kw: float, diesel_usd_per_kw: float) -> float:
    """Subsidy below which no vehicle takes part, whatever the wind and the load, if turbines can be curtailed [$].

    Proof. Let a design with N vehicles and a diesel set of D kW meet the reliability. In every step its fleet delivers at most
    n P, with n = availability × N. Take the fleet away and add n P kW of diesel: where the fleet charged, nothing is lost (the
    surplus is curtailed); where it delivered, the larger set delivers it. So D + n P kW without vehicles meet the reliability
    too, and N vehicles save at most n P c of diesel. They pay only if N (s − subsidy) <= n P c:

        subsidy >= s − availability × P × c = 6654.25 − 0.7 × 3 × 800 = **4974.25 $**.

    With whole turbines the first step of the proof fails: a charging fleet keeps a turbine from being cut.

    Examples
    --------
    >>> round(threshold_subsidy(6654.25, 0.7, 3.0, 800.0), 2)
    4974.25
    """
    check_efficiency(availability, "availability")
    if not np.isfinite([surplus_usd, vehicle_kw, diesel_usd_per_kw]).all() or vehicle_kw < 0 or diesel_usd_per_kw < 0:
        raise DataError(
            f"a surplus of {surplus_usd} $, vehicles of {vehicle_kw} kW and diesel at {diesel_usd_per_kw} $/kW: give numbers, power and "
            "price 0 or more"
        )
    return surplus_usd - availability * vehicle_kw * diesel_usd_per_kw


def share_surplus(total: float, fallback: ArrayLike, power: ArrayLike | None = None) -> Array:
    """Nash's solution for n players who divide a sum among them: d_i + α_i (total − Σ d).

    Maximising Π (x_i − d_i)^α_i with Σ x_i = total gives α_i / (x_i − d_i) equal for all, hence shares of the surplus in
    proportion to power; on a linear frontier equals share equally.

    Parameters
    ----------
    total : float
        What all get together when all agree.
    fallback : array_like (n,)
        d_i, what each gets without an agreement.
    power : array_like (n,), optional
        α_i >= 0, scaled to sum to 1; equal unless given.

    Returns
    -------
    ndarray (n,)
        NaN where there is nothing to gain: no deal.
    """
    own = np.atleast_1d(np.asarray(fallback, dtype=np.float64))
    weight = _shares(power, len(own))
    if own.ndim != 1 or not np.isfinite(np.r_[total, own]).all():
        raise DataError(
            "what is shared, and what each player has without an agreement, are numbers, one for each player"
        )
    spare = total - own.sum()
    return own + weight * spare if spare > 0 else np.full(len(own), np.nan)


def best_of(payoffs: ArrayLike, fallback: ArrayLike, power: ArrayLike | None = None) -> int | None:
    """Which of the feasible `payoffs` (n_outcomes, n_players) has the largest Nash product; None where nobody can gain.

    For outcomes in which money cannot be handed over freely, and to solve a game in several variables at once.
    """
    own, paid = np.atleast_1d(np.asarray(fallback, dtype=np.float64)), np.asarray(payoffs, dtype=np.float64)
    if paid.ndim != 2 or own.shape != paid.shape[1:] or not (np.isfinite(own).all() and np.isfinite(paid).all()):
        raise DataError(
            f"payoffs {paid.shape} and fallback {own.shape}: give numbers, one row for each outcome and one column for each player"
        )
    gain, weight = paid - own, _shares(power, len(own))
    rational = (gain > 0).all(axis=1)
    if not rational.any():
        return None
    product = np.full(len(gain), -np.inf)
    product[rational] = np.log(gain[rational]) @ weight
    return int(np.argmax(product))


def _shares(power: ArrayLike | None, players: int) -> Array:
    """Bargaining power of each player, scaled to sum to 1."""
    weight = np.ones(players) if power is None else np.asarray(power, dtype=np.float64)
    if weight.shape != (players,) or not np.isfinite(weight).all() or (weight < 0).any() or not weight.sum() > 0:
        raise DataError("bargaining power: give one number >= 0 for each player, not all 0")
    return weight / weight.sum()
