"""Forecasts for all targets: made at most hourly of each, in a thread of their own."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from zoneinfo import ZoneInfo

from monitor.forecast import Forecast, Habits, Rows, daily, forecast, habits
from monitor.model import Key
from monitor.state import State
from monitor.store import Point

EVERY = 3600.0  # seconds between forecasts of a target
LOOK_BACK = 130 * 86400.0  # seconds of history that a forecast is made of

#: The history of a target from a time (epoch seconds) on.
History = Callable[[Key, float], Awaitable[Sequence[Point]]]


class Foresight:
    """Keeps the forecasts of a state. `history` reads what is stored."""

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
        self._made: dict[Key, float] = {}  # when, by `clock`
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="forecast")

    async def renew(self, zone: ZoneInfo) -> None:
        """Forecast what was not forecast for an hour. Done often."""
        for row in self._state.rows():
            if row.reading is None or self._clock() - self._made.get(row.target.key, -math.inf) < EVERY:
                continue
            await self._make(row.target.key, row.reading.available, zone)

    async def habits(self, key: Key, zone: ZoneInfo) -> Habits | None:
        """What the forecast of a target is made of; `None` before 7 days of history."""
        at = self._wall()
        rows = await self._rows(key, at)
        return await asyncio.get_running_loop().run_in_executor(self._thread, habits, rows, at, zone)

    def close(self) -> None:
        """No more of it."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _make(self, key: Key, available: int, zone: ZoneInfo) -> None:
        self._made[key] = self._clock()
        at = self._wall()
        rows = await self._rows(key, at)
        found, days = await asyncio.get_running_loop().run_in_executor(
            self._thread, _look, rows, available, at, zone
        )
        self._state.foresee(key, found, days, at)

    async def _rows(self, key: Key, at: float) -> Rows:
        return [(point.at, point.consumed) for point in await self._history(key, at - LOOK_BACK)]


def _look(rows: Rows, available: int, at: float, zone: ZoneInfo) -> tuple[Forecast, Sequence[int]]:
    return forecast(rows, available, at, zone), daily(rows, at, zone)
