"""Plots: each answers one question, takes frames of cblcast, draws on a matplotlib Axes (``ax=``) and returns it.

==================  ==========================================================
`leaderboard`       which method is best, and to which side does it lean
`bias_and_spread`   bias against spread, a mark each method
`event`             the best, median or worst event: meter, estimate, limits
`error_by`          error by hour, weekday, month or temperature
`error_by_lead`     error of nowcasts by lead time
`forecast_fan`      one forecast: estimate, quantiles or limits, and what was measured
`coverage`          do the limits hold what they promise
`heatmap`           what is there of the meter, and when is it used
`power_curve`       what a farm makes at a wind speed
`tuning_history`    what a search found
`tuning_importance` which parameter mattered
==================  ==========================================================

Colours are those of Okabe and Ito, which colour-blind readers tell apart, and mean the same in all plots. Matplotlib is imported
when something is drawn: importing this package is cheap.
"""

from cblcast.plots.errors import bias_and_spread, error_by, error_by_lead
from cblcast.plots.event import event
from cblcast.plots.fan import forecast_fan
from cblcast.plots.leaderboard import leaderboard
from cblcast.plots.limits import coverage
from cblcast.plots.of_scored import ScoredPlots
from cblcast.plots.readings import heatmap
from cblcast.plots.search import tuning_history, tuning_importance
from cblcast.plots.wind import power_curve

__all__ = [
    "ScoredPlots",
    "bias_and_spread",
    "coverage",
    "error_by",
    "error_by_lead",
    "event",
    "forecast_fan",
    "heatmap",
    "leaderboard",
    "power_curve",
    "tuning_history",
    "tuning_importance",
]
