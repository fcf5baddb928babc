"""The folder of a training: one training at a time, of one question, and nothing that is not its own."""

import json

import pytest

from cblcast.errors import StudyError
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.scaling.training_folder import HEAD, training_folder
from cblcast.scaling.watched import InWords


def opened(path, question="q", resume=True, keep=True):
    return training_folder(path, question, resume, keep)


def test_a_second_training_waits_for_no_lock(tmp_path):
    with opened(tmp_path / "f"), pytest.raises(StudyError, match="another training is at work"), opened(tmp_path / "f"):
        pass


def test_one_that_goes_on_cuts_as_it_was_begun(tmp_path):
    with opened(tmp_path / "f") as folder:
        assert folder.size(lambda: 7) == 7
    with opened(tmp_path / "f") as folder:
        assert folder.size(lambda: 9) == 7
    with opened(tmp_path / "f", resume=False) as folder:
        assert folder.size(lambda: 9) == 9


def test_a_model_is_taken_for_its_own_question_alone(tmp_path):
    with opened(tmp_path / "f") as folder:
        folder.keep_model(0, Forecaster(make_estimator("High5of10"), name="rule"), "made of this")
        assert folder.model(0, "made of this").name == "rule"
        assert folder.model(0, "made of that") is None
        assert folder.model(1, "made of this") is None
        (folder.model_path(0) / "model.json").write_text("{}")
        assert folder.model(0, "made of this") is None  # damaged: it is trained again


@pytest.mark.parametrize(("head", "sentence"), [('{"question": "other"}', "of another study"), ("{", "is damaged")])
def test_another_head_is_refused_until_it_is_begun_anew(tmp_path, head, sentence):
    (tmp_path / HEAD).write_text(head)
    with pytest.raises(StudyError, match=f"{sentence}.*--no-resume"), opened(tmp_path):
        pass
    with opened(tmp_path, resume=False):
        assert json.loads((tmp_path / HEAD).read_text())["question"] == "q"


def test_what_is_not_its_own_stays(tmp_path):
    with opened(tmp_path / "f", keep=False) as folder:
        (folder.of(0) / "deep").mkdir(parents=True)
        (folder.path / "mine.txt").write_text("mine")
        folder.done()
    assert [path.name for path in (tmp_path / "f").iterdir()] == ["mine.txt"]
    with pytest.raises(StudyError, match="holds no training"), opened(tmp_path / "f"):
        pass


def test_the_time_left_is_told_in_words():
    told: list[str] = []
    watch = InWords(told.append, "features")
    watch.expect(4, "4 partitions")
    watch.began -= 10.0
    watch.advance(1, "1 of 4 partitions")
    watch.advance(3, "4 of 4 partitions")
    assert told == ["features of 1 of 4 parts, 30 s left", "features of 4 of 4 parts, 0 s left"]
