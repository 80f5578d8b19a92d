"""Forecasts for all targets, each made at most hourly unless much has changed, in a thread of their own."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
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

#: The history of a target from a time (epoch seconds) on; empty if it cannot be read now.
History = Callable[[Key, float], Awaitable[Sequence[Point]]]


class Foresight:
    """Keeps the forecasts of a state up to date."""

    def __init__(
        self,
        state: State,
        history: History,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._state = state
        self._history = history
        self._clock = clock
        self._wall = wall
        self._made: dict[Key, tuple[float, int]] = {}  # when, by `clock`, and for how many stamps
        self._changed: OrderedDict[Key, None] = OrderedDict()  # much, since then; the oldest first
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="forecast")

    async def begin(self, zone: ZoneInfo) -> None:
        """Forecast everything now if that is quick. Otherwise what was stored is shown for a while."""
        if len(self._state.rows()) <= FEW:
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
        async for row in slowly(self._state.rows()):
            while self._changed and self._is_older(next(iter(self._changed)), AGAIN):
                await self._make(self._changed.popitem(last=False)[0], zone)
            if row.reading is not None and self._is_older(row.target.key, EVERY):
                await self._make(row.target.key, zone)

    async def habits(self, key: Key, zone: ZoneInfo) -> Habits | None:
        """What the forecast of a target is made of; `None` before 7 days of history."""
        at = self._wall()
        rows = await self._rows(key, at)
        if not rows:
            return None
        return await asyncio.get_running_loop().run_in_executor(self._thread, habits, rows, at, zone)

    def close(self) -> None:
        """No more of it."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _is_older(self, key: Key, age: float) -> bool:
        made = self._made.get(key)
        return made is None or self._clock() - made[0] >= age

    async def _make(self, key: Key, zone: ZoneInfo) -> None:
        row = self._state.row(key)
        if row is None or row.reading is None:
            return
        available, at = row.reading.available, self._wall()
        self._made[key] = self._clock(), available
        rows = await self._rows(key, at)
        if not rows:  # it was not written yet, or cannot be read now: that is no news about the issuer
            self._changed[key] = None
            return
        try:
            found, days = await asyncio.get_running_loop().run_in_executor(
                self._thread, _look, rows, available, at, zone
            )
        except Exception as error:  # noqa: BLE001  # the others get theirs
            log.error("internal error in a forecast", target=key, error=where(error))
            return
        self._state.foresee(key, found, days)

    async def _rows(self, key: Key, at: float) -> Rows:
        return [(point.at, point.consumed) for point in await self._history(key, at - LOOK_BACK)]


def _look(rows: Rows, available: int, at: float, zone: ZoneInfo) -> tuple[Forecast, Sequence[int]]:
    return forecast(rows, available, at, zone), daily(rows, at, zone)
