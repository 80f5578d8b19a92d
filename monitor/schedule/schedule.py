"""The queue by monotonic time, drained by one APScheduler job."""

import asyncio
import heapq
import math
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from monitor.config import Target
from monitor.log import where
from monitor.model import Key, Outcome, share
from monitor.schedule.entry import SLOT, Entry
from monitor.schedule.every import Every
from monitor.slices import slowly

log = structlog.get_logger()

CHUNK = 8  # released before the event loop gets to do something else
FIRST = 120.0  # seconds within which a target that was never tried gets its first poll
OVERDUE = 300.0  # the same for one whose time has passed
STEP = 2.0  # seconds between wall and monotonic clock that count as a step

Turn = Callable[[Target, float], Awaitable[Outcome]]


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
        # By due time in whole slots, and those in a heap: an item an entry would take 100 bytes more. An
        # entry may stand in several; it counts in that of its due.
        self._slots: dict[int, list[Entry]] = {}
        self._order: list[int] = []
        self._round = 0
        self._watchdog: asyncio.Task[None] | None = None
        self._applying = asyncio.Lock()
        self._jobs = AsyncIOScheduler(timezone=UTC)

    async def apply(
        self, targets: Iterable[Target], age: Callable[[Key], float | None] = lambda _: None
    ) -> None:
        """Take over a configuration as a set difference: what is unchanged keeps its turn.

        `age`: the seconds since the last attempt of a target that is new here, if there was one.
        """
        async with self._applying:
            now = self._clock()
            self._round += 1
            taken = [self._take(target, age, now) async for target in slowly(targets)]
            overdue = [entry for entry in taken if entry is not None]
            async for entry in slowly(list(self._entries.values())):
                if entry.round != self._round:
                    del self._entries[entry.target.key]
            # Those whose time has passed, over a while, oldest first: each has a slot of its own.
            overdue.sort(key=lambda entry: entry.due)
            async for place, entry in slowly(enumerate(overdue)):
                slot = (place + share(entry.target.key)) / len(overdue)
                self._put(entry, now + slot * min(entry.target.interval, OVERDUE))

    async def hasten(self, accounts: Collection[str]) -> None:
        """The credentials of these accounts changed: their targets need not wait out their intervals."""
        now = self._clock()
        async for entry in slowly(list(self._entries.values()) if accounts else ()):
            if entry.target.account in accounts:
                due = now + share(entry.target.key) * min(entry.target.interval, FIRST)
                if due < entry.due or entry.target.key in self._running:
                    self._put(entry, due)

    async def lead(self, leaders: Iterable[tuple[Collection[str], Key]]) -> None:
        """Of each of these sets of accounts, the target of that key goes first."""
        keys = {account: key for accounts, key in leaders for account in accounts}
        first: dict[Key, float] = {}
        async for entry in slowly(list(self._entries.values()) if keys else ()):
            key = keys.get(entry.target.account)
            if key is not None and entry.due < first.get(key, math.inf):
                first[key] = entry.due
        for key, due in first.items():
            leader = self._entries.get(key)  # none: it is about to be taken over, and led again then
            if leader is not None and due < leader.due:
                self._put(leader, max(self._clock(), due - SLOT))

    def ask(self, key: Key) -> asyncio.Task[None] | None:
        """Begin the turn of a target now, unless it is under way or backs off; `None` if so."""
        entry = self._entries.get(key)
        if entry is None or key in self._running or entry.failures or entry.stretch > 1:
            return None
        entry.due = self._clock()
        return self._begin(entry)

    def next_due(self, key: Key) -> float | None:
        """Seconds until the next turn; `None` while one is under way, or if it is not taken over yet."""
        entry = self._entries.get(key)
        return None if entry is None or key in self._running else max(0.0, entry.due - self._clock())

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
        tasks = {entry.task for entry in self._running.values() if entry.task is not None}
        for task in tasks - set(spare):
            task.cancel()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        """Have `work` done every so often, one at a time, late rather than never."""
        self._jobs.add_job(work, Every(seconds), coalesce=True, max_instances=1, misfire_grace_time=None)

    def _take(self, target: Target, age: Callable[[Key], float | None], now: float) -> Entry | None:
        """Take over one target; its entry if its time has passed."""
        # One removed and added again during its turn is the same one: no second turn at once.
        entry = self._entries.get(target.key) or self._running.get(target.key)
        if entry is None:
            entry = Entry(target)
            if (seconds := age(target.key)) is not None:
                entry.attempted = now - max(0.0, seconds)
            changed = True
        else:
            changed = entry.target.interval != target.interval
            entry.target = target
        entry.round = self._round
        self._entries[target.key] = entry
        if changed and entry.attempted is None:
            self._put(entry, now + share(target.key) * min(target.interval, FIRST))
        elif changed and entry.attempted is not None:
            # Due at the last attempt plus the interval.
            entry.due = entry.attempted + target.interval
            if entry.due < now:
                return entry
            self._put(entry, entry.due)
        return None

    def _put(self, entry: Entry, due: float) -> None:
        if entry.target.key in self._running:
            entry.asked = due
            return
        entry.due = due
        slot = _slot(due)
        if slot not in self._slots:
            self._slots[slot] = []
            heapq.heappush(self._order, slot)
        self._slots[slot].append(entry)

    async def release(self) -> None:
        """Begin the turns that are due."""
        released = 0
        while self._order and (slot := self._order[0]) <= _slot(now := self._clock()):
            for entry in self._pop(slot, now):
                if entry.due <= now and self._is_waiting(entry):
                    self._begin(entry)
                    released += 1
                    if released % CHUNK == 0:
                        await asyncio.sleep(0)
            if slot == _slot(now):
                break  # what is left of this slot is not due yet

    def _pop(self, slot: int, now: float) -> list[Entry]:
        """The entries of a slot, the oldest first. Those that are not due yet stay there, too."""
        entries = sorted(self._slots[slot], key=lambda entry: entry.due)
        if slot == _slot(now) and entries[-1].due > now:
            self._slots[slot] = [entry for entry in entries if entry.due > now]
        else:
            del self._slots[heapq.heappop(self._order)]
        return entries

    def _is_waiting(self, entry: Entry) -> bool:
        """It is configured, and has no turn under way."""
        key = entry.target.key
        return self._entries.get(key) is entry and key not in self._running

    def _begin(self, entry: Entry) -> asyncio.Task[None]:
        self._running[entry.target.key] = entry
        entry.task = asyncio.create_task(self._run(entry))
        return entry.task

    async def _run(self, entry: Entry) -> None:
        key = entry.target.key
        delay = entry.target.interval
        try:
            delay = entry.delay(await self._turn(entry.target, entry.due))
        except Exception as error:  # noqa: BLE001  # it must not end the target's turns
            log.error("internal error in a poll", target=key, error=where(error))
        finally:
            del self._running[key]
            entry.task = None
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


def _slot(due: float) -> int:
    return math.floor(due / SLOT)
