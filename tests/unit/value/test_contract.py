"""Terms of a contract, and the file that holds them."""

from pathlib import Path

import pytest

from cblcast.frames.schema import StudyError
from cblcast.value.contract import Contract, read_contract


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("energy_prise: 0.2", "no key 'energy_prise': did you mean 'energy_price'"),
        ("energy_price: {25: 0.2}", "keyed 0 to 23"),
        ("tolerance: 1.5", "tolerance"),
        ("energy_price: .nan", "energy_price: .*finite"),
        ("energy_price: .inf", "energy_price: .*finite"),
        ("energy_price: {17: .inf}", "energy_price: .*finite"),
        ("penalty_per_kwh: .inf", "penalty_per_kwh: .*finite"),
        ("capacity_price_per_kw_month: .nan", "capacity_price_per_kw_month: "),
        ("committed_kw: -50", "committed_kw: Input should be greater than 0"),
        ("committed_kw: .inf", "committed_kw: .*finite"),
        ("energy_price: [0.1]", "energy_price: "),
        ("tz: Europe/Roma", "'Europe/Roma' is no IANA zone"),
        ("performance: {0.5: 1}", "begin at 0"),
        ("valid_from: 2024-05-01\nvalid_until: 2024-04-30", "valid_until 2024-04-30 lies before valid_from 2024-05-01"),
        ("[1, 2]", "holds no contract"),
        ("a: [", "line 2 is not valid YAML"),
    ],
)
def test_a_wrong_contract_file_says_what_is_wrong(tmp_path, text, message):
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(StudyError, match=message):
        read_contract(tmp_path / "c.yaml")


def test_a_contract_file_is_read(tmp_path):
    (tmp_path / "c.yaml").write_text("name: peak\ncurrency: GBP\nenergy_price: {17: 0.1}\nnegative: unpaid\n")
    contract = read_contract(tmp_path / "c.yaml")
    assert (contract.name, contract.energy_price, contract.negative) == ("peak", {17: 0.1}, "unpaid")
    with pytest.raises(StudyError, match="there is no contract file"):
        read_contract(tmp_path / "absent.yaml")


def test_the_defaults_pay_nothing_and_the_terms_have_limits():
    contract = Contract()
    assert (contract.name, contract.currency, contract.negative) == ("contract", "EUR", "charged")
    assert (contract.energy_price, contract.capacity_price_per_kw_month, contract.penalty_per_kwh) == (0, 0, 0)
    assert (contract.tolerance, contract.committed_kw) == (0, None)
    at_the_limits = Contract(capacity_price_per_kw_month=0.5, committed_kw=0.5, penalty_per_kwh=0.5, tolerance=0.99)
    assert at_the_limits.committed_kw == 0.5
    for wrong in (
        {"capacity_price_per_kw_month": -0.5},
        {"committed_kw": 0},
        {"penalty_per_kwh": -0.5},
        {"tolerance": 1},
        {"tolerance": -0.1},
    ):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Contract(**wrong)


def test_a_file_that_names_several_wrong_terms_tells_the_first(tmp_path):
    (tmp_path / "c.yaml").write_text("tolerance: 2\npenalty_per_kwh: -1\n")
    with pytest.raises(StudyError, match=r"c\.yaml, line 2: penalty_per_kwh: Input should be greater"):
        read_contract(tmp_path / "c.yaml")
    (tmp_path / "d.yaml").write_text("a: [\n")
    with pytest.raises(
        StudyError, match=r"^d\.yaml, line 2 is not valid YAML \(did not find expected node content\): mend that line$"
    ):
        read_contract(tmp_path / "d.yaml")


def test_the_contract_of_the_documentation_is_read(tmp_path):
    page = (Path(__file__).parents[3] / "docs" / "settlement.md").read_text(encoding="utf-8")
    text = page.split("## A contract")[1].split("```yaml")[1].split("```")[0]
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    contract = read_contract(tmp_path / "c.yaml")
    assert contract.performance == {0: 0, 0.5: 0.5, 0.9: 1}
    assert contract.energy_price[17] == 0.35


def test_true_is_no_price(tmp_path):
    (tmp_path / "c.yaml").write_text("energy_price: true\n")
    with pytest.raises(StudyError, match=r"c\.yaml, line 1: energy_price: true is neither a number nor a text"):
        read_contract(tmp_path / "c.yaml")
