"""May a site be settled by a rule: is there enough data, is the rule accurate enough, and which one is best."""

from cblcast.eligibility.gates import Gate, certify, load_gates
from cblcast.eligibility.recommend import recommend
from cblcast.eligibility.sufficiency import Limits, sufficiency

__all__ = ["Gate", "Limits", "certify", "load_gates", "recommend", "sufficiency"]
