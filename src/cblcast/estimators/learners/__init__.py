"""Learners: regression, trees, kernels, time series and curves, each fitted row by row."""
