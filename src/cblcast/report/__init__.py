"""Plots and reports of a study."""
