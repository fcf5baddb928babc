"""Estimators: rules, learners, nets, and wrappers around any of them; all speak scikit-learn."""
