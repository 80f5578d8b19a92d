"""How many calls at once an endpoint gets: grows slowly, halves when the PAC says it is busy."""

import asyncio
import math
import random
import time
from collections.abc import Callable
from types import TracebackType

import structlog

from monitor.model import EndpointStatus
from monitor.pac import Busy
from monitor.places import Places

log = structlog.get_logger()

START = 4
PROBE = 16  # times as many good answers before the size that was busy last is tried again
COOL_DOWN = 10.0  # seconds: one burst of busy answers halves the limit once
HOLD_OFF = 1.0  # seconds without a call after a busy answer, doubling while they go on
HOLD_OFF_MOST = 60.0
BRIEFLY = 3.0  # seconds that a call waits in its place
RETRY_AFTER_MOST = 3600.0


class Quiet(Exception):
    """Nothing goes out for longer than one should wait with something in hand: see `Limit.calm`."""


class Limit:
    """The limit of one endpoint, between 1 and `most`: `async with limit: call`.

    The outcome of the block moves it: good answers raise it by one per limit-many (fewer at the
    size that was busy last), `Busy` halves it and holds off all calls for a while.
    """

    def __init__(self, endpoint: str, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.endpoint = endpoint
        self.in_flight = 0
        self._most = most
        self._clock = clock
        self._places = Places(min(START, most))
        self._line = asyncio.Lock()  # of those who wait for the end of a quiet, in order
        self._good = 0  # answers since the limit last moved
        self._ceiling = math.inf  # the size that was busy last
        self._halved_until = 0.0
        self._hold_off = 0.0  # length of the last one
        self._not_before = 0.0

    @property
    def size(self) -> int:
        """Calls at once, as of now."""
        return self._places.size

    @property
    def quiet(self) -> float:
        """Seconds in which nothing goes out: the PAC was busy, or said how long to wait."""
        return max(0.0, self._not_before - self._clock())

    @property
    def holds_off(self) -> bool:
        return self.quiet > 0

    def apply(self, most: int) -> None:
        """Take over a configuration."""
        self._most = most
        self._places.resize(min(self.size, most))

    async def calm(self) -> None:
        """Wait until calls may go out. Who came first goes first, or one that is busy time after time would
        keep the others waiting for ever.
        """
        async with self._line:
            while (pause := self.quiet) > 0:  # noqa: ASYNC110  # it may grow
                await asyncio.sleep(pause)

    async def __aenter__(self) -> None:
        await self._places.take()
        try:
            while 0 < (pause := self.quiet) <= BRIEFLY:  # noqa: ASYNC110  # it may grow
                await asyncio.sleep(pause)
        except BaseException:
            self._places.give()
            raise
        if pause > BRIEFLY:
            self._places.give()
            raise Quiet
        self.in_flight += 1

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.in_flight -= 1
        if error is None:
            self._was_good()
        elif isinstance(error, Busy):
            self._was_busy(error.retry_after)
        self._places.give()

    def status(self) -> EndpointStatus:
        return EndpointStatus(self.endpoint, self.in_flight, self.size)

    def _was_good(self) -> None:
        self._hold_off = 0.0
        self._good += 1
        size = self.size
        if self._good < size:
            return
        if size >= self._ceiling:
            self._ceiling = math.inf  # it bears now what was too much then
        # Quickly back to what was borne, slowly beyond: a limit that tries what is too much
        # every few answers makes one in ten of them busy.
        needed = size if size + 1 < self._ceiling else size * PROBE
        if self._good >= needed and size < self._most:
            self._good = 0
            self._places.resize(size + 1)

    def _was_busy(self, retry_after: float | None) -> None:
        now = self._clock()
        again = not self.holds_off  # calls that were out together are one burst, and count once
        if retry_after is None:
            retry_after = 0.0
            if again:
                # Jitter, so that several monitors behind one PAC do not come back together.
                self._hold_off = min(max(HOLD_OFF, 2 * self._hold_off), HOLD_OFF_MOST)
                retry_after = self._hold_off * random.uniform(1.0, 2.0)
        self._not_before = max(self._not_before, now + min(retry_after, RETRY_AFTER_MOST))
        if now >= self._halved_until:
            self._halved_until = now + COOL_DOWN
            self._shrink(max(1, self.size // 2))
            log.warning("the PAC is busy", endpoint=self.endpoint, limit=self.size)
        elif again:
            # It has grown back to what is too much: without this it would go on to what was busy before.
            self._shrink(max(1, self.size - 1))

    def _shrink(self, size: int) -> None:
        self._good = 0
        self._ceiling = self.size
        self._places.resize(size)
