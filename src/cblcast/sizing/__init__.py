"""Sizing: how large a diesel set and how many vehicles, by exhaustive grid or by NSGA-II. The only package that imports pymoo."""
