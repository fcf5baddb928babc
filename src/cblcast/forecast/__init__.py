"""Forecasts: features and an estimator as one thing that is trained, asked, judged, explained and saved."""
