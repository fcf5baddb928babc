"""Wrappers: estimators around estimators, which adjust, bound, combine, scale or split them."""
