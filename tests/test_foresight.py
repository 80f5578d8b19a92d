"""Forecasts are there from the first scrape on, are renewed when they are wrong, and hold nothing up."""

import asyncio
import gc
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from structlog.testing import capture_logs

from monitor.alerts import Level, level
from monitor.app import Monitor
from monitor.config import Limits, Target, Thresholds, load
from monitor.foresight import AGAIN, EVERY, FEW, TOGETHER, Foresight
from monitor.model import Forecast, Kept, Key, Reading
from monitor.slices import SLICE
from monitor.state import Row, State
from monitor.store import Point, Store, peek
from tests import version2, watching
from tests.clock import Clock
from tests.issuers import rfcs
from tests.remembering import points, remember, started
from tests.service import Exposition
from tests.watching import EPOCH, account, ask, write

ZONE = ZoneInfo("America/Mexico_City")
DAY = 86400.0
RFC, OTHER = "EKU9003173C9", "H&E951128469"
LIMITS = Thresholds(Limits(50, None, 10.0), Limits(10, None, 3.0))


def target(rfc: str = RFC) -> Target:
    return Target("norte", rfc, "", 900.0, LIMITS, None)


def reading(available: int, at: float = EPOCH) -> Reading:
    return Reading(at, 1000, 1000 - available, available, "200")


class Watch:
    """A state with its foresight, on a clock of its own."""

    def __init__(self, *targets: Target) -> None:
        self.clock = Clock(0.0)
        self.past: Any = points()
        self.asked: list[Key] = []
        self.together: list[int] = []  # so many were asked about each time
        self.state = State()
        self.state.apply(targets, {"norte": ""})
        self.foresight = Foresight(self.state, self._histories, self.clock, lambda: EPOCH + self.clock.now)

    async def _histories(self, keys: Mapping[Key, str], _since: float) -> dict[Key, Sequence[Point]]:
        self.asked += keys
        self.together.append(len(list(keys)))
        past = self.past if isinstance(self.past, dict) else {key[1]: self.past for key in keys}
        return {key: past[key[1]] for key in keys if key[1] in past}

    def read(self, available: int, rfc: str = RFC) -> None:
        """A poll gives so many stamps."""
        change = self.state.record(target(rfc), reading(available, EPOCH + self.clock.now))
        assert change is not None
        self.foresight.observe(change[1])

    async def later(self, seconds: float = 0.0) -> list[Key]:
        """Look at what is due after so long: what was forecast."""
        self.clock.now += seconds
        self.asked.clear()
        await self.foresight.renew(ZONE)
        return list(self.asked)

    def time_left(self, rfc: str = RFC) -> float:
        row = self.state.row(("norte", rfc))
        assert row is not None
        assert row.forecast is not None
        assert row.forecast.time_left is not None
        return row.forecast.time_left


@pytest.fixture
def watch() -> Iterator[Watch]:
    made = Watch(target(), target(OTHER))
    yield made
    made.foresight.close()


# When


async def test_a_target_is_forecast_once_it_has_a_reading_and_then_hourly(watch: Watch) -> None:
    assert await watch.later() == []
    watch.read(600)
    assert await watch.later() == [("norte", RFC)]
    assert 50 * DAY < watch.time_left() < 70 * DAY
    row = watch.state.row(("norte", RFC))
    assert row is not None
    assert (list(row.daily[-4:-1]), row.forecast and row.forecast.at) == ([10, 10, 10], EPOCH)
    assert await watch.later(EVERY - 1) == []
    assert await watch.later(1) == [("norte", RFC)]


@pytest.mark.parametrize("available", [2000, 100])
async def test_after_a_purchase_or_a_rush_nobody_waits_an_hour_for_the_truth(
    watch: Watch, available: int
) -> None:
    watch.read(600)
    await watch.later()
    before = watch.time_left()
    watch.read(available)
    assert await watch.later(AGAIN - 1) == []  # however often that happens
    assert await watch.later(1) == [("norte", RFC)]
    assert (watch.time_left() > before) == (available > 600)
    assert await watch.later(AGAIN) == []


async def test_what_is_used_day_by_day_changes_nothing_before_its_hour(watch: Watch) -> None:
    watch.read(600)
    await watch.later()
    watch.read(545)
    assert await watch.later(EVERY - 1) == []


async def test_stamps_after_none_were_left_are_much(watch: Watch) -> None:
    watch.read(0)
    await watch.later()
    assert watch.time_left() == 0
    watch.read(5)
    assert await watch.later(AGAIN) == [("norte", RFC)]
    assert watch.time_left() > 0


