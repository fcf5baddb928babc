import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cblcast.errors import DataError
from cblcast.physics.occupancy import (
    BuildingPower,
    Commute,
    OfficeHours,
    home_load_kw,
    home_power,
    office_load_kw,
    workplace_power,
)
from cblcast.physics.occupied_day import occupied_day, saturation_integral_h


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0, 24), min_size=4, max_size=4).map(sorted), st.floats(0, 1), st.floats(0.01, 20))
def test_the_integral_is_that_of_a_fine_sum(edges, share, saturation):
    hours = OfficeHours(*edges)
    t = (np.arange(12_000) + 0.5) / 500
    fine = np.exp(-saturation * share * hours.presence(t)).mean() * 24
    assert saturation_integral_h(hours, share, saturation) == pytest.approx(fine, abs=0.02)


@settings(deadline=None)
@given(st.floats(0, 1), st.floats(0, 1))
def test_an_office_never_draws_less_with_more_people(a, b):
    low, high = office_load_kw(np.sort([a, b]) * 50, 50)
    assert 50 * 0.149 - 1e-9 <= low <= high <= 50 * 0.496 + 1e-9


def test_the_saturation_is_what_makes_hours_matter():
    # "were that function linear, there would not be any effect" (section 3.4)
    linear = BuildingPower(saturation=1e-6)
    one, other = (occupied_day(OfficeHours.from_core(*core), 100, 100, power=linear) for core in ((10, 14), (9, 15)))
    assert one.office_kwh == pytest.approx(other.office_kwh, rel=1e-5)


def test_an_empty_office_and_an_empty_link():
    assert office_load_kw([0, 0], [10, 0]).tolist() == pytest.approx([1.49, 0.0])
    assert home_load_kw(2, 3).item() == pytest.approx(3 * 0.4 + 2 * 0.934)


@pytest.mark.parametrize(("call", "says"), [
    (lambda: OfficeHours(9, 8, 14, 16), "follow each other"),
    (lambda: OfficeHours.from_core(10, 14, 30), "follow each other"),
    (lambda: BuildingPower(home_base_kw=-1), "home_base_kw"),
    (lambda: Commute(car_share=0.9, transit_share=0.2), "add up to 1"),
    (lambda: office_load_kw(1, 0), "no workplaces"),
    (lambda: office_load_kw(-1, 5), "fewer than 0"),
    (lambda: home_load_kw(1, -5), "fewer than 0"),
    (lambda: occupied_day(OfficeHours(8, 10, 14, 16), 10, 11), "not more at work"),
    (lambda: occupied_day(OfficeHours(8, 10, 14, 16), 10, 10, on_the_road_h=20), "do not fit"),
])  # fmt: skip
def test_bad_input_is_one_sentence(call, says):
    with pytest.raises(DataError, match=says):
        call()


@pytest.mark.parametrize("call", [
    lambda: home_power(-1), lambda: home_power(share=2), lambda: home_power(at_home_h=30), lambda: home_power(at_home_h=0, share=0),
    lambda: workplace_power(at_work_h=30), lambda: workplace_power(workdays=0), lambda: workplace_power(m2=float("nan")),
    lambda: Commute(distance_km=float("nan")), lambda: Commute(car_mj_km=float("inf")),
])  # fmt: skip
def test_a_power_that_cannot_be_is_no_number(call):
    with pytest.raises(DataError):
        call()
