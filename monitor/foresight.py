"""Forecasts for all targets, each made at most hourly unless much has changed, in a thread of their own."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from zoneinfo import ZoneInfo

import structlog

from monitor.forecast import Habits, Rows, daily, forecast, habits
from monitor.log import where
from monitor.model import Forecast, Key
from monitor.slices import slowly
from monitor.state import Row, State
from monitor.store import Point

log = structlog.get_logger()

EVERY = 3600.0  # seconds between forecasts of a target
AGAIN = 60.0  # seconds, at the least, until the next one when much has changed
MUCH = 0.1  # of the stamps that were left at the last one
FEW = 200  # targets, for which nobody notices the wait when the service starts
LOOK_BACK = 130 * 86400.0  # seconds of history that a forecast is made of
TOGETHER = 50  # forecasts made in one go: to change threads for each costs more than to make it

#: The history of targets, by the endpoints that they are asked at, from a time (epoch seconds) on; nothing
#: of those where it cannot be read now.
Histories = Callable[[Mapping[Key, str], float], Awaitable[Mapping[Key, Sequence[Point]]]]
#: What is forecast of a target, and its last days.
Found = tuple[Forecast, Sequence[int]]


class Foresight:
    """Keeps the forecasts of a state up to date."""

    def __init__(
        self,
        state: State,
        histories: Histories,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._state = state
        self._histories = histories
        self._clock = clock
        self._wall = wall
        self._made: dict[Key, tuple[float, int]] = {}  # when, by `clock`, and for how many stamps
        self._changed: OrderedDict[Key, None] = OrderedDict()  # much, since then; the oldest first
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="forecast")

    async def begin(self, zone: ZoneInfo) -> None:
        """Forecast everything now if that is quick. Otherwise what was stored is shown for a while."""
        if len(self._state.keys()) <= FEW:
            await self.renew(zone)

    def observe(self, row: Row) -> None:
        """A turn has ended. If much was bought or used, the forecast is wrong before it is an hour old."""
        made = self._made.get(row.target.key)
        if made is not None and row.reading is not None:
            before = made[1]
            if row.forecast is None or abs(row.reading.available - before) > MUCH * before:
                self._changed[row.target.key] = None

    def forget(self, keys: Iterable[Key]) -> None:
        """These targets are configured no more."""
        for key in keys:
            self._made.pop(key, None)
            self._changed.pop(key, None)

    async def renew(self, zone: ZoneInfo) -> None:
        """Forecast what is due. Done often."""
        due: dict[Key, None] = {}
        # Keys: the rows that all this begins with would stay in memory until it ends.
        async for key in slowly(self._state.keys()):
            while self._changed and self._is_older(next(iter(self._changed)), AGAIN):
                due[self._changed.popitem(last=False)[0]] = None
            if self._is_older(key, EVERY) and self._available(key) is not None:
                due[key] = None
            if len(due) >= TOGETHER:
                await self._make(due, zone)
                due.clear()
        if due:
            await self._make(due, zone)

    async def habits(self, key: Key, zone: ZoneInfo) -> Habits | None:
        """What the forecast of a target is made of; `None` before 7 days of history."""
        at = self._wall()
        points = (await self._histories({key: self._place(key)}, at - LOOK_BACK)).get(key)
        if not points:
            return None
        return await asyncio.get_running_loop().run_in_executor(self._thread, habits, _rows(points), at, zone)

    def close(self) -> None:
        """No more of it."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _is_older(self, key: Key, age: float) -> bool:
        made = self._made.get(key)
        return made is None or self._clock() - made[0] >= age

    def _available(self, key: Key) -> int | None:
        row = self._state.row(key)
        return None if row is None or row.reading is None else row.reading.available

    def _place(self, key: Key) -> str:
        row = self._state.row(key)
        return "" if row is None else row.place

    async def _make(self, keys: Iterable[Key], zone: ZoneInfo) -> None:
        at = self._wall()
        available = {key: left for key in keys if (left := self._available(key)) is not None}
        for key, left in available.items():
            self._made[key] = self._clock(), left
        past = await self._histories({key: self._place(key) for key in available}, at - LOOK_BACK)
        for key in available:
            if not past.get(key):  # not written yet, or unreadable now: that is no news about the issuer
                self._changed[key] = None
        made = await asyncio.get_running_loop().run_in_executor(
            self._thread, _look, past, available, at, zone
        )
        for key, (found, days) in made.items():
            self._state.foresee(key, found, days)


def _look(
    past: Mapping[Key, Sequence[Point]], available: Mapping[Key, int], at: float, zone: ZoneInfo
) -> dict[Key, Found]:
    """The forecasts of all that have a past."""
    made = {}
    for key, points in past.items():
        try:
            if rows := _rows(points):
                made[key] = forecast(rows, available[key], at, zone), daily(rows, at, zone)
        except Exception as error:  # noqa: BLE001  # the others get theirs
            log.error("internal error in a forecast", target=key, error=where(error))
    return made


def _rows(points: Iterable[Point]) -> Rows:
    return [(point.at, point.consumed) for point in points]