# What is in the way


async def test_a_history_that_cannot_be_read_now_is_no_reason_to_say_nothing(watch: Watch) -> None:
    watch.read(600)
    await watch.later()
    said = watch.time_left()
    watch.past = []
    assert await watch.later(EVERY) == [("norte", RFC)]
    assert watch.time_left() == said
    watch.past = points(daily=20)
    assert await watch.later(AGAIN) == [("norte", RFC)]
    assert watch.time_left() < said


async def test_a_fault_of_ours_in_one_forecast_leaves_the_others_alone(watch: Watch) -> None:
    odd = [Point(EPOCH - 9 * DAY, 1, 1, 1, 1), Point(EPOCH - DAY, 1, 1, 1, "hunter2")]  # type: ignore[arg-type]
    watch.past = {RFC: odd, OTHER: points()}
    watch.read(600)
    watch.read(600, OTHER)
    with capture_logs() as logs:
        await watch.later()
    assert watch.time_left(OTHER) > 0
    (line,) = logs
    assert (line["event"], line["target"]) == ("internal error in a forecast", ("norte", RFC))
    assert "hunter2" not in str(line)


async def test_what_is_no_longer_configured_is_forgotten(watch: Watch) -> None:
    watch.read(600)
    await watch.later()
    watch.read(60)
    watch.state.apply([target(OTHER)], {"norte": ""})
    watch.foresight.forget([("norte", RFC)])
    assert await watch.later(EVERY) == []
    watch.state.apply([target(), target(OTHER)], {"norte": ""})
    watch.read(60)
    assert await watch.later() == [("norte", RFC)]


async def test_thousands_are_looked_through_in_slices() -> None:
    targets = [target(f"{number}") for number in range(10 * SLICE)]
    watch = Watch(*targets)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    task = asyncio.create_task(others())
    assert await watch.later() == []
    assert turns >= 9
    task.cancel()
    watch.foresight.close()


async def test_histories_are_read_and_forecasts_made_many_at_a_time() -> None:
    targets = [target(f"{number}") for number in range(2 * TOGETHER + 20)]
    watch = Watch(*targets)
    for one in targets:
        watch.read(600, one.rfc)
    assert await watch.later() == [one.key for one in targets]
    assert watch.together == [TOGETHER, TOGETHER, 20]
    assert all(watch.time_left(one.rfc) > 0 for one in targets)
    watch.foresight.close()


async def test_rows_that_polls_have_replaced_are_let_go_while_forecasts_are_made() -> None:
    targets = [target(f"{number}") for number in range(2 * TOGETHER)]
    watch = Watch(*targets)
    kept: list[int] = []
    histories = watch._histories

    async def meanwhile(keys: Mapping[Key, str], since: float) -> dict[Key, Sequence[Point]]:
        for one in targets:
            watch.read(600, one.rfc)
        configured = {id(one) for one in targets}
        kept.append(sum(type(it) is Row and id(it.target) in configured for it in gc.get_objects()))
        return await histories(keys, since)

    for one in targets:
        watch.state.record(one, reading(600))
    watch.foresight = Foresight(watch.state, meanwhile, watch.clock, lambda: EPOCH)
    await watch.later()
    assert kept == [len(targets)] * 2
    watch.foresight.close()


# After a restart


async def test_the_first_scrape_after_a_restart_has_the_forecasts_of_the_process_before(
    tmp_path: Path,
) -> None:
    told = list(islice(rfcs(), FEW + 1))
    now = reading(600, EPOCH - 60)
    kept = {
        ("norte", told[0]): Kept(EPOCH - 60, now, 400, Forecast(EPOCH - 90, 12345.25, 77)),
        ("norte", told[1]): Kept(EPOCH - 60, now, 400, Forecast(EPOCH - 90, None, None)),
        ("norte", told[2]): Kept(EPOCH - 60, now, 400),
        ("norte", told[3]): Kept(EPOCH - 60, reading(600, EPOCH - 2 * DAY), 1, Forecast(EPOCH, 5.0, 5)),
    }
    async with started(tmp_path, told, kept, {}) as watched:
        scrape = await watched.metrics()
    assert scrape.all("timbres_time_left_seconds", account="norte") == {told[0]: 12345.25}
    assert scrape.all("timbres_peak_day", account="norte") == {told[0]: 77}


