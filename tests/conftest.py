"""Set before anything imports MLflow, which reads its switches once."""

import os

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
# Draw into memory: no test needs a screen.
os.environ["MPLBACKEND"] = "Agg"
