"""Feed-forward neural nets for baselines: one net for all sites, or one net a site, thousands trained at once.

torch is imported when a net is trained, never when one predicts.
"""

from cblcast.estimators.neural.neural_net import NeuralNet
from cblcast.estimators.neural.neural_net_per_site import NeuralNetPerSite

__all__ = ["NeuralNet", "NeuralNetPerSite"]
