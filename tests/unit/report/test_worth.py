"""Pages of nowcasts: income by stage, the bands of three issues, and words that say nowcast and not baseline."""

import re

import numpy as np
import pandas as pd
import pytest

from cblcast.forecast.paired_bootstrap import paired_bootstrap
from cblcast.plots.tables import shown_bands
from cblcast.report.fan import fan_section
from cblcast.report.judged import Judged, verdict_section
from cblcast.report.page import Chart, Folded, Prose, Table
from cblcast.report.wind import nowcast_said
from cblcast.report.words import LANGUAGES, NOWCAST, words_of
from cblcast.report.worth import worth_said, worth_section

BOARD = pd.DataFrame(
    {
        "day_ahead_eur": [1000.0, 1000.0],
        "intraday_eur": [-100.0, -60.0],
        "imbalance_eur": [-50.0, 30.0],
        "income_eur": [850.0, 970.0],
        "gain_eur_per_mw_week": [3.0, 12.0],
        "gain_se": [4.0, 2.0],
        "n_products": [336.0, 336.0],
        "perfect_gain_eur_per_mw_week": [90.0, 90.0],
    },
    index=pd.Index(["AR", "<b>net</b>"], name="method"),
)
ZONES = pd.Series({"farm": "Europe/Paris"})


@pytest.fixture(scope="module")
def judged() -> Judged:
    """Forty issues of three hours, one hour each step; the width of the bands grows from issue to issue."""
    origins = pd.date_range("2019-01-01", periods=40, freq="6h", tz="UTC").as_unit("us")
    rng = np.random.default_rng(0)
    rows = []
    for place, origin in enumerate(origins):
        for lead in range(3):
            load, width = rng.uniform(500, 1500), 10.0 * (place + 1)
            for method, error in (("Persistence", 200.0), ("AR", 100.0)):
                off = rng.normal(0, error)
                bands = [load + off + side * width for side in (-2, -1, 1, 2)]
                rows.append(("farm", origin, origin + lead * pd.Timedelta("1h"), method, load, load + off, *bands))
    columns = [
        "site_id",
        "origin",
        "time",
        "method",
        "observed_kw",
        "predicted_kw",
        "q05_kw",
        "q25_kw",
        "q75_kw",
        "q95_kw",
    ]
    scored = pd.DataFrame(rows, columns=columns).assign(fold="test", lower_kw=0.0, upper_kw=0.0)
    scored = scored.set_index(["site_id", "origin", "time"])
    excluded = pd.DataFrame(columns=["method", "site_id", "origin", "reason"])
    kinds = {"Persistence": "kind_rule", "AR": "kind_learned"}
    return Judged(
        scored, excluded, ZONES, paired_bootstrap(scored, ZONES), kinds, nowcast=True, over="of the rated power"
    )


def test_the_income_stands_by_stage_the_largest_first():
    section = worth_section(BOARD, words_of())
    picture, figures, folded, _ = section.parts
    assert isinstance(picture, Chart)
    assert isinstance(figures, Table)
    assert [row[0].text if hasattr(row[0], "text") else str(row[0]) for row in figures.rows] == ["<b>net</b>", "AR"]
    assert list(map(str, figures.rows[0]))[1:5] == ["1,000", "−60", "30", "970"]
    assert isinstance(folded, Folded)
    rest = [list(map(str, row)) for row in folded.parts[0].rows]
    assert ["n products", "336", "336"] in rest
    assert not any(row[0].startswith(("income", "intraday")) for row in rest)


def test_the_verdict_says_who_earns_most_and_whether_that_is_more_than_noise():
    said = worth_said(BOARD, words_of())
    assert said.startswith("<b>net</b> earns most: 970 EUR.")
    assert "+12.0 EUR per MW and week (standard error 2.0), where a perfect one would gain 90.0" in said
    assert "cannot tell" not in said
    assert "cannot tell" in worth_said(BOARD.iloc[:1], words_of())


def test_money_of_a_contract_has_no_stages():
    board = pd.DataFrame({"overpaid_eur": [1.5, 2.5]}, index=["a", "b"])
    assert worth_said(board, words_of()) == ""
    assert [type(part) for part in worth_section(board, words_of()).parts] == [Table, Prose]
    assert worth_section(board.iloc[:, :0], words_of()).parts == ()


def test_three_nowcasts_show_how_sure_they_are(judged):
    assert [share for *_, share in shown_bands(judged.of("AR"))] == [0.9, 0.5]
    (picture,) = fan_section(judged, words_of().of_nowcasts()).parts
    widths = [int(str(row[2]).replace(",", "")) for row in picture.figures.rows]
    assert widths == [4 * 10 * (1 + round(place * 39)) for place in (0.1, 0.5, 0.9)]
    assert "middle 90 %" in picture.wide
    assert re.search(r">\s*nowcast\s*<", picture.wide)
    assert fan_section(judged_without_bands(judged), words_of()).parts == ()


def judged_without_bands(judged: Judged) -> Judged:
    bare = judged.scored.drop(columns=["q05_kw", "q25_kw", "q75_kw", "q95_kw"]).assign(lower_kw=np.nan, upper_kw=np.nan)
    return Judged(bare, judged.excluded, judged.zones, judged.compared, judged.kinds)


def test_the_verdict_names_what_the_error_is_of_and_what_is_won_over_persistence(judged):
    lead = next(part for part in verdict_section(judged, words_of()).parts if isinstance(part, Prose))
    assert re.search(r"off by [\d.]+ % of the rated power\.", str(lead.text))
    board = judged.compared.table["nrmse"]
    less = 100 * (1 - board["AR"] / board["Persistence"])
    assert f"{less:.0f} % smaller than if the power stayed as it is" in nowcast_said(judged, None, words_of()).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_of_nowcasts_stand_for_those_of_baselines(language):
    plain = words_of(language)
    own = plain.of_nowcasts()
    special = [key.removesuffix(NOWCAST) for key in plain.table if key.endswith(NOWCAST)]
    assert "baseline" in special
    for key in special:
        assert own(key) == plain(key + NOWCAST) != plain(key)
