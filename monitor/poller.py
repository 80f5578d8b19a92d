"""poll(target) -> Outcome: guard, then limit, then call; everything that fails is folded here."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import structlog

from monitor.config import Target
from monitor.guard import Gate, Held
from monitor.limit import Limit, Quiet
from monitor.log import where
from monitor.model import RETIRED, Failure, Outcome, Quota, Reading, Reason
from monitor.pac import Connections, PacError, Service

log = structlog.get_logger()

SHAPES = 200  # of answers that cannot be read, remembered as told

#: Told once a call: how late it started and how long it took, both in seconds.
Observe = Callable[[float, float], None]


@dataclass(frozen=True, slots=True)
class Line:
    """What a call of one account goes through, in this order."""

    gate: Gate
    limit: Limit
    service: Service


class Poller:
    """Polls one target at a time a caller; holds no state of targets."""

    def __init__(
        self,
        connections: Connections,
        observe: Observe,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.calling: set[asyncio.Task[Any]] = set()  # tasks whose request is sent
        self._connections = connections
        self._observe = observe
        self._clock = clock
        self._wall = wall
        self._lines: Mapping[str, Line] = {}
        self._told: set[tuple[str, str]] = set()  # accounts, and the shapes of answers logged for them

    def apply(self, lines: Mapping[str, Line]) -> None:
        """Take over a configuration; calls under way end with what they began with."""
        self._lines = lines

    async def poll(self, target: Target, due: float) -> Outcome:
        """One turn of a target that was due at `due` (monotonic seconds). Raises nothing of ours."""
        line = self._lines.get(target.account)
        if line is None:  # a reload came between the tick and this turn
            return Failure(self._wall(), Reason.WAITING, RETIRED, "no longer configured", 0.0, sent=False)
        try:
            quota = await self._call(line, target.rfc, due)
        except Held as held:
            return Failure(self._wall(), held.reason, held.code, held.text, held.retry_after, sent=False)
        except PacError as error:
            self._tell(target, error)
            reason = Reason.REJECTED if line.gate.set_aside(target.rfc) is not None else error.reason
            return Failure(self._wall(), reason, error.code, error.text, error.retry_after)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is counted, shown and backed off from
            log.error("internal error in a poll", target=target.key, error=where(error))
            text = f"internal error: {where(error)}"
            return Failure(self._wall(), Reason.UNAVAILABLE, "other", text)
        return Reading(self._wall(), quota.contracted, quota.used, quota.available, quota.code)

    async def _call(self, line: Line, rfc: str, due: float) -> Quota:
        """Ask once all let us. Raises `Held` and `PacError`."""
        while True:
            line.gate.check(rfc)
            # While an endpoint asks for quiet, the login's place is left to those who ask elsewhere.
            await line.limit.calm()
            try:
                async with line.gate.turn(rfc), line.limit:
                    return await self._ask(line, rfc, due)
            except Quiet:
                continue

    async def _ask(self, line: Line, rfc: str, due: float) -> Quota:
        line.gate.check(rfc)  # it may have closed while we waited for the limit
        start = self._clock()
        task = cast("asyncio.Task[Any]", asyncio.current_task())

        async def ready() -> None:
            await line.gate.ready(rfc)
            self.calling.add(task)  # from here on, it is to end by itself

        try:
            return await line.service.get_timbres(self._connections, rfc, ready)
        finally:
            self.calling.discard(task)
            self._observe(start - due, self._clock() - start)

    def _tell(self, target: Target, error: PacError) -> None:
        """What an answer was that cannot be read goes to the log, once a shape."""
        told = target.account, error.shape
        if error.shape and told not in self._told:
            if len(self._told) >= SHAPES:
                self._told.clear()
            self._told.add(told)
            log.warning("answer could not be read", account=target.account, rfc=target.rfc, answer=str(error))
