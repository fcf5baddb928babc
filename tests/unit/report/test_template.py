"""Somebody else's columns: mapping, clocks, decimals, and what is not there."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from cblcast.errors import StudyError
from cblcast.report.template import Template, laid_out, read_template, template_names

ROWS = pd.DataFrame(
    {
        "site_id": ["a", "b"],
        "start": pd.DatetimeIndex(["2024-07-01 21:30", "2024-07-01 21:30"], tz="UTC").as_unit("us"),
        "delivered_kwh": [1.005, -0.0004],
        "payment": [Decimal("1.10"), Decimal("-0.05")],
    }
)
ZONES = np.array(["America/New_York", "Europe/Rome"], dtype=object)


def test_each_row_is_on_the_clock_of_its_site():
    template = Template(columns={"day": "trade_date", "he": "hour_ending", "from": "start", "kWh": "delivered_kwh"})
    told = laid_out(ROWS, template, ZONES, 3)
    assert told["day"].tolist() == ["2024-07-01", "2024-07-01"]
    assert told["he"].tolist() == [18, 24]
    assert told["from"].tolist() == ["2024-07-01T17:30:00-0400", "2024-07-01T23:30:00+0200"]
    assert told["kWh"].tolist() == ["1.005", "-0.000"]
    utc = laid_out(ROWS, template.model_copy(update={"time": "utc"}), ZONES, None)
    assert utc["from"].tolist() == ["2024-07-01T21:30:00+0000"] * 2


def test_money_keeps_its_decimals_and_a_text_is_a_text():
    template = Template(
        columns={"Betrag": "payment", "Währung": "=EUR", "MWh": "delivered_mwh"}, decimals={"delivered_mwh": 6}
    )
    told = laid_out(ROWS, template, ZONES, 3)
    assert [str(each) for each in told["Betrag"]] == ["1.10", "-0.05"]
    assert told["Währung"].tolist() == ["EUR", "EUR"]
    assert told["MWh"].tolist() == ["0.001005", "-0.000000"]


def test_a_column_that_is_none_of_ours_offers_the_nearest():
    with pytest.raises(
        StudyError, match=r"asks for 'payments' as 'x', which a row of events has not: did you mean 'payment'"
    ):
        laid_out(ROWS, Template(columns={"x": "payments"}), ZONES, None)


def test_the_templates_of_the_package_are_read():
    assert template_names() == ["hourly", "invoice", "performance"]
    for name in template_names():
        assert read_template(name).columns


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rows: events\n", "columns"),
        ("columns: {a: b}\nrow: events\n", "no key 'row': did you mean 'rows'"),
        ("columns: [a]\n", "columns"),
        ("a: [", "line 2 is not valid YAML"),
        ("[1]", "holds no template: a template is a mapping"),
    ],
)
def test_a_template_that_is_none_is_one_sentence(tmp_path, text, message):
    (tmp_path / "t.yaml").write_text(text)
    with pytest.raises(StudyError, match=message):
        read_template(tmp_path / "t.yaml")


def test_an_unknown_template_offers_the_nearest(tmp_path):
    with pytest.raises(StudyError, match="no template 'hourli': did you mean 'hourly'"):
        read_template("hourli")
    with pytest.raises(StudyError, match="there is no template file"):
        read_template(tmp_path / "none.yaml")
