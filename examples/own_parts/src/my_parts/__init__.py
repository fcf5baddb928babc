"""Parts of one's own for cblcast: ``cblcast train study.yaml --plugin my_parts``, or installed, by entry points."""

from my_parts import builder, estimator, reader, rule

__all__ = ["builder", "estimator", "reader", "rule"]
