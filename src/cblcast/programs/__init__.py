"""Baseline rules of demand-response programs: data files with source, date and certainty, and what is made of them."""

from cblcast.programs.catalogue import list_programs, load_program
from cblcast.programs.explain import explain, explain_event
from cblcast.programs.forecasters import program_forecaster
from cblcast.programs.model import Program

__all__ = ["Program", "explain", "explain_event", "list_programs", "load_program", "program_forecaster"]
