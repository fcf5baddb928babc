"""Telework as a regime change: how long does each baseline stay wrong when people stay at home from a day on?

    python experiments/commuters_telework/regime.py

Simulated offices and homes (truth known by construction), and the twelve bundled Cambridge buildings, whose load above
the night's is scaled by who is there. Events 13-16 h of every working day, seen in real time; everything is learned before
the change. The bias is that of the changed world minus that of the same world unchanged, so that noise and season cancel.
Writes results_regime.json, regime.csv and regime.png beside this file. Ninety seconds of one core.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # experiments/

import numpy as np
import pandas as pd
from claims import Record, claim, write
from matplotlib.figure import Figure

from cblcast import datasets
from cblcast.days.placebo import placebo_events
from cblcast.errors import DataWarning
from cblcast.estimators.learned_baseline import LearnedBaseline
from cblcast.estimators.learners.regression import Ridge
from cblcast.estimators.wrappers.residual import Residual
from cblcast.forecast.backtest import backtest
from cblcast.forecast.forecaster import Forecaster
from cblcast.forecast.methods import make_estimator
from cblcast.frames.cases import View
from cblcast.frames.panel import Panel
from cblcast.frames.schema import OBSERVED, ORIGIN, PREDICTED, SITE
from cblcast.physics.occupancy import BuildingPower, OfficeHours
from cblcast.simulate.commuting import CommutingWorld, simulate_commuting
from cblcast.simulate.drawn_plans import drawn_plans

HERE = Path(__file__).parent
SHARES = (0.1, 0.3, 0.5)
DAYS_AFTER = 40  # working days on which the bias is followed
WITHIN_PCT = 1.0
EVENT = ("13:00", "16:00")
PLAN, MEASURED = {"occupancy": {}}, {"occupancy": {"known": "measured"}}
HALF_LIFE_DAYS = 2.0
LINEAR = 0.2  # β at which an office is nearly proportional to its people


def methods(weather: bool) -> dict[str, Forecaster]:
    """Rules and learned baselines; day-ahead ones see nothing of the day, the others the hours before the event."""
    columns = [*(f"ref_kw_{k:02d}" for k in range(1, 11)), "hour"]
    before = [f"seen_before_{k}_kw" for k in range(1, 5)]
    by = (SITE, "hour")
    days, hours = {"reference_days": {"days": 10}, "calendar": {}}, {"event_windows": {"hours_before": 4}}
    sky = ("temp_air_c",) if weather else ()

    def ridge(*extra: str) -> Ridge:
        # What people do has been seen between 85 and 95 % attendance and must reach to 50 %: no clipping.
        return Ridge(columns=[*columns, *extra], by=by, clip=None)

    def learned(*extra: str) -> LearnedBaseline:
        return LearnedBaseline(weather=sky, year_ago=False, n_estimators=100, extra=extra)

    rules = ("10of10", "High5of10", "Nearest5of10", "PBLM-10of10", "PBLM-Nearest5of10")
    ahead = View.day_ahead()
    # A mean of days moves with its days, so it lacks the change alone; a regression with an intercept needs the level too.
    level = ("occupants", "occupants_usual")
    named = {name: Forecaster(make_estimator(name), name=name) for name in rules}
    slope = Residual(Ridge(columns=["occupants_change"], by=by, clip=None), make_estimator("10of10"))
    return named | {
        "10of10 + occupants (plan)": Forecaster(slope, {**PLAN, "calendar": {}}),
        "Ridge, day-ahead": Forecaster(ridge(), days, ahead),
        "Ridge, day-ahead + occupants (plan)": Forecaster(ridge(*level), {**days, **PLAN}, ahead),
        "Ridge": Forecaster(ridge(*before), {**days, **hours}),
        "Ridge + occupants (measured)": Forecaster(
            ridge(*before, "occupants_usual", "occupants_before_change"), {**days, **hours, **MEASURED}
        ),
        "Ridge + occupants (plan)": Forecaster(ridge(*before, *level), {**days, **hours, **PLAN}),
        "LearnedBaseline": Forecaster(learned()),
        "LearnedBaseline + occupants (plan)": Forecaster(
            learned("occupants", "occupants_usual", "occupants_change"), PLAN
        ),
    }


def world(share: float, saturation: float, change: str) -> Panel:
    """220 days of 20 offices and 20 links of homes, hourly."""
    plans = drawn_plans(OfficeHours.from_core(10, 16, 8.0), 7000, 6000, offices=20, home_links=20, seed=1)
    # A full office draws the same whatever β.
    power = BuildingPower(office_saturation_kw=0.347 * np.expm1(-5.0) / np.expm1(-saturation), saturation=saturation)
    days = CommutingWorld(
        first_day="2018-01-01", days=220, tz="Europe/Berlin", telework_share=share, telework_from=change if share else None,
        attendance_spread=0.05, slice_h=1.0, power=power, seed=2,
    )  # fmt: skip
    return simulate_commuting(plans, days).panel


def injected(share: float, saturation: float | None, change: str) -> Panel:
    """Cambridge: what is drawn above the night's load belongs to the people who are there.

    Attendance varies from day to day (sd 5 %) in the whole record, as an office's does, or nobody could learn what people
    draw. `saturation` None: that load is proportional to them; else equation 3 says how it falls.
    """
    panel = datasets.load("cambridge_sme")
    rng = np.random.default_rng(3)
    data = panel.data.copy()
    hours = OfficeHours(7.0, 10.0, 16.0, 20.0)
    parts = []
    for _, load in data.groupby(level=SITE, sort=False):
        wall = load.index.get_level_values("time").tz_convert("Europe/London")
        day = wall.normalize()
        days = day.unique()
        attends = pd.Series(np.clip(rng.normal(0.85, 0.05, len(days)), 0.5, 1.0), index=days)
        away = pd.Series(np.where(days >= pd.Timestamp(change, tz="Europe/London"), share, 0.0), index=days)
        usual = hours.presence(wall.hour + wall.minute / 60 + 0.5) * (wall.day_of_week < 5)
        there = attends.loc[day].to_numpy() * (1 - away.loc[day].to_numpy())
        observed = load[OBSERVED].to_numpy(dtype=np.float64)
        night = pd.Series(np.where((wall.hour < 5), observed, np.nan)).groupby(day).transform("mean").to_numpy()
        night = np.minimum(np.where(np.isfinite(night), night, observed), observed)
        if saturation is None:
            factor = np.where(usual > 0, there / 0.85, 1.0)
        else:
            factor = np.where(
                usual > 0,
                np.expm1(-saturation * usual * there) / np.where(usual > 0, np.expm1(-saturation * usual * 0.85), 1.0),
                1.0,
            )
        parts.append(
            pd.DataFrame(
                {OBSERVED: night + (observed - night) * factor, "occupants": 100 * usual * there}, index=load.index
            )
        )
    data[[OBSERVED, "occupants"]] = pd.concat(parts)
    return Panel(data, panel.sites)


def adapted(scored: pd.DataFrame) -> pd.DataFrame:
    """Each day's estimate times the recent ratio of meter to estimate (half-life two event days), site by site."""
    day = scored.groupby([SITE, ORIGIN])[[OBSERVED, PREDICTED]].sum()
    ratio = np.log(day[OBSERVED] / day[PREDICTED])
    known = ratio.groupby(level=SITE).transform(lambda r: r.ewm(halflife=HALF_LIFE_DAYS).mean().shift(1)).fillna(0.0)
    factor = np.exp(known).reindex(scored.index.droplevel("time")).to_numpy()
    return scored.assign(**{PREDICTED: scored[PREDICTED] * factor})


