"""One program on many events, as :mod:`cblcast.programs.estimate` has it: what a settlement and its parts start from."""

from cblcast.programs.estimate import PROBLEM_COLUMNS, SEEN, UNADJUSTED, Estimate, estimate, problem_table

__all__ = ["PROBLEM_COLUMNS", "SEEN", "UNADJUSTED", "Estimate", "estimate", "problem_table"]
