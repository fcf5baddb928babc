"""Tuning: search the parameters of a method by its error on left-out days. The only package that imports Optuna."""

from cblcast.tuning.search import Trial, TuneResult, tune
from cblcast.tuning.space import search_space, spec_of

__all__ = ["Trial", "TuneResult", "search_space", "spec_of", "tune"]
