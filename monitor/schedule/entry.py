"""The place of one target in the queue, and when its next turn comes."""

import asyncio
import math
import random

from monitor.config import Target
from monitor.model import FAIR_USE, Failure, Outcome, Reason

SLOT = 0.1  # seconds: due polls are released together this often, which saves half their cost
BACK_OFF = 30.0  # seconds until the next turn after the PAC was unavailable, doubling
STRETCH_MOST = 16  # times the interval, after the PAC's limit of fair use
STRETCHED_MOST = 6 * 3600.0  # seconds


class Entry:
    """The place of one target in the queue."""

    __slots__ = ("asked", "attempted", "due", "failures", "round", "stretch", "target", "task")

    def __init__(self, target: Target) -> None:
        self.round = 0  # the last time a configuration was taken over that had it
        self.target = target
        self.due = 0.0  # monotonic
        self.attempted: float | None = None  # monotonic
        self.asked = math.inf  # monotonic: the next turn asked for while one is under way
        self.failures = 0  # turns in a row that ask for an early next one
        self.stretch = 1
        self.task: asyncio.Task[None] | None = None  # of the turn under way

    def delay(self, outcome: Outcome) -> float:
        """Seconds until the next turn, and what to remember for the one after."""
        if not isinstance(outcome, Failure):
            self.failures, self.stretch = 0, max(1, self.stretch // 2)
            return self._regular()
        early = outcome.reason in (Reason.UNAVAILABLE, Reason.BUSY)
        self.failures = self.failures + 1 if early else 0
        if outcome.code == FAIR_USE:
            self.stretch = min(2 * self.stretch, STRETCH_MOST)
            return self._regular()
        regular = self._regular()
        if early:
            back_off = BACK_OFF * 2.0 ** min(self.failures - 1, 20) * random.uniform(0.8, 1.2)
            return max(min(back_off, regular), outcome.retry_after or 0.0)
        if outcome.retry_after is not None:  # held, for a known while
            return min(outcome.retry_after * random.uniform(1.0, 1.2) + SLOT, regular)
        return regular

    def _regular(self) -> float:
        interval = self.target.interval
        return max(interval, min(interval * self.stretch, STRETCHED_MOST))
