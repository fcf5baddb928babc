"""Control groups of files: drawn or named, matched where nobody is named as control."""

import pandas as pd
import pytest

from cblcast import datasets
from cblcast.eligibility.control_groups import PrePeriod
from cblcast.errors import DataError, StudyError
from cblcast.io.options import ReaderOptions
from cblcast.workflow.control_groups import control_group_files

PERIOD = PrePeriod("17:00", "20:00", "2019-03-04", "2019-04-30")
LONDON = ReaderOptions(tz="Europe/London")


@pytest.fixture(scope="module")
def meter(tmp_path_factory):
    path = tmp_path_factory.mktemp("groups") / "meter.parquet"
    data = datasets.load("cambridge_sme").data.loc[pd.IndexSlice[:, "2019-03-01":"2019-05-01"], ["observed_kw"]]
    data.reset_index().to_parquet(path, index=False)
    return path


def test_a_drawn_group_is_judged_and_written(meter, tmp_path):
    out = tmp_path / "groups.csv"
    found = control_group_files(meter, PERIOD, LONDON, treated_share=0.5, n_events=5, out=out)
    assert set(found) == {"groups", "balance", "pre_period_bias", "power"}
    written = pd.read_csv(out)
    assert written["group"].value_counts().to_dict() == {"treated": 6, "control": 6}
    assert found["power"]["n_events"].tolist() == [5]
    # What was drawn may be given again.
    again = control_group_files(meter, PERIOD, LONDON, groups=out, n_events=5)
    pd.testing.assert_frame_equal(again["balance"], found["balance"])
    assert again["pre_period_bias"]["bias_pct"].tolist() == found["pre_period_bias"]["bias_pct"].tolist()


def test_who_has_no_controls_is_matched(meter, tmp_path):
    path = tmp_path / "treated.csv"
    path.write_text("site_id,group\nb1,treated\nb22,treated\n")
    found = control_group_files(meter, PERIOD, LONDON, groups=path, n_events=5)
    assert found["pairs"]["treated"].tolist() == ["b1", "b22"]
    assert not set(found["pairs"]["control"]) & {"b1", "b22"}
    assert found["groups"]["group"].tolist() == ["treated", "treated", "control", "control"]


def test_bad_input_is_one_sentence(meter, tmp_path):
    with pytest.raises(StudyError, match="who is treated"):
        control_group_files(meter, PERIOD, LONDON)
    with pytest.raises(StudyError, match="who is treated"):
        control_group_files(meter, PERIOD, LONDON, groups=tmp_path / "a.csv", treated_share=0.5)
    path = tmp_path / "nobody.csv"
    path.write_text("site_id,group\nb1,test\n")
    with pytest.raises(DataError, match=r"nobody\.csv names nobody as treated"):
        control_group_files(meter, PERIOD, LONDON, groups=path)
    path.write_text("site,group\nb1,treated\n")
    with pytest.raises(DataError, match="site_id"):
        control_group_files(meter, PERIOD, LONDON, groups=path)
    path.write_text("site_id,group\nb1,treated\nzz,control\nb22,treated\nb14,control\n")
    with pytest.raises(DataError, match="'zz'"):
        control_group_files(meter, PERIOD, LONDON, groups=path)
    with pytest.raises(DataError, match="there is no group file"):
        control_group_files(meter, PERIOD, LONDON, groups=tmp_path / "absent.csv")


def test_groups_are_read_as_any_other_table(meter, tmp_path):
    path = tmp_path / "groups.csv"
    path.write_text("site_id;group\nb1;treated\nb22;treated\nb14;control\nb15;control\n", encoding="utf-16")
    found = control_group_files(meter, PERIOD, LONDON, groups=path, n_events=5)
    assert found["groups"]["site_id"].tolist() == ["b1", "b22", "b14", "b15"]
    with pytest.raises(StudyError, match="seed is -1"):
        control_group_files(meter, PERIOD, LONDON, treated_share=0.5, seed=-1)
