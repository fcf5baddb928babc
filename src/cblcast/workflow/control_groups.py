"""Control groups of somebody's files: drawn or matched, and judged before the program."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pandas as pd

from cblcast.eligibility.control_groups import CONTROL, TREATED, PrePeriod, balance, match, randomise
from cblcast.eligibility.control_power import power, pre_period_bias
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, SITE, DataError, StudyError, require_columns
from cblcast.io.files import read_table
from cblcast.io.formats import read_meter
from cblcast.io.options import DEFAULT_OPTIONS, ReaderOptions
from cblcast.workflow.outputs import check_ending, check_outputs, frame_writer, write_all


def control_group_files(
    data: str | Path,
    period: PrePeriod,
    reader: ReaderOptions = DEFAULT_OPTIONS,
    *,
    groups: Path | None = None,
    treated_share: float | None = None,
    strata: int = 4,
    seed: int = 0,
    n_events: int = 10,
    out: Path | None = None,
    decimals: int | None = None,
) -> dict[str, pd.DataFrame]:
    """Balance, pre-period bias and power of a control group.

    Parameters
    ----------
    groups : Path, optional
        CSV of ``site_id`` and ``group``. Where nobody is ``control``, one untreated site is matched to each treated one.
    treated_share : float, optional
        Instead of `groups`: draw so large a share of all sites at random, in strata of like size.
    out : Path, optional
        Where the groups go.
    decimals : int, optional
        Of the numbers in a CSV of `out`; all unless given.

    Raises
    ------
    StudyError
        Both or neither of `groups` and `treated_share`.
    """
    if (groups is None) == (treated_share is None):
        raise StudyError("who is treated? give --groups with a file, or --treated-share to draw them at random")
    check_outputs({"--out": out}, {"--data": data, "--groups": groups, **reader.files})
    check_ending(out)
    panel = read_meter(str(data), options=reader)
    found: dict[str, pd.DataFrame] = {}
    if treated_share is not None:
        mean = panel.data[OBSERVED].groupby(level=SITE).mean().reindex(panel.site_ids)
        told = randomise(mean, treated_share, strata, seed)
    else:
        told, pairs = _given(panel, groups, period)
        if pairs is not None:
            found["pairs"] = pairs
    members = told["group"]
    bias = asdict(pre_period_bias(panel, members, period, seed=seed))
    low, high = bias.pop("limits_pct")
    able = asdict(power(panel, members, period, n_events, seed=seed))
    sites = {f"sites_for_{effect:g}_pct": n for effect, n in able.pop("sites_for").items()}
    found |= {
        "groups": told.reset_index(names=SITE),
        "balance": balance(panel, members, period).reset_index(),
        "pre_period_bias": pd.DataFrame([bias | {"chance_low_pct": low, "chance_high_pct": high}]),
        "power": pd.DataFrame([able | sites]),
    }
    if out is not None:
        write_all({out: frame_writer(found["groups"], out, decimals)})
    return found


def _given(panel: Panel, path: Path | None, period: PrePeriod) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    assert path is not None
    table = read_table(path, "group").frame
    require_columns(table, [SITE, "group"], path.name)
    told = table[["group"]].astype("str").set_index(pd.Index(table[SITE].astype("str"), name=SITE))
    if (told["group"] == CONTROL).any():
        return told, None
    treated = told.index[told["group"] == TREATED].tolist()
    if not treated:
        raise DataError(f"{path.name} names nobody as treated: write treated (and control) in the column group")
    pairs = match(panel, treated, period)
    chosen = pd.DataFrame({"group": CONTROL}, index=pd.Index(pairs["control"], name=SITE))
    return pd.concat([told[told["group"] == TREATED], chosen]), pairs
