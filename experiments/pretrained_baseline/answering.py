"""What a pooled model says of evenings, as it is and adapted to the sites by the evenings before them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cblcast.days.earlier import EARLIER_COLUMNS
from cblcast.estimators.wrappers.adapted import Adapted
from cblcast.frames.schema import SITE

EVERY = 2  # days: windows of every second one teach the models that are judged, for time


def answers(model: Any, X: pd.DataFrame, y: np.ndarray, day: np.ndarray) -> pd.DataFrame:
    """What a model says of evenings as it is, member by member, and adapted to the sites by their earlier evenings [kW]."""
    members = model.predict_members(X)
    said = pd.DataFrame(members, index=X.index, columns=list(model.member_names))
    codes = pd.factorize(X.index.get_level_values(SITE))[0]
    new = np.r_[True, (codes[1:] != codes[:-1]) | (day[1:] != day[:-1])]
    event = np.cumsum(new) - 1
    first = np.flatnonzero(new)
    follows = np.r_[False, codes[first][1:] == codes[first][:-1]]
    before = np.where(follows, np.r_[0, day[first][:-1]] + 1, 0)[event]
    adapted = Adapted(model)
    adapted.estimator_ = model
    values = (y, day.astype(np.float64), before.astype(np.float64), np.ones(len(y)))
    marks = dict(zip(EARLIER_COLUMNS, values, strict=True))
    found = adapted.predict_with_limits(X.astype(np.float64).assign(**marks))
    return said.assign(pretrained=model.combined(members), adapted=found[:, 0])
