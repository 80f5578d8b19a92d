"""Hours in seconds: schedule and core of a service over real sockets, on a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from monitor.config import Config, Target, load
from monitor.core import Core
from monitor.model import AccountStatus, Outcome
from monitor.schedule import Schedule
from tests.watching import EPOCH, Clock

STEP = 15.0  # seconds of the clock at a time


@dataclass
class Life:
    """One process of a service."""

    core: Core
    schedule: Schedule
    clock: Clock
    under_way: int = 0

    async def turn(self, target: Target, due: float) -> Outcome:
        self.under_way += 1
        try:
            outcome = await self.core.turn(target, due)
            if self.core.waits_for_another(target.key):
                await self.schedule.lead(await self.core.leaders(target.account))
            return outcome
        finally:
            self.under_way -= 1

    async def take_over(self, changed: set[str]) -> None:
        await self.schedule.apply(self.core.config.targets, self.core.age)
        await self.schedule.hasten(changed)
        await self.schedule.lead(await self.core.leaders())

    async def reload(self, config: Path) -> None:
        await self.take_over(await self.core.apply(load(config)))

    async def pass_time(self, seconds: float) -> None:
        """Everything that is due in that time, when it is due; nothing is under way afterwards."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now = min(end, self.clock.now + STEP)
            await self.schedule.release()
            async with asyncio.timeout(60):
                await asyncio.sleep(0)
                while self.under_way:
                    await asyncio.sleep(0.001)
        await self.core.flush()

    def accounts(self) -> dict[str, AccountStatus]:
        return {account.name: account for account in self.core.snapshot().accounts}


@asynccontextmanager
async def living(config: Path | Config, clock: Clock) -> AsyncIterator[Life]:
    """A process on the database that the one before has left."""
    told = load(config) if isinstance(config, Path) else config
    async with Core(told, clock=clock, wall=lambda: EPOCH + clock.now) as core:
        life = Life(core, None, clock)  # type: ignore[arg-type]
        life.schedule = Schedule(life.turn, clock=clock, wall=lambda: EPOCH + clock.now)
        await life.take_over(set())
        yield life
