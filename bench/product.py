"""The monitor as `timbres-monitor run` has it, and questions about it from standard input.

`python -m bench.product CONFIG [--speed FACTOR] [--no-forecasts]`. It prints its address, then one line of
JSON for each line of:

    status      calls in flight, their limit, tasks beside turns, RFCs, those that have been forecast, and
                the histogram of lateness
    stall       begin to watch the event loop; asked again: the longest time that it was away
    turn N      new numbers for the next N RFCs in the order of the schedule
    profile S   S seconds of its main thread: functions by own time
    page N      the same for N pages, each after a fifth of the RFCs has changed
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import monitor.app
from bench.sampling import Sampler
from monitor.app import Monitor
from monitor.config import Target, load
from monitor.interpreter import loading, tune
from monitor.log import Format, configure
from monitor.model import Reading
from monitor.state import BATCH

BEAT = 0.002  # seconds


class Heart:
    """How long the event loop was away. Beats only between two questions, as it costs a little."""

    def __init__(self) -> None:
        self._longest = 0.0
        self._expected = 0.0
        self._next: asyncio.TimerHandle | None = None

    def longest(self) -> float:
        """Seconds since the call before, if that began to measure; else this one does."""
        if self._next is None:
            self._longest, self._expected = 0.0, asyncio.get_running_loop().time()
            self._beat()
            return 0.0
        self._next.cancel()
        self._next = None
        return max(self._longest, asyncio.get_running_loop().time() - self._expected)

    def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        self._longest = max(self._longest, loop.time() - self._expected)
        self._expected = loop.time() + BEAT
        self._next = loop.call_at(self._expected, self._beat)


class Answers:
    """What the benchmark wants to know or done."""

    def __init__(self, watched: Monitor) -> None:
        self._monitor = watched
        self._core = watched._core
        self._heart = Heart()
        self._order: Iterator[Target] | None = None

    async def answer(self, question: str) -> object:
        word, _, number = question.partition(" ")
        return await getattr(self, f"on_{word}")(float(number or 0))

    async def on_status(self, _: float) -> object:
        endpoints = [limit.status() for limit in self._core._limits.values()]
        lag = self._monitor.metrics._lag.collect()
        return {
            "in_flight": sum(one.in_flight for one in endpoints),
            "limit": sum(one.limit for one in endpoints),
            "tasks": len(asyncio.all_tasks()) - len(self._monitor._schedule._running),
            "rows": len(self._core.state.rows()),
            "forecasts": len(self._core.foresight._made),
            "lag": {s.labels.get("le", s.name): s.value for metric in lag for s in metric.samples},
        }

    async def on_stall(self, _: float) -> object:
        return {"seconds": self._heart.longest()}

    async def on_turn(self, number: float) -> object:
        """Record and commit, as polls and the flush a second after them would."""
        state = self._core.state
        if self._order is None:
            entries = sorted(self._monitor._schedule._entries.values(), key=lambda entry: entry.due)
            self._order = cycle([entry.target for entry in entries])
        for changed, target in enumerate(islice(self._order, int(number))):
            row = state.row(target.key)
            used = (row.reading.used or 0) + 1 if row is not None and row.reading is not None else 1
            self._core.keep(target, Reading(time.time(), 1000, used, max(0, 1000 - used), "200"))
            if changed % 100 == 0:
                await asyncio.sleep(0)
            if changed % BATCH == 0:  # 333 a second never wait for more than that
                await self._core.flush()
        await self._core.flush()
        return {"changed": number}

    async def on_profile(self, seconds: float) -> object:
        with Sampler() as sampler:
            await asyncio.sleep(seconds)
        return sampler.summary()

    async def on_page(self, times: float) -> object:
        with Sampler() as sampler:
            for _ in range(int(times)):
                sampler.pause()
                await self.on_turn(len(self._core.state.rows()) // 5)
                sampler.go_on()
                self._monitor.metrics.page(self._core.snapshot(), as_openmetrics=False, compressed=True)
        return sampler.summary()


def say(answer: object) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("config", type=Path)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--no-forecasts", action="store_true")
    told = parser.parse_args()
    tune()
    loading()
    configure(Format.TEXT)
    if told.no_forecasts:
        monitor.app.FORESEE = 86400.0
    began, epoch, speed = time.monotonic(), time.time(), told.speed

    def clock() -> float:
        return began + (time.monotonic() - began) * speed

    def wall() -> float:
        return epoch + (time.monotonic() - began) * speed

    loop = asyncio.get_running_loop()
    questions = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(questions), sys.stdin)
    clocks = {} if speed == 1.0 else {"clock": clock, "wall": wall}
    async with Monitor(load(told.config), **clocks) as watched:
        say({"address": watched.address})
        answers = Answers(watched)
        async for line in questions:
            say(await answers.answer(line.decode().strip()))


if __name__ == "__main__":
    asyncio.run(main())
