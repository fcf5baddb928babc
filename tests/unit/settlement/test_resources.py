"""Memberships with dates, and commitments."""

import numpy as np
import pandas as pd
import pytest

from cblcast.frames.schema import DataError
from cblcast.settlement import Resources

MEMBERS = pd.DataFrame(
    {
        "site_id": ["a", "a", "b"],
        "resource": ["north", "south", "north"],
        "from": ["2024-01-01", "2024-03-01", None],
        "until": ["2024-02-29", None, None],
        "loss_factor": [1.05, None, 1.1],
    }
)


def days(*texts):
    return np.array(texts, dtype="M8[D]")


def test_a_site_belongs_to_the_resource_of_the_day():
    resources = Resources(MEMBERS)
    names, loss = resources.of(
        pd.Series(["a", "a", "a", "b", "c"]), days("2023-12-31", "2024-02-29", "2024-03-01", "1999-01-01", "2024-01-01")
    )
    assert names.tolist() == ["", "north", "south", "north", ""]
    assert loss.tolist() == [1.0, 1.05, 1.0, 1.1, 1.0]
    assert resources.sites_of("north", np.datetime64("2024-02-01")) == ["a", "b"]
    assert resources.sites_of("north", np.datetime64("2024-03-01")) == ["b"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"until": ["2024-03-01", None, None]}, "'a' is a member of 'north' and of 'south' on 2024-03-01: end one"),
        ({"until": ["2023-12-31", None, None]}, "'a' is a member of 'north' until 2023-12-31, before it begins"),
        ({"loss_factor": [0.0, 1, 1]}, "'a' has the loss factor 0: it lies above 0"),
        ({"loss_factor": [np.inf, 1, 1]}, "loss factor inf"),
    ],
)
def test_a_membership_that_cannot_be_is_one_sentence(change, message):
    with pytest.raises(DataError, match=message):
        Resources(MEMBERS.assign(**change))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("north", "2024-01", -50.0)], "'north' commits -50 kW in 2024-01: a commitment is a finite power"),
        ([("north", "2024-01", np.inf)], "'north' commits inf kW"),
        ([("north", "2024-01", np.nan)], "'north' commits nan kW"),
        ([("north", "2024-01", 1.0), ("north", "2024-01", 2.0)], "'north' has two commitments in 2024-01"),
        ([("nord", "2024-01", 1.0)], "'nord', which has no members: did you mean 'north'"),
        ([("north", "January", 1.0)], "'January' is no month"),
    ],
)
def test_a_commitment_that_cannot_be_is_one_sentence(rows, message):
    with pytest.raises(DataError, match=message):
        Resources(MEMBERS, pd.DataFrame(rows, columns=["resource", "month", "committed_kw"]))


def test_commitments_hold_in_their_month():
    resources = Resources(MEMBERS, pd.DataFrame({"resource": ["north"], "month": ["2024-02"], "committed_kw": [7.0]}))
    found = resources.committed_kw(pd.Series(["north", "north"]), pd.Series(["2024-02", "2024-03"]))
    assert found[0] == 7.0
    assert np.isnan(found[1])
    assert np.isnan(Resources(MEMBERS).committed_kw(pd.Series(["north"]), pd.Series(["2024-02"]))[0])


def test_a_resource_without_members_on_the_day_is_named():
    ended = Resources(MEMBERS.iloc[:1])
    with pytest.raises(DataError, match="'north' has no members on 2024-03-01: add a membership"):
        ended.sites_of("north", np.datetime64("2024-03-01"))
    with pytest.raises(DataError, match="no resource 'nort': did you mean 'north'"):
        ended.sites_of("nort", np.datetime64("2024-01-01"))
