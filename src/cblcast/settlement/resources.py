"""Resources: which sites they were made of on which day, and what they committed in which month."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cblcast.frames.schema import SITE, DataError, nearest, require_columns


@dataclass(frozen=True)
class Resources:
    """Sites that are dispatched and paid together.

    Parameters
    ----------
    members : DataFrame
        ``site_id``, ``resource``; ``from`` and ``until``, first and last local day (dates; NaT: open); optional
        ``loss_factor``, energy at the point of delivery per kWh at the site's meter.
    commitments : DataFrame, optional
        ``resource``, ``month`` ("2024-07"), ``committed_kw``: commitment or nomination.

    Raises
    ------
    DataError
        A site that is a member of two resources on one day, a membership that ends before it begins, a loss factor that
        is none, a commitment below zero, or two for one month.
    """

    members: pd.DataFrame
    commitments: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", _checked_members(self.members))
        if self.commitments is not None:
            object.__setattr__(self, "commitments", _checked_commitments(self.commitments, self.members))

    def of(self, sites: pd.Series, days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Resource ("" where none) and loss factor of each site on its local day (datetime64[D])."""
        asked = pd.DataFrame({SITE: sites.to_numpy().astype(str), "day": days, "row": np.arange(len(sites))})
        both = asked.merge(self.members, on=SITE)
        both = both[(both["from"] <= both["day"]) & (both["day"] <= both["until"])]
        resource, loss = np.full(len(sites), "", dtype=object), np.ones(len(sites))
        resource[both["row"].to_numpy()] = both["resource"].to_numpy()
        loss[both["row"].to_numpy()] = both["loss_factor"].to_numpy()
        return resource, loss

    def sites_of(self, resource: str, day: np.datetime64) -> list[str]:
        """Members of a resource on a local day.

        Raises
        ------
        DataError
            An unknown resource, or one without members on that day.
        """
        own = self.members[self.members["resource"] == resource]
        if own.empty:
            known = self.members["resource"].unique()
            raise DataError(f"there is no resource {resource!r}: {nearest(resource, map(str, known))}")
        own = own[(own["from"] <= day) & (day <= own["until"])]
        if own.empty:
            raise DataError(
                f"resource {resource!r} has no members on {day}: add a membership for that day, or drop its event"
            )
        return sorted(own[SITE])

    def committed_kw(self, resource: pd.Series, month: pd.Series) -> np.ndarray:
        """Commitment of each resource in each month [kW], NaN where none is given."""
        if self.commitments is None:
            return np.full(len(resource), np.nan)
        known = self.commitments.set_index(["resource", "month"])["committed_kw"]
        return known.reindex(pd.MultiIndex.from_arrays([resource, month])).to_numpy(dtype=np.float64)


def _checked_members(members: pd.DataFrame) -> pd.DataFrame:
    require_columns(members, [SITE, "resource"], "the members of resources")
    days = {
        edge: pd.to_datetime(members[edge]).astype("datetime64[s]") if edge in members.columns else pd.NaT
        for edge in ("from", "until")
    }
    loss = members["loss_factor"].astype(np.float64).fillna(1.0) if "loss_factor" in members.columns else 1.0
    table = pd.DataFrame(
        {SITE: members[SITE].astype(str), "resource": members["resource"].astype(str), **days, "loss_factor": loss}
    )
    table["from"] = pd.to_datetime(table["from"]).astype("datetime64[s]").fillna(pd.Timestamp("1900-01-01"))
    table["until"] = pd.to_datetime(table["until"]).astype("datetime64[s]").fillna(pd.Timestamp("2999-12-31"))
    backwards = table["until"] < table["from"]
    if backwards.any():
        row = table[backwards].iloc[0]
        raise DataError(
            f"site {row[SITE]!r} is a member of {row['resource']!r} until {row['until']:%Y-%m-%d}, before it begins on "
            f"{row['from']:%Y-%m-%d}: swap the two, or mend the date"
        )
    wrong = ~((table["loss_factor"] > 0) & (table["loss_factor"] <= 2))
    if wrong.any():
        row = table[wrong].iloc[0]
        raise DataError(f"site {row[SITE]!r} has the loss factor {row['loss_factor']:g}: it lies above 0 and up to 2")
    table = table.sort_values([SITE, "from", "until"], ignore_index=True)
    before = table.shift(1)
    twice = (table[SITE] == before[SITE]) & (table["from"] <= before["until"])
    if twice.any():
        row, other = table[twice].iloc[0], before[twice].iloc[0]
        raise DataError(
            f"site {row[SITE]!r} is a member of {other['resource']!r} and of {row['resource']!r} on {row['from']:%Y-%m-%d}: "
            "end one membership before the other begins"
        )
    return table


def _checked_commitments(commitments: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    require_columns(commitments, ["resource", "month", "committed_kw"], "the commitments")
    table = commitments.assign(
        resource=commitments["resource"].astype(str),
        month=commitments["month"].astype(str).str.slice(0, 7),
        committed_kw=commitments["committed_kw"].astype(np.float64),
    )
    bad_month = ~table["month"].str.fullmatch(r"\d{4}-(0[1-9]|1[0-2])")
    if bad_month.any():
        raise DataError(f"{table['month'][bad_month].iloc[0]!r} is no month of a commitment: write it as 2024-07")
    wrong = ~(np.isfinite(table["committed_kw"]) & (table["committed_kw"] >= 0))
    if wrong.any():
        row = table[wrong].iloc[0]
        raise DataError(
            f"resource {row['resource']!r} commits {row['committed_kw']:g} kW in {row['month']}: a commitment is a finite "
            "power of 0 kW or more"
        )
    twice = table.duplicated(["resource", "month"])
    if twice.any():
        row = table[twice].iloc[0]
        raise DataError(f"resource {row['resource']!r} has two commitments in {row['month']}: keep one")
    unknown = ~table["resource"].isin(members["resource"])
    if unknown.any():
        name = str(table["resource"][unknown].iloc[0])
        raise DataError(
            f"a commitment is of {name!r}, which has no members: {nearest(name, map(str, members['resource'].unique()))}"
        )
    return table[["resource", "month", "committed_kw"]].reset_index(drop=True)
