"""A registered model as a pandas function of Spark, over one group a site: in an environment that has pyspark.

    python spark_scoring.py FRAME.parquet MODEL OUT.parquet

MLflow's own ``spark_udf`` gives a row for each row it gets, of whatever rows a batch happens to hold. A baseline needs the history of its
site and answers the marked rows alone, so the model is applied to groups: ``groupBy("site_id").applyInPandas``.
"""

from __future__ import annotations

import json
import os
import sys
from time import perf_counter

ANSWER = "site_id string, time timestamp, baseline_kw double, lower_kw double, upper_kw double, reason string"
COLUMNS = [part.split()[0] for part in ANSWER.split(", ")]


def main() -> None:
    frame_file, model_uri, out = sys.argv[1:]
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").appName("cblcast")
    settings = {
        "spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1", "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC", "spark.sql.shuffle.partitions": "4", "spark.driver.memory": "1g",
    }  # fmt: skip
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")

    def scored(pdf):
        import mlflow
        import pandas as pd

        model = mlflow.pyfunc.load_model(model_uri)
        frame = pdf.assign(time=pd.DatetimeIndex(pdf["time"]).tz_localize("UTC"))
        answer = pd.DataFrame(model.predict(frame)).reindex(columns=COLUMNS)
        answer["time"] = pd.DatetimeIndex(answer["time"]).tz_convert("UTC").tz_localize(None)
        return answer

    began = perf_counter()
    answer = spark.read.parquet(frame_file).groupBy("site_id").applyInPandas(scored, ANSWER).toPandas()
    seconds = perf_counter() - began
    answer["time"] = answer["time"].dt.tz_localize("UTC")
    answer.to_parquet(out, index=False)
    print("\nJSON" + json.dumps({"seconds": seconds, "version": spark.version}))
    spark.stop()


if __name__ == "__main__":
    main()
