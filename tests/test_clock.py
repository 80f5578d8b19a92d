"""The wall clock may jump: polls go on, and the log tells."""

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from structlog.testing import capture_logs

from monitor.config import Target
from monitor.model import Outcome, Reading
from monitor.schedule import Every, Schedule
from monitor.simulator import Account, Issuer, Pac
from tests.issuers import write
from tests.program import program
from tests.service import Service, running

YEAR = 365 * 86400.0
RFC = "EKU9003173C9"


class Wall:
    """The wall clock that the service sees, so many seconds from the true one."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.offset = 0.0
        self.set(0.0)

    def set(self, offset: float) -> None:
        self.offset = offset
        new = self.file.with_suffix(".new")
        new.write_text(f"{offset:+.0f}\n")
        new.replace(self.file)  # it is read at every look at the clock: never half-written

    @property
    def env(self) -> dict[str, str]:
        return {
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


def faketime() -> tuple[str, ...]:
    """The command before ours that has the clock faked."""
    program("faketime", "faketime")
    libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not libraries:
        pytest.fail("libfaketimeMT.so.1 is missing: apt-get install faketime (Debian package libfaketime)")
    return ("env", f"LD_PRELOAD={libraries[0]}")


async def last_success(service: Service) -> float:
    value = (await service.metrics())("timbres_last_success_timestamp_seconds", account="norte", rfc=RFC)
    assert value is not None
    return value


@pytest.mark.slow
async def test_polls_go_on_when_the_wall_clock_steps_back_and_forward(tmp_path: Path) -> None:
    wall = Wall(tmp_path / "offset")
    pac = Pac([Account("ws@norte.example", "s3creto", {RFC: Issuer(1_000, 40)})])
    async with pac.serve() as url:
        config = write(
            tmp_path / "config.yaml",
            {
                "web": {"listen": "127.0.0.1:0"},
                "poll": {"interval": "1s", "timeout": "5s"},
                "accounts": [
                    {
                        "name": "norte",
                        "endpoint": url,
                        "username": "ws@norte.example",
                        "password": {"env": "TIMBRES_TEST_PASSWORD"},
                        "rfcs": [RFC],
                    }
                ],
            },
        )
        async with running(
            config, env={**wall.env, "TIMBRES_TEST_PASSWORD": "s3creto"}, wrapper=faketime()
        ) as service:
            await polled(pac, 2, seconds=20)
            assert abs(await last_success(service) - time.time()) < 10

            for offset in (-3600.0, 0.0, YEAR, 0.0):  # an hour back, an hour forward, a year ahead
                step = offset - wall.offset
                told = len(service.log)
                wall.set(offset)
                # An interval is a second and the watchdog looks once a second.
                await polled(pac, 2, seconds=6)
                assert abs(await last_success(service) - (time.time() + offset)) < 10
                await until(lambda told=told: len(service.log) > told, seconds=5)
                (line,) = service.log[told:]
                assert "the wall clock stepped" in line
                seconds = re.search(r"seconds=(-?[0-9.]+)", line)
                assert seconds is not None, line
                assert abs(float(seconds[1]) - step) <= 2, line

            # Nobody polls more often for it: a poll a second, whatever the clock says.
            calls, start = pac.calls[RFC], time.monotonic()
            await polled(pac, 3, seconds=6)
            assert pac.calls[RFC] - calls <= time.monotonic() - start + 2
            assert await service.stop() == 0
    assert pac.most_at_once == 1


async def polled(pac: Pac, times: int, *, seconds: float) -> None:
    wanted = pac.calls[RFC] + times
    await until(lambda: pac.calls[RFC] >= wanted, seconds=seconds)


async def until(condition, *, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("years", [50, -50])
def test_after_a_step_the_next_run_is_one_interval_from_now(years: int) -> None:
    now = datetime.now(UTC)
    before = now - timedelta(days=365 * years)
    assert Every(0.1).get_next_fire_time(before, now) == now + timedelta(seconds=0.1)


def test_the_first_run_is_one_interval_from_now() -> None:
    now = datetime.now(UTC)
    assert Every(90).get_next_fire_time(None, now) == now + timedelta(seconds=90)


async def test_fifty_years_of_missed_runs_are_one_run() -> None:
    jobs = AsyncIOScheduler(timezone=UTC)
    ran: list[float] = []

    async def work() -> None:
        ran.append(time.monotonic())

    missed = datetime.now(UTC) - timedelta(days=50 * 365)
    job = jobs.add_job(
        work, Every(60), next_run_time=missed, coalesce=True, max_instances=1, misfire_grace_time=None
    )
    start = time.monotonic()
    jobs.start()
    try:
        await until(lambda: ran, seconds=5)
        # Walking through 26 million missed minutes would take much longer.
        assert ran[0] - start < 2
        left = job.next_run_time - datetime.now(UTC)
        assert timedelta(seconds=50) < left <= timedelta(seconds=60)
        assert len(ran) == 1
    finally:
        jobs.shutdown(wait=False)


async def test_the_watchdog_tells_of_a_step_once_and_of_its_size() -> None:
    offset, looks = 0.0, 0

    def wall() -> float:
        nonlocal looks
        looks += 1
        return time.time() + offset

    async def turn(_target: Target, _due: float) -> Outcome:
        return Reading(0.0, 1, 0, 1, "200")

    schedule = Schedule(turn, wall=wall)
    with capture_logs() as lines:
        schedule.start()
        await until(lambda: looks == 1, seconds=5)
        offset = 3600.0
        await until(lambda: looks == 2, seconds=5)
        offset += 1.0  # no step: clocks are set right by as much
        await until(lambda: looks == 3, seconds=5)
        await schedule.stop((), 0.0)
    (line,) = lines
    assert line["event"] == "the wall clock stepped"
    assert abs(line["seconds"] - 3600) < 1
