"""Events as they were called: merged by payee, and what their payee committed."""

import numpy as np
import pandas as pd
import pytest

from cblcast.frames.schema import DataError
from cblcast.settlement.called import events_of_payees, payee_events


def called(payee, start, hours=1, **more):
    start = pd.DatetimeIndex([start] * len(payee), tz="UTC").as_unit("us")
    table = pd.DataFrame({"payee": payee, "site_id": payee, "start": start, "stop": start + pd.Timedelta(hours=hours)})
    return table.assign(month=start.strftime("%Y-%m"), zone="UTC", **more)


def test_payees_are_told_apart_however_many_there_are():
    # 400,000 payees times two years of microseconds is more than 64 bits hold.
    names = [f"p{number:07d}" for number in range(400_000)]
    last = called(names, "2024-12-31 17:00")
    long_before = called(names[:1] + names[-1:], "2023-01-01 17:00")
    staggered = called(names[::1000], "2024-12-31 17:30")
    table = events_of_payees(pd.concat([last, long_before, staggered]))
    assert table["event_of_payee"].nunique() == 400_002
    assert table.groupby("event_of_payee").size().value_counts().to_dict() == {1: 399_602, 2: 400}


def test_a_resource_commits_once_what_each_of_its_rows_says():
    rows = called(["north", "north"], "2024-03-20 17:00", committed_kw=[40.0, np.nan])
    assert payee_events(events_of_payees(rows))["committed_kw"].tolist() == [40.0]
    with pytest.raises(
        DataError, match=r"commit 10 and 40 kW \(committed_kw\) for one event of 'north', at 2024-03-20"
    ):
        payee_events(events_of_payees(rows.assign(committed_kw=[40.0, 10.0])))
