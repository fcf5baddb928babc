"""Adaptation on real buildings: a rule learns its site without any training, and nothing depends on who else is asked."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from cblcast import datasets
from cblcast.days.earlier import EARLIER_ASKED, EARLIER_COLUMNS, EARLIER_LOAD
from cblcast.days.placebo import placebo_events
from cblcast.errors import DataWarning
from cblcast.estimators.wrappers.adapted import Adapted
from cblcast.estimators.wrappers.ensemble import Ensemble
from cblcast.estimators.wrappers.intervals import Conformal, with_intervals
from cblcast.forecast.answer import answer
from cblcast.forecast.earlier_rows import beside_earlier_days
from cblcast.forecast.forecaster import Forecaster, truth
from cblcast.forecast.methods import make_estimator
from cblcast.forecast.scoring import score_events
from cblcast.frames.cases import View
from cblcast.frames.panel import Panel

RULE = "PBLM-High5of10"
LAST = "2018-10-31"


@cache
def panel(sites=("b1", "b22"), first="2018-04-01", renamed=False):
    whole = datasets.load("cambridge_sme").select(list(sites))
    time = whole.data.index.get_level_values("time")
    data = whole.data[(time >= first) & (time < "2018-11-02")]
    if not renamed:
        return Panel(data, whole.sites)
    names = {site: f"{'zyx'[number]}-{site}" for number, site in enumerate(sites)}
    return Panel(data.rename(index=names, level="site_id").sort_index(), whole.sites.rename(index=names).sort_index())


def asked(where, first="2018-10-01"):
    return placebo_events(where, "17:00", "20:00", first=first, last=LAST)


def adapted(inner=RULE, view=None, **params):
    made = make_estimator(inner) if isinstance(inner, str) else inner
    return Forecaster(Adapted(made, **params), view=view or View.real_time())


@cache
def answers():
    return answer(adapted(), panel(), asked(panel())).rows


def error(rows, where):
    return np.sqrt(np.mean((rows["predicted_kw"] - truth(where, rows)) ** 2))


def test_a_rule_learns_its_site_without_any_training():
    plain = answer(Forecaster(make_estimator(RULE)), panel(), asked(panel())).rows
    assert not Adapted(make_estimator(RULE)).__sklearn_tags__().requires_fit
    for site in panel().site_ids:
        own = slice(site, site)
        assert error(answers().loc[own], panel()) < 0.97 * error(plain.loc[own], panel())


def test_the_limits_enclose_the_estimate_and_most_of_the_load():
    low, high = answers()["lower_kw"], answers()["upper_kw"]
    assert ((low <= answers()["predicted_kw"]) & (answers()["predicted_kw"] <= high)).all()
    load = truth(panel(), answers())
    assert 0.8 <= ((low <= load) & (load <= high)).mean() <= 0.99
    assert (low >= 0).all(), "no reading was negative"


def test_the_answer_does_not_depend_on_what_else_is_asked_nor_on_names_and_order():
    columns = ["predicted_kw", "lower_kw", "upper_kw"]
    events = asked(panel())
    one = answer(adapted(), panel(), events.iloc[[9]]).rows
    np.testing.assert_allclose(one[columns], answers().loc[one.index, columns], rtol=1e-9)
    other = panel(renamed=True)
    renamed = answer(adapted(), other, asked(other)).rows
    swapped = renamed.rename(index=lambda name: name.split("-")[1], level="site_id").loc[list(panel().site_ids)]
    np.testing.assert_allclose(swapped[columns], answers()[columns], rtol=1e-9)


def test_sites_in_blocks_get_the_same_answers(monkeypatch):
    monkeypatch.setattr("cblcast.forecast.earlier_rows.EVENTS_AT_ONCE", 50)
    columns = ["predicted_kw", "lower_kw", "upper_kw"]
    found = answer(adapted(), panel(), asked(panel())).rows
    np.testing.assert_allclose(found[columns], answers()[columns], rtol=1e-9)


def test_rows_in_any_order():
    made = adapted()
    cases = made.cases(panel(), asked(panel(), "2018-10-20"))
    (part,) = beside_earlier_days(
        panel(), cases, made.matrix(panel(), cases), 200, made.view, made.windows(), made.matrix
    )
    order = np.random.default_rng(3).permutation(len(part.X))
    told = made.estimator.predict_with_limits(part.X)
    np.testing.assert_allclose(made.estimator.predict_with_limits(part.X.iloc[order]), told[order], rtol=1e-9)


@pytest.mark.parametrize("days", [900, 100])
def test_what_is_asked_gets_what_it_gets_when_every_day_is_asked(days):
    made = adapted(days=days)
    cases = made.cases(panel(), asked(panel(), "2018-10-20"))
    (part,) = beside_earlier_days(
        panel(), cases, made.matrix(panel(), cases), days, made.view, made.windows(), made.matrix
    )
    one = part.X.index.get_level_values("origin") == part.X.index.get_level_values("origin").max()
    whole = made.estimator.predict_with_limits(part.X.assign(**{EARLIER_ASKED: 1.0}))
    some = made.estimator.predict_with_limits(part.X.assign(**{EARLIER_ASKED: one.astype(float)}))
    np.testing.assert_allclose(some[one], whole[one], rtol=1e-9)
    plain = make_estimator(RULE).predict(part.X)
    np.testing.assert_array_equal(some[~one, 0], plain[~one])  # only there to be learned from: nobody reads it
    assert not np.allclose(whole[~one, 0], plain[~one])


def test_a_site_with_few_days_gets_the_inner_answer():
    new = panel(first="2018-09-10")
    event = asked(new, "2018-09-26").groupby("site_id").head(1)
    plain = answer(Forecaster(make_estimator(RULE)), new, event).rows["predicted_kw"]
    found = answer(adapted(), new, event).rows
    assert np.isfinite(found[["lower_kw", "upper_kw"]].to_numpy()).all()
    np.testing.assert_allclose(found["predicted_kw"], plain, rtol=0.05)
    older = answer(adapted(days=3), panel(), event).rows["predicted_kw"]  # three days back: next to nothing to go by
    np.testing.assert_allclose(
        older, answer(Forecaster(make_estimator(RULE)), panel(), event).rows["predicted_kw"], rtol=0.05
    )


def test_without_earlier_rows_it_answers_as_the_inner_estimator():
    made = adapted()
    X = made.matrix(panel(), made.cases(panel(), asked(panel(), "2018-10-25")))
    assert not set(EARLIER_COLUMNS) & set(X.columns)
    np.testing.assert_array_equal(made.estimator.predict(X), make_estimator(RULE).predict(X))


def test_an_interval_that_the_rule_cannot_estimate_stays_without_estimate_and_limits():
    young = panel(first="2018-10-15")
    said = answer(adapted("High5of10"), young, asked(young, "2018-10-16"))
    gone = said.rows["predicted_kw"].isna()
    assert gone.any()
    assert said.rows.loc[gone, ["lower_kw", "upper_kw"]].isna().all(axis=None)
    assert len(said.excluded)


def test_real_event_days_are_no_earlier_days():
    # A month of halved load, dispatched: it must not be learned from, though it is the newest there is.
    data = panel().data.copy()
    events = placebo_events(panel(), "17:00", "20:00", first="2018-09-03", last="2018-09-28")
    time = data.index.get_level_values("time")
    for event in events.itertuples():
        hours = (time >= event.start) & (time < event.stop) & (data.index.get_level_values(0) == event.site_id)
        data.loc[hours, "observed_kw"] *= 0.5
    moved = Panel(data, panel().sites)
    wanted = asked(panel(), "2018-10-29")
    whole = pd.concat([events, wanted], ignore_index=True)
    scored, _ = score_events(adapted(), moved, whole)
    untouched, _ = score_events(adapted(), panel(), whole)
    pd.testing.assert_frame_equal(scored, untouched)


def test_members_are_weighed_by_the_site():
    # Of two members one is right at this site and the other wrong by half; which, no training has told.
    good, bad = make_estimator("PBLM-10of10"), make_estimator("Low3of5")
    pair = Ensemble((good, bad))
    where = panel()
    cases = Forecaster(pair).cases(where, asked(where))
    X = Forecaster(pair).matrix(where, cases)
    fitted = Adapted(pair)
    fitted.estimator_ = pair.fit(X, truth(where, cases))
    made = adapted()
    made = Forecaster(fitted)
    plain = answer(Forecaster(pair), where, asked(where)).rows
    assert error(answer(made, where, asked(where)).rows, where) < error(plain, where)
    assert pair.member_names == ("XofY_1", "XofY_2")
    np.testing.assert_allclose(pair.predict_members(X).mean(1), pair.predict(X))


def test_it_keeps_limits_of_the_inner_estimator_until_it_knows_the_site():
    where = panel()
    inner = Conformal(make_estimator("10of10"))
    cases = Forecaster(inner).cases(where, asked(where, "2018-08-01"))
    fitted = Adapted(inner)
    fitted.estimator_ = inner.fit(Forecaster(inner).matrix(where, cases), truth(where, cases))
    X = Forecaster(fitted).matrix(where, cases)
    np.testing.assert_allclose(fitted.predict_interval(X), inner.predict_interval(X))


@pytest.mark.parametrize("view", [View.settlement(recovery=1.0), View.day_ahead(), View.real_time(lead_in=2)])
def test_every_view(view):
    found = answer(adapted("10of10", view), panel(), asked(panel(), "2018-10-25")).rows
    plain = answer(Forecaster(make_estimator("10of10"), view=view), panel(), asked(panel(), "2018-10-25")).rows
    assert np.isfinite(found[["predicted_kw", "lower_kw", "upper_kw"]].to_numpy()).all()
    assert not np.allclose(found["predicted_kw"], plain["predicted_kw"])


def test_saved_and_loaded_it_adapts_the_same(tmp_path):
    made = adapted(coverage=0.8)
    made.save(tmp_path / "model")
    events = asked(panel(), "2018-10-29")
    pd.testing.assert_frame_equal(
        answer(Forecaster.load(tmp_path / "model"), panel(), events).rows, answer(made, panel(), events).rows
    )


def test_a_dead_meter_gets_its_load_and_limits_around_it():
    data = panel(sites=("b1",)).data.copy()
    data["observed_kw"] = 0.0
    dead = Panel(data, panel(sites=("b1",)).sites)
    found = answer(adapted("10of10"), dead, asked(dead, "2018-10-29")).rows
    np.testing.assert_allclose(found[["predicted_kw", "lower_kw", "upper_kw"]], 0.0, atol=1e-6)


def test_a_study_with_intervals_gives_it_the_coverage_and_no_second_wrapper():
    made = with_intervals(Adapted(make_estimator(RULE)), 0.8)
    assert isinstance(made, Adapted)
    assert made.coverage == 0.8


def test_the_earlier_load_column_is_named_with_its_unit():
    assert EARLIER_LOAD.endswith("_kw")  # so that what divides a site's columns by its load divides this one, too


def test_a_home_that_exports_is_not_held_above_zero_where_no_day_is_known():
    home = datasets.load("fontana_homes").select(["home_01"])
    begin = pd.Timestamp("2017-05-10T16:00", tz="America/Los_Angeles")  # two days have no earlier days at their clock
    event = pd.DataFrame({"site_id": ["home_01"], "start": [begin], "stop": [begin + pd.Timedelta(hours=48)]})
    with pytest.warns(DataWarning, match="lasts a day or longer, at site 'home_01'"):
        rows, _ = score_events(adapted("10of10"), home, event)
    assert rows.loc[rows["baseline_kw"] >= 0, "lower_kw"].min() < 0
