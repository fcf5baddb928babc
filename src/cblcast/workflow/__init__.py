"""The conductor: train, evaluate, score, tune. Everything below it knows nothing of studies, stores or files."""
