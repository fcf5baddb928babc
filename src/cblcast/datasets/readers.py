"""Readers of the known data sets: files as their origins hand them out -> the panel's own frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def _indexed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_index(["site_id", "time"]).sort_index()


def one_file(**site: Any) -> Callable[[list[Path]], tuple[pd.DataFrame, pd.DataFrame]]:
    """A reader of one sample in the panel's own names, whose sites all share `site`."""

    def read(paths: list[Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
        import pandas as pd

        data = _indexed(pd.read_parquet(paths[0]))
        names = data.index.get_level_values("site_id").unique()
        return data, pd.DataFrame([site] * len(names), index=pd.Index(names, name="site_id"))

    return read


def homes_with_pv(**site: Any) -> Callable[[list[Path]], tuple[pd.DataFrame, pd.DataFrame]]:
    """As :func:`one_file`, of homes metered at the grid beside their PV: what they use is the sum of both."""
    read_one = one_file(**site, segment="home")

    def read(paths: list[Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
        data, sites = read_one(paths)
        return data.assign(load_kw=data["observed_kw"] + data["pv_kw"]), sites

    return read


def _long(wide: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    """One column a site and a weather frame, both by time → the panel's frame."""
    times = wide.index.rename("time").as_unit("us")
    wide = wide.set_axis(times, axis=0)
    long = wide.reset_index().melt("time", var_name="site_id", value_name="observed_kw").astype({"site_id": "str"})
    return _indexed(long.join(weather.set_axis(weather.index.as_unit("us"), axis=0), on="time"))


def read_cambridge_sme(paths: list[Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Twelve buildings in the panel's own names, and their weather."""
    import pandas as pd

    load_frame, weather = (pd.read_parquet(path) for path in paths)
    data = _indexed(load_frame.join(weather.set_index("time"), on="time"))
    names = pd.Index(load_frame["site_id"].unique(), name="site_id")
    return data, pd.DataFrame(
        {"tz": "Europe/London", "country": "GB", "subdivision": "ENG", "segment": "sme", "suggested": True}, index=names
    )


def read_cambridge(paths: list[Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All buildings of the estate, one column each [kWh an hour], their table, and the weather of Bedford."""
    import pandas as pd

    wide, meta, weather = pd.read_parquet(paths[0]), pd.read_csv(paths[1]), pd.read_parquet(paths[2])
    names = {
        "temp_c": "temp_air_c",
        "rel_hum_pct": "relative_humidity_pct",
        "ghi_w_m2": "ghi_wm2",
        "wind_speed_m_s": "wind_speed_10m_ms",
    }
    # Energy per hour [kWh] is the mean power [kW] of the hour.
    data = _long(wide, weather[list(names)].rename(columns=names))
    sites = pd.DataFrame(
        {
            "tz": "Europe/London",
            "country": "GB",
            "subdivision": "ENG",
            "segment": meta["sme_5_150kw"].map({True: "sme", False: "other"}).to_numpy(),
            "suggested": meta["suggested"].to_numpy(dtype=bool),
            "mean_kw": meta["mean_kw"].to_numpy(),
            "scaled_copy_of": meta["scaled_copy_of"].fillna("").to_numpy(),
        },
        index=pd.Index(meta["building"].astype("str"), name="site_id"),
    )
    return data, sites


def read_lcl_homes(paths: list[Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Homes, one column each [kWh a half-hour], their table, and the weather of Bedford, interpolated to half-hours."""
    import pandas as pd

    wide, meta, weather = pd.read_parquet(paths[0]), pd.read_csv(paths[1]), pd.read_csv(paths[2])
    half_hours = wide.index.tz_localize("UTC")
    hourly = weather.set_index(pd.to_datetime(weather["timestamp_utc"], utc=True))[["temp_c"]].astype("float32")
    # The last half-hour of the year has no following hour to interpolate to, and keeps the last reading.
    half_hourly = hourly.rename(columns={"temp_c": "temp_air_c"}).reindex(half_hours).interpolate(limit=1)
    data = _long(wide.set_axis(half_hours, axis=0) * 2, half_hourly)  # kWh per half-hour → mean kW
    sites = pd.DataFrame(
        {
            "tz": "Europe/London",
            "country": "GB",
            "subdivision": "ENG",
            "segment": "home",
            "tariff_group": meta["stdorToU"].to_numpy(),
            "acorn_group": meta["Acorn_grouped"].to_numpy(),
        },
        index=pd.Index(meta["LCLid"].astype("str"), name="site_id"),
    )
    return data, sites
