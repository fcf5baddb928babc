"""Figures of an explanation: which there are, and that they show what was found."""

import numpy as np
import pandas as pd
import pytest

from cblcast.forecast.explain import EXPECTED, Explanation
from cblcast.report.explanation import explanation_figures


@pytest.fixture
def explanation():
    importance = pd.DataFrame(
        {"nrmse_rise": [5.0, 1.0, -0.1], "spread": [0.5, 0.2, 0.1], "n_columns": [10, 1, 1]},
        index=pd.Index(["ref_kw", "hour", "month"], name="feature"),
    )
    rng = np.random.default_rng(0)
    seen = pd.DataFrame(rng.normal(size=(30, 2)), columns=["ref_kw_01", "hour"])
    shap = seen * [3.0, 1.0]
    return Explanation(importance, 10.0, {"boosted": shap.assign(**{EXPECTED: 2.0})}, {"boosted": seen})


def test_one_model_gives_two_figures_and_they_can_be_saved(explanation, tmp_path):
    for name, draw in explanation_figures(explanation).items():
        draw().savefig(tmp_path / f"{name}.png")
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["importance", "shap"]


def test_several_models_are_told_apart(explanation):
    twice = Explanation(
        explanation.importance,
        explanation.nrmse,
        {f"pooled_{k}": explanation.shap["boosted"] for k in (1, 2)},
        {f"pooled_{k}": explanation.seen["boosted"] for k in (1, 2)},
    )
    assert list(explanation_figures(twice)) == ["importance", "shap_pooled_1", "shap_pooled_2"]


def test_the_largest_stands_on_top_and_the_mean_prediction_is_no_feature(explanation):
    importance, shap = (draw().axes[0] for draw in explanation_figures(explanation).values())
    assert [label.get_text() for label in importance.get_yticklabels()] == ["month", "hour", "ref_kw"]
    assert [bar.get_width() for bar in importance.patches] == [-0.1, 1.0, 5.0]
    assert [label.get_text() for label in shap.get_yticklabels()] == ["hour", "ref_kw_01"]