def daily_bias(scored: pd.DataFrame) -> pd.Series:
    """Estimate minus meter over the meter of all sites [%], by event day."""
    total = scored.groupby(ORIGIN)[[PREDICTED, OBSERVED]].sum()
    return 100 * (total[PREDICTED] / total[OBSERVED] - 1)


def days_until_within(bias: np.ndarray, limit: float = WITHIN_PCT) -> tuple[int | None, int | None]:
    """First working day on which the bias is within the limit, and first from which on it stays there; None if never.

    The bias of a day is the mean over it and the four after it: who stays at home is drawn anew each day, and a single
    day of an unbiased baseline may be off by a per cent. Where the load follows people closely, that scatter alone can
    carry even a mean of five days out again.
    """
    week = np.abs(np.convolve(bias, np.ones(5) / 5, mode="valid"))
    inside, outside = np.flatnonzero(week <= limit), np.flatnonzero(week > limit)
    first = int(inside[0]) if len(inside) else None
    if len(outside) == 0:
        return first, 0
    return first, None if outside[-1] == len(week) - 1 else int(outside[-1]) + 1


def biases(panel: Panel, change: str, train: tuple[str, str]) -> dict[str, pd.Series]:
    """Bias by day of each method, plain and adapted online, around the change."""
    learn = placebo_events(panel, *EVENT, first=train[0], last=train[1])
    since = (pd.Timestamp(change) - pd.Timedelta(days=28)).strftime("%Y-%m-%d")
    until = (pd.Timestamp(change) + pd.Timedelta(days=DAYS_AFTER * 7 // 5 + 7)).strftime("%Y-%m-%d")
    test = placebo_events(panel, *EVENT, first=since, last=until)
    result = backtest(panel, methods("temp_air_c" in panel.data), test, learn)
    found = {}
    for name, rows in result.scored.groupby("method", sort=False):
        found[name] = daily_bias(rows)
        found[f"{name} | online"] = daily_bias(adapted(rows))
    return found


def study(name: str, make, change: str, train: tuple[str, str], choose=lambda panel: panel) -> list[dict[str, object]]:
    still = biases(choose(make(0.0)), change, train)
    rows = []
    for share in SHARES:
        moved = biases(choose(make(share)), change, train)
        for method, series in moved.items():
            after = series.index.tz_convert("Europe/London") >= pd.Timestamp(change, tz="Europe/London")
            bias = (series - still[method])[after].to_numpy()[:DAYS_AFTER]
            plain, _, online = method.partition(" | ")
            first, stays = days_until_within(bias)
            rows.append({"world": name, "share": share, "method": plain, "online": bool(online), "first_day_pct": bias[0],
                         "last_week_pct": bias[-5:].mean(), "days_first": first, "days_stays": stays, "bias": bias})  # fmt: skip
    return rows


def segment(name: str):
    return lambda panel: panel.select(list(panel.sites.index[panel.sites["segment"] == name]))


def figure(table: pd.DataFrame) -> Figure:
    picture = Figure(figsize=(9.5, 6.4), layout="constrained", dpi=110)
    shown = [
        "10of10",
        "Nearest5of10",
        "PBLM-10of10",
        "Ridge, day-ahead",
        "Ridge, day-ahead + occupants (plan)",
        "LearnedBaseline",
    ]
    worlds = list(table["world"].unique())
    for axes, name in zip(picture.subplots(2, 3, sharex=True).flat, worlds, strict=False):
        rows = table[(table["world"] == name) & (table["share"] == 0.3) & ~table["online"]].set_index("method")
        axes.axhspan(-WITHIN_PCT, WITHIN_PCT, color="#e8e8e8")
        for number, method in enumerate(shown):
            axes.plot(rows.loc[method, "bias"], lw=1.4, color=f"C{number}", label=method)
        axes.set_title(name, fontsize=9)
        axes.axhline(0, color="#999999", lw=0.6)
    for axes in picture.axes[len(worlds) :]:
        axes.set_axis_off()
        axes.legend(*picture.axes[0].get_legend_handles_labels(), loc="center", fontsize=8, frameon=False)
    picture.supxlabel("working days since 30 % stay at home", fontsize=9)
    picture.supylabel("bias against the world without telework [%]", fontsize=9)
    return picture


def result_of(row) -> Record:
    how = f"{row.method}{', adapted online' if row.online else ''}"
    first, stays = (None if pd.isna(days) else int(days) for days in (row.days_first, row.days_stays))
    return claim(
        f"{row.world}: {how}: bias of the first day on which {100 * row.share:.0f} % stay at home",
        "project: telework as a regime change",
        row.first_day_pct,
        "%",
        bias_of_the_last_week_pct=round(row.last_week_pct, 2),
        working_days_until_a_week_is_within_1_pct=first,
        working_days_until_all_weeks_are=stays,
        followed_for_working_days=DAYS_AFTER,
    )


def main() -> None:
    warnings.simplefilter("ignore", DataWarning)
    simulated, real = ("2018-06-04", ("2018-02-05", "2018-05-11")), ("2019-04-29", ("2018-03-01", "2019-03-29"))
    rows = []
    for label, saturation in (("saturating", 5.0), ("proportional", LINEAR)):
        rows += study(
            f"simulated offices, {label}",
            lambda s, b=saturation: world(s, b, simulated[0]),
            *simulated,
            segment("office"),
        )
    rows += study("simulated homes", lambda s: world(s, 5.0, simulated[0]), *simulated, segment("home"))
    for label, saturation in (("saturating", 5.0), ("proportional", None)):
        rows += study(f"Cambridge, {label}", lambda s, b=saturation: injected(s, b, real[0]), *real)
    table = pd.DataFrame(rows)
    figure(table).savefig(HERE / "regime.png")
    plain = table.drop(columns="bias")
    plain.to_csv(HERE / "regime.csv", index=False, float_format="%.2f")
    results = [result_of(row) for row in plain.itertuples()]
    write(HERE / "results_regime.json", results)
    shown = plain[["days_first", "days_stays"]].map(lambda d: f">{DAYS_AFTER}" if pd.isna(d) else f"{int(d)}")
    cell = shown["days_first"] + " / " + shown["days_stays"] + plain["first_day_pct"].map(" ({:+.1f})".format)
    view = plain.assign(cell=cell)
    print(view.pivot(index=["world", "method", "online"], columns="share", values="cell").to_string())


if __name__ == "__main__":
    main()
