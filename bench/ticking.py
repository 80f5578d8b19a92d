"""Turns that do nothing, released by the monitor's schedule or by a job of APScheduler each.

`python -m bench.ticking ours|jobs COUNT INTERVAL`; each line of standard input asks for the turns so far.
"""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from itertools import islice

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bench.place import ACCOUNT, rfcs
from bench.product import say
from monitor.config import Target
from monitor.config.target import DEFAULTS
from monitor.model import Outcome, Reading
from monitor.schedule import Schedule

READING = Reading(0.0, 1000, 400, 600, "200")


async def main() -> None:
    way, count, interval = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    targets = [Target(ACCOUNT, rfc, "", interval, DEFAULTS, None) for rfc in islice(rfcs(), count)]
    turns = 0

    async def turn(_target: Target, _due: float) -> Outcome:
        nonlocal turns
        turns += 1
        return READING

    if way == "ours":
        schedule = Schedule(turn)
        await schedule.apply(targets)
        schedule.start()
    else:
        jobs = AsyncIOScheduler(timezone=UTC)
        begin = datetime.now(UTC) + timedelta(seconds=1 + count / 500)  # they take a while to add
        for number, target in enumerate(targets):
            first = begin + timedelta(seconds=interval * number / count)
            jobs.add_job(
                turn,
                "interval",
                (target, 0.0),
                seconds=interval,
                next_run_time=first,
                misfire_grace_time=None,
                coalesce=True,
            )
        jobs.start()
        await asyncio.sleep((begin - datetime.now(UTC)).total_seconds())
    questions = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(questions), sys.stdin)
    say({"targets": count})
    async for _ in questions:
        say({"turns": turns})


if __name__ == "__main__":
    asyncio.run(main())
