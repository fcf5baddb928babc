"""Nowcasts that were issued before those that are asked, and whose power is known by then: what limits follow.

They reach an estimator as rows beside those that are asked, marked by three columns that this module names. What each row may
use stands in it: the power of an interval is known to an issue whose :data:`ISSUE_KNOWS` is no earlier than its :data:`ISSUE_ENDS`.
"""

from __future__ import annotations

ISSUE_POWER = "issue_observed_kw"  # metered power of a row of an earlier issue [kW]; NaN for every row that is asked
ISSUE_ENDS = "issue_ends_us"  # end of the row's interval [microseconds since 1970-01-01 UTC]
ISSUE_KNOWS = "issue_knows_us"  # until when the row's issue knows what was metered [microseconds since 1970-01-01 UTC]
ISSUE_COLUMNS = (ISSUE_POWER, ISSUE_ENDS, ISSUE_KNOWS)  # in the order in which they stand beside the features
EVERY_H = 3  # an earlier issue in so many hours, from midnight UTC on [h]
