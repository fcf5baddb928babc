"""Rules: estimators that read their answer off the features and have nothing, or nearly nothing, to learn."""
