"""Numbers of the commuters paper (Röder, Nagel 2014): printed ones by section, the others as recomputed in docs/sources.md."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from cblcast.physics import occupancy as oc
from cblcast.physics.occupied_day import occupied_day

CORE = {"c1": (10, 14), "c2": (10, 14), "c3": (9, 15), "c4": (9, 15)}
WORKING = {"c1": 23_095, "c2": 20_771, "c3": 23_095, "c4": 20_771}  # table 1


def case(name):
    return occupied_day(oc.OfficeHours.from_core(*CORE[name]), 23_095, WORKING[name])


def test_section_3_3_hours_follow_from_six_hours_of_work():
    assert oc.OfficeHours.from_core(10, 14) == oc.OfficeHours(8, 10, 14, 16)
    assert oc.OfficeHours.from_core(9, 15) == oc.OfficeHours(9, 9, 15, 15)


def test_section_3_3_energy_of_a_person_at_home():
    assert oc.household_kwh_per_person_day() == pytest.approx(25.5, abs=0.05)
    # 112/400 TWh/PJ is printed; 1/3.6 gives a little less.
    assert oc.household_kwh_per_person_day(twh_per_pj=oc.TWH_PER_PJ) == pytest.approx(25.31, abs=0.005)


def test_table_2_power():
    assert oc.home_power() == pytest.approx((0.400, 0.934), abs=0.001)
    assert oc.workplace_power() == pytest.approx((0.149, 0.347), abs=0.0005)
    assert sum(oc.workplace_power()) == pytest.approx(0.496, abs=0.0005)
    assert sum(oc.workplace_power(at_work_h=8)) == pytest.approx(0.457, abs=0.0005)  # what the printed t = 8 h gives
    assert oc.car_mj_per_km() == pytest.approx(1.771, abs=0.001)


def test_c1_and_the_differences_of_the_other_cases():
    c1 = case("c1")
    assert (c1.office_kwh, c1.home_kwh, c1.transport_kwh) == pytest.approx((140_115, 609_985, 313_515), abs=3)
    for name, office, home, transport in (
        ("c2", -822, 13_024, -31_548),
        ("c3", -9_767, 0, 0),
        ("c4", -9_979, 13_022, -31_548),
    ):
        found = case(name)
        assert found.office_kwh - c1.office_kwh == pytest.approx(office, abs=3)
        assert found.home_kwh - c1.home_kwh == pytest.approx(home, abs=3)
        assert found.transport_kwh - c1.transport_kwh == pytest.approx(transport, abs=3)


@pytest.mark.parametrize("name", CORE)
def test_the_closed_forms_are_the_integrals(name):
    hours = oc.OfficeHours.from_core(*CORE[name])
    n, working = 23_095, WORKING[name]

    def integral(load):
        edges = sorted({0, hours.opens, hours.core_from, hours.core_until, hours.closes, 24})
        return sum(quad(load, a, b)[0] for a, b in pairwise(edges))

    def at_work(t):
        return float(hours.presence(t)) * working

    found = case(name)
    assert found.office_kwh == pytest.approx(integral(lambda t: float(oc.office_load_kw(at_work(t), n))), rel=1e-9)
    assert found.home_kwh == pytest.approx(integral(lambda t: float(oc.home_load_kw(n - at_work(t), n))), rel=1e-9)


def test_the_home_rises_by_less_than_half_of_what_transport_saves():
    # Section 3.4 says "by about the same"; the printed formulas give 0.41 of it.
    home = case("c2").home_kwh - case("c1").home_kwh
    saved = case("c1").transport_kwh - case("c2").transport_kwh
    assert home / saved == pytest.approx(0.413, abs=0.001)


def test_presence_rises_stays_and_falls():
    hours = oc.OfficeHours(8, 10, 14, 16)
    assert hours.presence([7, 8, 9, 10, 12, 14, 15, 16, 20]).tolist() == [0, 0, 0.5, 1, 1, 1, 0.5, 0, 0]
    mean, _ = quad(lambda t: float(hours.presence(t)), 0, 24, points=[8, 10, 14, 16])
    assert mean == pytest.approx(hours.work_h) == pytest.approx(6.0)


def test_a_day_has_96_slices_of_a_quarter_hour():
    from cblcast.physics.presence import slices_of_day

    assert slices_of_day(0.25) == 96
    assert 144 * 0.25 == 36  # what the paper prints is a day and a half
    assert np.isclose(slices_of_day(1.0), 24)
