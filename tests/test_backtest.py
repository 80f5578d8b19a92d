"""The backtest judges fairly: its issuers, its truth, its rivals."""

import math
import subprocess
from collections import Counter
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest

from backtest.demand import TICKS, Business, demand, payday
from backtest.issuers import DAYS, FIT, KINDS, REPORT, ZONE, Issuer, issuer
from backtest.promql import Samples
from backtest.score import CRITICAL, WARNING, score, working_days
from monitor.model import Kept, Reading
from monitor.store import Store
from tests.program import program
from tests.prometheus import scraping


def on(*day: int) -> int:
    """Epoch seconds."""
    return int(datetime(*day, tzinfo=ZONE).timestamp())  # type: ignore[misc]


def test_what_is_fitted_on_is_not_reported_on() -> None:
    assert not set(FIT) & set(REPORT)


@pytest.mark.parametrize("kind", KINDS)
def test_an_issuer_is_the_same_each_time(kind: str) -> None:
    one, two = issuer(kind, 1), issuer(kind, 1)
    assert (one.used, one.packages, one.polled) == (two.used, two.packages, two.polled)
    assert issuer(kind, 2).used != one.used


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_stamps_more_than_was_bought(kind: str) -> None:
    one = issuer(kind, 3)
    assert all(a <= b for a, b in pairwise(one.used))
    bought = 0
    packages = dict(one.packages)
    for tick, used in enumerate(one.used):
        bought += packages.get(tick, 0)
        assert used <= bought


@pytest.mark.parametrize(
    ("day", "paid"),
    [
        (date(2026, 5, 15), date(2026, 5, 15)),
        (date(2026, 8, 15), date(2026, 8, 14)),  # a Saturday
        (date(2026, 5, 31), date(2026, 5, 29)),  # a Sunday
    ],
)
def test_payroll_comes_before_the_weekend(day: date, paid: date) -> None:
    assert payday(day) == paid


def test_december_has_two_fortnights_and_a_bonus() -> None:
    from random import Random

    wanted, steps = demand(Business(workers=50), date(2025, 11, 1), 61, Random(1))
    months = Counter((11 if step.tick < 30 * TICKS else 12, step.cause) for step in steps)
    assert months == {(11, "payroll"): 2, (12, "payroll"): 2, (12, "year-end bonus"): 1}
    assert sum(wanted) == sum(step.stamps for step in steps)
    assert len([stamps for stamps in wanted if stamps]) == 5


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        (on(2026, 5, 1), on(2026, 5, 2), 1.0),
        (on(2026, 5, 1, 12), on(2026, 5, 4, 12), 1.0),  # Friday noon to Monday noon
        (on(2026, 5, 2), on(2026, 5, 4), 0.0),
        (on(2026, 5, 4), on(2026, 5, 18), 10.0),
        (on(2026, 5, 4, 6), on(2026, 5, 4, 18), 0.5),
    ],
)
def test_working_days_are_monday_to_friday(since: int, until: int, days: float) -> None:
    assert working_days(since, until) == pytest.approx(days)


@pytest.mark.parametrize("kind", ["topped up", "fortnight payroll"])
def test_one_who_knows_the_future_is_never_late_and_never_wrong(kind: str) -> None:
    for seed in range(4):
        one = issuer(kind, seed)

        def knows(tick: int, package: int, limit: float, one: Issuer = one) -> bool:
            zero = one.zero(package)
            return zero is not None and one.at(zero) - one.at(tick) <= limit

        found = score(one, knows)
        assert found.false_alarms == 0
        assert found.exhaustions
        for exhaustion in found.exhaustions:
            assert exhaustion.warning == exhaustion.stood
            assert exhaustion.warning >= 5.5 or "days only" in exhaustion.cause or not exhaustion.missed
            assert exhaustion.critical <= 3.0 or exhaustion.warning < 10


def test_one_who_always_warns_has_false_alarms_and_one_who_never_does_has_misses() -> None:
    one = issuer("topped up", 2)
    always, never = score(one, lambda *_: True), score(one, lambda *_: False)
    assert always.false_alarms > 0
    assert not any(exhaustion.missed and exhaustion.counts for exhaustion in always.exhaustions)
    assert never.false_alarms == 0
    assert all(exhaustion.missed and exhaustion.cause for exhaustion in never.exhaustions)
    assert len(always.exhaustions) == len(never.exhaustions) > 0


