"""Make the bundled samples from the prepared originals.

``CBLCAST_DATA_DIR=<folder with load/ and wind/> python data/prepare.py`` rewrites every file of ``data/samples``.
What each step decides, and why, is said in ``data/README.md``; the numbers it rests on are asserted here.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

SAMPLES = Path(__file__).parent / "samples"
TURIN_RESOLUTION_KW = 0.4  # the meter counts pulses of 0.1 kWh, 0.4 kW over a quarter of an hour
CAMBRIDGE_SPAN = slice("2016-01-01", "2019-12-31")
WIND_SPAN = slice("2013-12-31", "2016-01-01")


def write(frame: pd.DataFrame, name: str) -> None:
    """Write one sample as compact Parquet: dictionaries, deltas for the times, zstd."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    table = table.replace_schema_metadata(None)  # no pandas block: any Parquet reader sees the plain columns
    values = [c for c in frame.columns if c != "time"]
    path = SAMPLES / f"{name}.parquet"
    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=19,
        use_dictionary=values,
        column_encoding={"time": "DELTA_BINARY_PACKED"} if "time" in frame else None,
        row_group_size=1 << 20,
        data_page_size=1 << 22,
        dictionary_pagesize_limit=1 << 22,
    )
    print(f"{path.name:40} {len(frame):>8} rows {path.stat().st_size / 1024:>7.0f} KiB")


def turin(source: Path) -> pd.DataFrame:
    """The building of Turin: labels are interval ends on the Rome wall clock, gaps were filled by straight lines."""
    raw = pd.read_parquet(source / "load" / "polito_building_15min_2019.parquet")
    power = without_straight_lines(raw["power_kw"].astype("float64"), TURIN_RESOLUTION_KW)
    wall = pd.DatetimeIndex(raw["timestamp_local"]) - pd.Timedelta(minutes=15)
    # 2019-03-31: 02:00-03:00 never was; the four labels there are interpolated in the original, and are dropped.
    # 2019-10-27: 02:00-03:00 came twice, the file keeps one hour; it is taken as the first, the second is not metered.
    start = wall.tz_localize("Europe/Rome", ambiguous=np.ones(len(wall), dtype=bool), nonexistent="NaT")
    assert start.isna().sum() == 4, "expected the four labels of the missing hour"
    frame = pd.DataFrame(
        {
            "site_id": "turin_building",
            "time": start.tz_convert("UTC").as_unit("us"),
            "observed_kw": power.astype("float32"),
            "temp_air_c": raw["temp_c"].astype("float32"),
        }
    )
    in_2019 = np.asarray(wall.year == 2019)  # the first label closes the last quarter of 2018
    frame = on_grid(frame[in_2019 & ~np.asarray(start.isna())], "15min")
    # The original's temperature is itself a line between hourly readings, so the repeated hour is filled the same way.
    frame["temp_air_c"] = frame["temp_air_c"].interpolate(limit=4).round(1).astype("float32")
    return frame


def without_straight_lines(power: pd.Series, resolution: float) -> pd.Series:
    """NaN for the runs that a straight line filled: no curvature, and values off the meter's resolution."""
    off_grid = ((power / resolution) - (power / resolution).round()).abs() > 2e-3
    straight = (power.shift(-1) - 2 * power + power.shift(1)).abs() < 2e-3
    run = (straight != straight.shift()).cumsum()
    filled = straight & off_grid.groupby(run).transform("any")
    return power.mask(filled | off_grid)


def on_grid(frame: pd.DataFrame, step: str) -> pd.DataFrame:
    """One row per step between the first and last time; what was not there is NaN."""
    times = pd.date_range(frame["time"].iloc[0], frame["time"].iloc[-1], freq=step, unit="us", name="time")
    full = frame.set_index("time").reindex(times).reset_index()
    full["site_id"] = frame["site_id"].iloc[0]
    return full[list(frame.columns)]


def wind_turbines(source: Path) -> pd.DataFrame:
    """The four turbines of La Haute Borne, power to 0.1 kW of 2050 kW."""
    raw = pd.read_parquet(source / "wind" / "la_haute_borne_scada_10min_2014_2015.parquet")
    frame = pd.DataFrame(
        {
            "site_id": raw["turbine"].astype("str"),
            "time": raw["time_utc"].dt.as_unit("us"),
            "observed_kw": raw["power_kw"].round(1),
            "wind_speed_nacelle_ms": raw["wind_speed_ms"].round(2),
        }
    )
    return frame.sort_values(["site_id", "time"], ignore_index=True)


