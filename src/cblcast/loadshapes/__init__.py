"""The shapes of days: average days with their spread, the duck's belly and ramp, days that stand for a month."""

from cblcast.loadshapes.average_days import average_days, difference_of_curves
from cblcast.loadshapes.duck import duck_of_days, duck_shape
from cblcast.loadshapes.representative_days import representative_days

__all__ = ["average_days", "difference_of_curves", "duck_of_days", "duck_shape", "representative_days"]