def test_a_warning_that_went_away_is_told_from_one_that_stood() -> None:
    one = issuer("steady retail", 4)

    def briefly(tick: int, package: int, limit: float) -> bool:
        zero = one.zero(package)
        return zero is not None and 18 * TICKS < zero - tick <= 20 * TICKS

    found = score(one, briefly).exhaustions
    assert found
    assert all(exhaustion.withdrawn for exhaustion in found if exhaustion.warning > 3)


@pytest.mark.slow
async def test_history_is_thinned_as_the_store_does_it(tmp_path: Path) -> None:
    one = issuer("growing", 5)
    key = ("norte", "EKU9003173C9")
    last = 150 * TICKS + 17
    store = Store(f"sqlite:///{tmp_path / 'timbres.db'}")
    await store.open()
    try:
        before = None
        for tick in sorted(set(one.polled[: last + 1])):
            bought = sum(stamps for when, stamps in one.packages if when <= tick)
            used = one.used[tick] - one.used[0]
            if (bought, used) != before:
                reading = Reading(float(one.at(tick)), bought, used, bought - used, "200")
                assert await store.write({key: Kept(reading.at, reading, used)}, reading.at)
            before = bought, used
        await store.thin(float(one.at(last)), 400 * 86400.0)
        points = await store.history(key, 0.0)
    finally:
        await store.close()
    assert [(point.at, point.consumed) for point in points] == one.history(last)
    assert len(points) > 400


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "seed", "day"), [("topped up", 1, 40), ("gaps in polls", 4, 0), ("sleepy", 3, 60)]
)
async def test_a_real_prometheus_computes_the_same(tmp_path: Path, kind: str, seed: int, day: int) -> None:
    one = issuer(kind, seed)
    samples = Samples(one)
    package = len(one.packages) - 1
    ticks = range(day * TICKS, (day + 14) * TICKS)
    # A window that is full from the first sample asked about, and one that still fills.
    asked = range(ticks.start + 7 * TICKS if day else 1, ticks.stop, 41)
    lines = ["# TYPE timbres_available gauge"]
    fresh = [tick for tick in ticks if one.is_fresh(tick)]
    lines += [f"timbres_available {one.available(tick, package)} {one.at(tick)}" for tick in fresh]
    lines += ["# TYPE timbres_consumed counter"]
    lines += [
        f"timbres_consumed_total {one.used[one.polled[tick]] - one.used[0]} {one.at(tick)}" for tick in ticks
    ]
    (tmp_path / "samples").write_text("\n".join([*lines, "# EOF", ""]))
    create = [program("promtool", "prometheus"), "tsdb", "create-blocks-from", "openmetrics"]
    subprocess.run(
        [*create, str(tmp_path / "samples"), str(tmp_path / "data")],
        check=True,
        capture_output=True,
    )
    compared: Counter[str] = Counter()
    async with scraping(tmp_path, []) as prometheus, aiohttp.ClientSession() as http:

        async def ask(expression: str, tick: int) -> float | None:
            data = {"query": expression, "time": str(one.at(tick))}
            async with http.post(f"{prometheus.address}/api/v1/query", data=data) as response:
                found = (await response.json())["data"]["result"]
            return float(found[0]["value"][1]) if found else None

        for tick in asked:
            for name, expression, mine in (
                ("line 10", "predict_linear(A[7d], 864000)", samples.predict_linear(tick, package, WARNING)),
                ("line 3", "predict_linear(A[7d], 259200)", samples.predict_linear(tick, package, CRITICAL)),
                ("rate", "A / rate(timbres_consumed_total[7d])", samples.by_rate(tick, package)),
            ):
                theirs = await ask(expression.replace("A", "timbres_available"), tick)
                if theirs is None or not math.isfinite(theirs):
                    assert mine is None, (expression, tick)
                else:
                    assert mine == pytest.approx(theirs, rel=1e-9, abs=1e-6), (expression, tick)
                    compared[name] += 1
    # Half of the time at the least: where nothing was used, there is no rate.
    assert min(compared[name] for name in ("line 10", "line 3", "rate")) > len(asked) * 0.5


def test_an_alarm_needs_fresh_numbers() -> None:
    one = issuer("gaps in polls", 4)
    samples = Samples(one)
    stale = [tick for tick in range(DAYS * TICKS) if not one.is_fresh(tick)]
    assert stale
    assert not any(samples.watch_by_rate(tick, 0, math.inf) for tick in stale)
    assert not any(samples.watch_predict_linear(tick, 0, 1e12) for tick in stale)