def wind_farm(source: Path) -> pd.DataFrame:
    """The farm: the sum of its four turbines where all four report, the mean wind where at least three do."""
    raw = pd.read_parquet(source / "wind" / "la_haute_borne_scada_10min_2014_2015.parquet")
    raw["turbine"] = raw["turbine"].astype("str")
    east, north = (part(np.radians(raw["wind_dir_deg"])) for part in (np.sin, np.cos))
    wide = raw.assign(east=east, north=north).pivot_table(
        index="time_utc",
        columns="turbine",
        dropna=False,
        values=["power_kw", "wind_speed_ms", "temp_c", "east", "north"],
    )
    speed = wide["wind_speed_ms"]
    speed = speed.mean(axis=1).where(speed.notna().sum(axis=1) >= 3)
    direction = np.degrees(np.arctan2(wide["east"].mean(axis=1), wide["north"].mean(axis=1))) % 360
    frame = pd.DataFrame(
        {
            "site_id": "la_haute_borne",
            "time": pd.DatetimeIndex(wide.index).as_unit("us"),
            "observed_kw": wide["power_kw"].sum(axis=1, min_count=4).round(1).astype("float32").to_numpy(),
            "wind_speed_nacelle_ms": speed.round(2).astype("float32").to_numpy(),
            "wind_dir_nacelle_deg": direction.round(0).astype("float32").to_numpy(),
            "temp_air_c": wide["temp_c"].mean(axis=1).round(1).astype("float32").to_numpy(),
        }
    )
    return on_grid(frame, "10min")


ERA5_NAMES = {
    "time_utc": "time",
    "u_100": "wind_u_100m_ms",
    "v_100": "wind_v_100m_ms",
    "t_2m": "temp_air_2m_k",
    "surf_pres": "pressure_surface_pa",
    "ws_100m": "wind_speed_100m_ms",
    "dens_100m": "air_density_100m_kgm3",
}
MERRA2_NAMES = {
    "time_utc": "time",
    "surface_pressure": "pressure_surface_pa",
    "surface_skin_temperature": "temp_skin_k",
    "u_10": "wind_u_10m_ms",
    "v_10": "wind_v_10m_ms",
    "u_50": "wind_u_50m_ms",
    "v_50": "wind_v_50m_ms",
    "temp_2m": "temp_air_2m_k",
    "temp_10m": "temp_air_10m_k",
    "u_850": "wind_u_850hpa_ms",
    "v_850": "wind_v_850hpa_ms",
    "temp_850": "temp_air_850hpa_k",
    "ws_50m": "wind_speed_50m_ms",
    "dens_50m": "air_density_50m_kgm3",
}


def reanalysis(source: Path, stem: str, names: dict[str, str]) -> pd.DataFrame:
    """One reanalysis, hourly and at its own stamps; only the names are ours."""
    raw = pd.read_parquet(source / "wind" / f"la_haute_borne_{stem}_hourly_201312_201601.parquet")
    frame = raw.rename(columns=names)[list(names.values())].set_index("time").loc[WIND_SPAN]
    decimals = {column: 1 if column.endswith("_pa") else 4 if column.endswith("_kgm3") else 3 for column in frame}
    return frame.round(decimals).reset_index()


