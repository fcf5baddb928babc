"""windpowerlib: curves of its turbine library on given speeds, and one of them on measured wind."""

import pandas as pd
from exchange import Exchange, processor_seconds
from windpowerlib import WindTurbine
from windpowerlib.power_output import power_curve

task = Exchange("windpowerlib", ["windpowerlib", "pandas"])
speeds = pd.read_parquet(task.folder / "speeds.parquet")["wind_speed_ms"]
wind = pd.read_parquet(task.folder / "wind.parquet")["wind_speed_nacelle_ms"]
turbines = pd.read_parquet(task.folder / "turbines.parquet")
said, seconds = {}, []
for name, applied in zip(turbines["turbine"], turbines["applied"], strict=True):
    curve = WindTurbine(turbine_type=name, hub_height=80).power_curve
    began = processor_seconds()
    power = power_curve(speeds, curve["wind_speed"], curve["value"])
    seconds.append(processor_seconds() - began)
    said[name] = power.to_numpy() / 1000
    if applied:
        power = power_curve(wind, curve["wind_speed"], curve["value"])
        pd.DataFrame({"power_kw": power.to_numpy() / 1000}).to_parquet(task.folder / "power_windpowerlib.parquet")
pd.DataFrame(said).to_parquet(task.folder / "curves_windpowerlib.parquet")
pd.DataFrame({"seconds": seconds}).to_parquet(task.folder / "curve_seconds.parquet")
task.seconds["predict"] = sum(seconds)
task.finish()
