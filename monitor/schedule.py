"""When each target is due: a queue by monotonic time, drained by one APScheduler job.

A job a target would cost more than the poll itself. All periodic work is APScheduler's; its
triggers follow the wall clock, so one watchdog on the monotonic clock notices when that steps.
"""

import asyncio
import heapq
import math
import random
import time
import zlib
from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from monitor.config import Target
from monitor.log import where
from monitor.model import FAIR_USE, Failure, Key, Outcome, Reason

log = structlog.get_logger()

SLOT = 0.1  # seconds: due polls are released together this often, which saves half their cost
CHUNK = 32  # released before the event loop gets to do something else
FIRST = 120.0  # seconds within which a target that was never tried gets its first poll
OVERDUE = 300.0  # the same for one whose time has passed
BACK_OFF = 30.0  # seconds until the next turn after the PAC was unavailable, doubling
STRETCH_MOST = 16  # times the interval, after the PAC's limit of fair use
STRETCHED_MOST = 6 * 3600.0  # seconds
STEP = 2.0  # seconds between wall and monotonic clock that count as a step

Turn = Callable[[Target, float], Awaitable[Outcome]]


class Entry:
    """The place of one target in the queue."""

    __slots__ = ("asked", "attempted", "due", "failures", "stretch", "target")

    def __init__(self, target: Target) -> None:
        self.target = target
        self.due = 0.0  # monotonic
        self.attempted: float | None = None  # monotonic
        self.asked = math.inf  # monotonic: the next turn asked for while one is under way
        self.failures = 0  # turns in a row that ask for an early next one
        self.stretch = 1

    def delay(self, outcome: Outcome) -> float:
        """Seconds until the next turn, and what to remember for the one after."""
        interval = self.target.interval
        early = isinstance(outcome, Failure) and outcome.reason in (Reason.UNAVAILABLE, Reason.BUSY)
        self.failures = self.failures + 1 if early else 0
        if outcome.code == FAIR_USE:
            self.stretch = min(2 * self.stretch, STRETCH_MOST)
        elif not isinstance(outcome, Failure):
            self.stretch = max(1, self.stretch // 2)
        regular = max(interval, min(interval * self.stretch, STRETCHED_MOST))
        if not isinstance(outcome, Failure) or outcome.code == FAIR_USE:
            return regular
        if early:
            back_off = BACK_OFF * 2.0 ** min(self.failures - 1, 20) * random.uniform(0.8, 1.2)
            return max(min(back_off, regular), outcome.retry_after or 0.0)
        if outcome.retry_after is not None:  # held, for a known while
            return min(outcome.retry_after * random.uniform(1.0, 1.2) + SLOT, regular)
        return regular


def share(key: Key) -> float:
    """The stable place of a target in any spread, in [0, 1)."""
    return zlib.crc32("\0".join(key).encode()) / 2**32


class Every(BaseTrigger):  # type: ignore[misc]  # apscheduler has no types
    """Fires so often, counted from now.

    APScheduler's own IntervalTrigger walks through every missed time: a clock that steps from
    1970 to today would keep it busy for hours.
    """

    def __init__(self, seconds: float) -> None:
        self._interval = timedelta(seconds=seconds)

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        return now + self._interval


class Schedule:
    """Calls `turn(target, due)` for each target when it is due, never twice at once."""

    def __init__(
        self,
        turn: Turn,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._turn = turn
        self._clock = clock
        self._wall = wall
        self._entries: dict[Key, Entry] = {}
        self._running: dict[Key, Entry] = {}  # with a turn under way, configured or not
        self._queue: list[tuple[float, int, Entry]] = []  # an item counts while its due is the entry's
        self._count = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._watchdog: asyncio.Task[None] | None = None
        self._jobs = AsyncIOScheduler(timezone=UTC)

    def apply(self, targets: Iterable[Target], age: Callable[[Key], float | None] = lambda _: None) -> None:
        """Take over a configuration as a set difference: what is unchanged keeps its turn.

        `age`: the seconds since the last attempt of a target that is new here, if there was one.
        """
        now = self._clock()
        before, self._entries = self._entries, {}
        overdue: list[Entry] = []
        for target in targets:
            # One removed and added again during its turn is the same one: no second turn at once.
            entry = before.get(target.key) or self._running.get(target.key)
            if entry is None:
                entry = Entry(target)
                if (seconds := age(target.key)) is not None:
                    entry.attempted = now - max(0.0, seconds)
                changed = True
            else:
                changed = entry.target.interval != target.interval
                entry.target = target
            self._entries[target.key] = entry
            if changed and entry.attempted is None:
                self._put(entry, now + share(target.key) * min(target.interval, FIRST))
            elif changed and entry.attempted is not None:
                # Due at the last attempt plus the interval.
                entry.due = entry.attempted + target.interval
                if entry.due < now:
                    overdue.append(entry)
                else:
                    self._put(entry, entry.due)
        self._spread(overdue, now)

    def hasten(self, accounts: Collection[str]) -> None:
        """The credentials of these accounts changed: their targets need not wait out their intervals."""
        now = self._clock()
        for entry in self._entries.values():
            if entry.target.account in accounts:
                due = now + share(entry.target.key) * min(entry.target.interval, FIRST)
                if due < entry.due or entry.target.key in self._running:
                    self._put(entry, due)

    def lead(self, accounts: Collection[str], key: Key) -> None:
        """Of these accounts, `key` goes first."""
        first = min((e.due for e in self._entries.values() if e.target.account in accounts), default=0.0)
        entry = self._entries[key]
        if first < entry.due:
            self._put(entry, max(self._clock(), first - SLOT))

    def ask(self, key: Key) -> asyncio.Task[None] | None:
        """Begin the turn of a target now, unless it is under way or backs off; `None` if so."""
        entry = self._entries.get(key)
        if entry is None or key in self._running or entry.failures or entry.stretch > 1:
            return None
        entry.due = self._clock()
        return self._begin(entry)

    def next_due(self, key: Key) -> float | None:
        """Seconds until the next turn, or `None` while one is under way."""
        return None if key in self._running else max(0.0, self._entries[key].due - self._clock())

    def start(self) -> None:
        """Begin. Needs a running event loop."""
        self.every(SLOT, self.release)
        self._jobs.start()
        self._watchdog = asyncio.create_task(self._watch(), name="clock watchdog")

    async def stop(self, spare: Collection[asyncio.Task[Any]], grace: float) -> None:
        """No new turns. Those in `spare` have `grace` seconds to end, the others none."""
        if self._watchdog is not None:
            self._watchdog.cancel()
        if self._jobs.running:
            self._jobs.shutdown(wait=False)
        for task in self._tasks - set(spare):
            task.cancel()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        """Have `work` done every so often, one at a time, late rather than never."""
        self._jobs.add_job(work, Every(seconds), coalesce=True, max_instances=1, misfire_grace_time=None)

    def _put(self, entry: Entry, due: float) -> None:
        if entry.target.key in self._running:
            entry.asked = due
            return
        entry.due = due
        self._count += 1
        heapq.heappush(self._queue, (due, self._count, entry))

    def _spread(self, overdue: list[Entry], now: float) -> None:
        """Those whose time has passed, over a while, oldest first: each has a slot of its own."""
        overdue.sort(key=lambda entry: entry.due)
        for place, entry in enumerate(overdue):
            slot = (place + share(entry.target.key)) / len(overdue)
            self._put(entry, now + slot * min(entry.target.interval, OVERDUE))

    async def release(self) -> None:
        """Begin the turns that are due."""
        released = 0
        while self._queue and self._queue[0][0] <= self._clock():
            due, _, entry = heapq.heappop(self._queue)
            if entry.due != due or self._entries.get(entry.target.key) is not entry:
                continue
            self._begin(entry)
            released += 1
            if released % CHUNK == 0:
                await asyncio.sleep(0)

    def _begin(self, entry: Entry) -> asyncio.Task[None]:
        self._running[entry.target.key] = entry
        task = asyncio.create_task(self._run(entry))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(self, entry: Entry) -> None:
        key = entry.target.key
        delay = entry.target.interval
        try:
            delay = entry.delay(await self._turn(entry.target, entry.due))
        except Exception as error:  # noqa: BLE001  # it must not end the target's turns
            log.error("internal error in a poll", target=key, error=where(error))
        finally:
            del self._running[key]
            entry.attempted = self._clock()
            asked, entry.asked = max(entry.asked, entry.attempted), math.inf
            self._put(entry, min(entry.attempted + delay, asked))

    async def _watch(self) -> None:
        """An hour back would silence APScheduler for an hour: have its jobs run at once."""
        offset = self._wall() - self._clock()
        while True:
            await asyncio.sleep(1.0)
            now = self._wall() - self._clock()
            if abs(now - offset) > STEP:
                log.warning("the wall clock stepped", seconds=round(now - offset, 1))
                for job in self._jobs.get_jobs():
                    job.modify(next_run_time=datetime.now(UTC) + timedelta(seconds=SLOT))
            offset = now