def cambridge(source: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The twelve `suggested` buildings of the Cambridge archive, and the weather of Bedford."""
    meta = pd.read_csv(source / "load" / "cambridge_meta.csv")
    suggested = meta.loc[meta["suggested"], "building"].tolist()
    assert len(suggested) == 12, suggested
    wide = pd.read_parquet(source / "load" / "cambridge_load_2016_2019.parquet", columns=suggested).loc[CAMBRIDGE_SPAN]
    wide = wide.round(2).rename_axis(index="time").reset_index()
    load = wide.melt("time", var_name="site_id", value_name="observed_kw")
    load = load.astype({"site_id": "str"}).sort_values(["site_id", "time"])[["site_id", "time", "observed_kw"]]
    weather = pd.read_parquet(source / "load" / "cambridge_weather_bedford_2016_2019.parquet").loc[CAMBRIDGE_SPAN]
    names = {
        "temp_c": "temp_air_c",
        "rel_hum_pct": "relative_humidity_pct",
        "ghi_w_m2": "ghi_wm2",
        "wind_speed_m_s": "wind_speed_10m_ms",
    }
    return load, weather[list(names)].rename(columns=names).round(2).rename_axis("time").reset_index()


FONTANA_BROKEN_PV = (14, 15)


def fontana(source: Path) -> pd.DataFrame:
    """Fifteen homes of Fontana: the meters run on the wall clock an hour after the label, the weather on standard time at it."""
    raw = pd.read_parquet(source / "load" / "citylearn2022_fontana_17homes_hourly.parquet")
    raw = raw[~raw["building"].isin(FONTANA_BROKEN_PV)]
    wall = pd.DatetimeIndex(raw["timestamp_pst"]) + pd.Timedelta(hours=1)
    # The hour that autumn has twice is there once, the hour that spring skips is there and was never metered.
    start = wall.tz_localize("America/Los_Angeles", ambiguous=np.ones(len(wall), dtype=bool), nonexistent="NaT")
    assert start.isna().sum() == raw["building"].nunique()
    homes = pd.DataFrame(
        {
            "site_id": [f"home_{number:02}" for number in raw["building"]],
            "time": start.tz_convert("UTC").as_unit("us"),
            "observed_kw": (raw["load_kwh"] - raw["solar_kwh"]).round(3).to_numpy(dtype=np.float32),
            "pv_kw": raw["solar_kwh"].round(3).to_numpy(dtype=np.float32),
        }
    )[~start.isna()]
    first = raw[raw["building"] == raw["building"].iloc[0]]
    weather = pd.DataFrame(
        {
            "temp_air_c": first["outdoor_dry_bulb_temperature"].round(1).to_numpy(),
            "dni_wm2": first["direct_solar_irradiance"].round(0).to_numpy(),
            "ghi_wm2": first["diffuse_solar_irradiance"].round(0).to_numpy(),
        },
        index=pd.DatetimeIndex(first["timestamp_pst"]).tz_localize("Etc/GMT+8").tz_convert("UTC").as_unit("us"),
    )
    frame = pd.concat([on_grid(home, "1h") for _, home in homes.groupby("site_id")], ignore_index=True)
    frame = frame.join(weather, on="time")
    assert _noon_of(frame.dropna(), "pv_kw", "dni_wm2") < 0.5, "the sun of the roofs and that of the weather part"
    return frame


def _noon_of(frame: pd.DataFrame, first: str, second: str) -> float:
    """Largest distance [h] between the middles of two suns' days, over the months."""
    hour, month = frame["time"].dt.hour - 8.0, frame["time"].dt.month
    middle = [(frame[c] * (hour % 24)).groupby(month).sum() / frame[c].groupby(month).sum() for c in (first, second)]
    return float((middle[0] - middle[1]).abs().median())


def sydney(source: Path) -> pd.DataFrame:
    """One home of Sydney on its wall clock: zeros fill the hour that spring skips, autumn's double hour was added up."""
    raw = pd.read_csv(source / "load" / "ausgrid_customer12_30min_2011_2012.csv.gz", parse_dates=["timestamp_local"])
    wall = pd.DatetimeIndex(raw["timestamp_local"])
    start = wall.tz_localize("Australia/Sydney", ambiguous="NaT", nonexistent="NaT")
    assert start.isna().sum() == 4, "two half-hours that never were, two that came twice"
    frame = pd.DataFrame(
        {
            "site_id": "sydney_home",
            "time": start.tz_convert("UTC").as_unit("us"),
            "observed_kw": (raw["load_kw"] - raw["pv_kw"]).round(3).astype("float32"),
            "pv_kw": raw["pv_kw"].round(3).astype("float32"),
        }
    )[~start.isna()]
    return on_grid(frame, "30min")


def main() -> None:
    """Rewrite every sample."""
    if "CBLCAST_DATA_DIR" not in os.environ:
        sys.exit("CBLCAST_DATA_DIR is not set: name the folder that holds load/ and wind/ (see data/README.md)")
    source = Path(os.environ["CBLCAST_DATA_DIR"])
    SAMPLES.mkdir(exist_ok=True)
    write(turin(source), "turin")
    write(wind_farm(source), "la_haute_borne")
    write(wind_turbines(source), "la_haute_borne_turbines")
    write(reanalysis(source, "era5", ERA5_NAMES), "la_haute_borne_era5")
    write(reanalysis(source, "merra2", MERRA2_NAMES), "la_haute_borne_merra2")
    load, weather = cambridge(source)
    write(load, "cambridge_sme")
    write(weather, "cambridge_weather")
    write(fontana(source), "fontana_homes")
    write(sydney(source), "sydney_home")


if __name__ == "__main__":
    main()