async def test_a_scrape_in_the_middle_of_a_start_waits_for_what_was_stored(tmp_path: Path) -> None:
    path, clock = tmp_path / "config.yaml", watching.Clock()
    write(path, account("http://127.0.0.1:9/x", RFC))
    stored = Kept(EPOCH - 60, reading(600, EPOCH - 60), 400, Forecast(EPOCH - 90, 12345.25, 77))
    await remember(path, {("norte", RFC): stored}, {})
    monitor = Monitor(load(path), clock=clock, wall=clock.wall)
    starting = asyncio.create_task(monitor.__aenter__())
    async with asyncio.timeout(20):
        while not monitor.address:
            await asyncio.sleep(0)
    assert not starting.done()
    async with aiohttp.ClientSession() as http:
        page = await ask(http, f"{monitor.address}/metrics")
    await starting
    await monitor.__aexit__(None, None, None)
    assert Exposition(page.text)("timbres_available", account="norte", rfc=RFC) == 600


def test_a_stored_forecast_counts_for_whoever_reads_the_database_beside_the_service() -> None:
    for days, expected in ((2, Level.CRITICAL), (9, Level.WARNING), (30, Level.OK)):
        state = State()
        state.restore({("norte", RFC): Kept(EPOCH, reading(600), 400, Forecast(EPOCH, days * DAY, 5))})
        state.apply([target()], {"norte": ""})
        (row,) = state.rows()
        assert level(row, EPOCH + 1, DAY, held=False) == expected


async def test_where_there_are_few_the_first_scrape_has_forecasts_that_nobody_stored(tmp_path: Path) -> None:
    changes = points()
    last = changes[-1]
    kept = {("norte", RFC): Kept(last.at, reading(600, last.at), last.consumed)}
    async with started(tmp_path, [RFC, OTHER], kept, {("norte", RFC): changes}) as watched:
        scrape = await watched.metrics()
        daily = {row.target.rfc: list(row.daily) for row in watched.monitor.snapshot().rows}
    assert scrape("timbres_peak_day", account="norte", rfc=RFC) == 10
    left = scrape("timbres_time_left_seconds", account="norte", rfc=RFC)
    assert left is not None
    assert 50 * DAY < left < 70 * DAY
    assert scrape("timbres_time_left_seconds", account="norte", rfc=OTHER) is None
    assert sum(daily[RFC]) == 350
    assert daily[OTHER] == []


async def test_a_forecast_is_stored_soon_after_it_is_made(tmp_path: Path) -> None:
    changes = points()
    last = changes[-1]
    kept = {("norte", RFC): Kept(last.at, reading(600, last.at), last.consumed)}
    async with started(tmp_path, [RFC], kept, {("norte", RFC): changes}) as watched:
        (row,) = watched.monitor.snapshot().rows
        url = watched.monitor.config.state.url

        async def stored() -> Forecast | None:
            return (await peek(url)).kept["norte", RFC].forecast

        async with asyncio.timeout(20):
            while (found := await stored()) is None:
                await asyncio.sleep(0.05)
    assert row.forecast is not None
    assert found == Forecast(EPOCH, row.forecast.time_left, row.forecast.peak_day)


async def test_an_account_that_moves_to_another_endpoint_takes_no_forecast_along(watch: Watch) -> None:
    watch.read(600)
    await watch.later()
    watch.state.apply([target(), target(OTHER)], {"norte": "elsewhere"})
    row = watch.state.row(("norte", RFC))
    assert row is not None
    assert (row.forecast, list(row.daily)) == (None, [])
    watch.read(600)
    assert await watch.later(AGAIN) == [("norte", RFC)]


async def test_a_database_of_before_there_were_stored_forecasts_becomes_a_current_one(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    write(path, account("http://127.0.0.1:9/x", RFC))
    changes, key = points(), ("norte", RFC)
    kept = Kept(EPOCH, reading(600), 400)
    past = [(1, int(p.at), p.contracted, p.used, p.available, p.consumed) for p in changes]
    version2.create(tmp_path / "timbres.db", [(1, *key, EPOCH, EPOCH, 1000, 400, 600, "200", 400)], past)
    version2.make_version_1(tmp_path / "timbres.db")
    store = Store(load(path).state.url)
    assert (await store.open()).kept == {key: kept}
    assert len(await store.history(key, 0.0)) >= len(changes)
    now = Kept(EPOCH, reading(600), 400, Forecast(EPOCH, 1.5, 2))
    assert await store.write({key: now}, EPOCH)
    await store.close()
    assert (await peek(load(path).state.url)).kept == {key: now}
