"""Everything polled once, and what is waited for meanwhile."""

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from rich.console import Console
from rich.progress import Progress

from monitor import output
from monitor.config import Target
from monitor.core import Core
from monitor.model import Failure, Key

GRACE = 1.0  # seconds beyond its timeout that a call under way has to end in
SLOW = 2.0  # seconds after which `check` says what it waits for
LOOK = 0.2  # seconds between looks at whether a wait has ended


@dataclass(slots=True)
class Round:
    """Everything polled once: each account at its own pace, so that one whose calls hang keeps no other
    waiting.
    """

    core: Core
    patience: float  # seconds
    asked: int = 0
    held: int = 0  # targets of held accounts
    put_off: set[str] = field(default_factory=set)  # accounts that wait for longer than we do
    waits: dict[str, tuple[str, float]] = field(default_factory=dict)  # accounts: for what, and until when
    turns: dict[Key, asyncio.Task[None]] = field(default_factory=dict)  # under way
    calls: dict[Key, float] = field(default_factory=dict)  # of those, calls that were seen, and since when
    until: float = 0.0  # monotonic seconds: no call begins later

    async def poll(self) -> str:
        """Ask. Returns who was asked, in words."""
        self.until = time.monotonic() + self.patience
        # The target with the newest reading of each unproven credential goes first.
        first = {key for _, key in await self.core.leaders()}
        at_once = {account.name: account.max_in_flight for account in self.core.config.accounts}
        turns: dict[str, deque[Target]] = {}
        for target in sorted(self.core.config.targets, key=lambda target: target.key not in first):
            turns.setdefault(target.account, deque()).append(target)
        workers = {
            asyncio.create_task(self._work(mine))
            for account, mine in turns.items()
            for _ in range(min(at_once[account], len(mine)))
        }
        beside = (asyncio.create_task(self._watch()), asyncio.create_task(self._obey()))
        try:
            _, late = await asyncio.wait(workers, timeout=self.patience)
            # A call under way is waited for: broken off, it would count as a lost login.
            calling = late & self.core.poller.calling
            for task in late - calling:
                task.cancel()
            if calling:
                await asyncio.wait(calling, timeout=self.core.config.poll.timeout + GRACE)
        finally:
            for task in (*workers, *beside):
                task.cancel()
            ended = await asyncio.gather(*workers, *beside, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error
        return self._told()

    def _told(self) -> str:
        missing = []
        if self.held:
            missing.append(f"{_rfcs(self.held)} (held)")
        if left := len(self.core.config.targets) - self.asked - self.held:
            why = "the wait before the next call is longer than --timeout"
            missing.append(f"{_rfcs(left)} ({why if self.put_off else '--timeout was over'})")
        if not missing:
            return "polled now"
        return f"{'polled now, but not' if self.asked else 'not polled:'} {', '.join(missing)}"

    async def _work(self, targets: "deque[Target]") -> None:
        """Take the next target whose turn may come, until all have had theirs."""
        while targets and time.monotonic() < self.until:
            target = targets.popleft()
            if self.core.quiet(target.account)[1] > self.until - time.monotonic():
                self.put_off.add(target.account)  # it would be waited for in vain
                continue
            self.turns[target.key] = cast("asyncio.Task[None]", asyncio.current_task())
            try:
                outcome = await self.core.turn(target, time.monotonic())
            finally:
                del self.turns[target.key]
                self.calls.pop(target.key, None)
            if not isinstance(outcome, Failure) or outcome.sent or outcome.retry_after is None:
                self.waits.pop(target.account, None)
                is_held = isinstance(outcome, Failure) and not outcome.sent
                self.held += is_held
                self.asked += not is_held
                continue
            until = time.monotonic() + outcome.retry_after
            if until > self.until:
                self.put_off.add(target.account)
                continue
            # It could not be sent yet: the others of the account first, and then when it may be.
            targets.append(target)
            self.waits[target.account] = outcome.text, until
            # Every so often, as an operator may release it.
            while targets and not self.core.may_ask(*targets[0].key) and time.monotonic() < until:  # noqa: ASYNC110
                await asyncio.sleep(LOOK)

    async def _obey(self) -> None:
        """Release what somebody asks to be released meanwhile."""
        while True:
            for account in await self.core.requests():
                await self.core.rearm(account)
            await asyncio.sleep(1.0)

    async def _watch(self) -> None:
        """Say what is waited for, once it takes long: a bar on a terminal, a line each elsewhere."""
        await asyncio.sleep(SLOW)
        console, said = Console(stderr=True, highlight=False), set[str]()
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("", total=len(self.core.config.targets))
            while True:
                waits = dict(self._waits(time.monotonic()))
                words = f"Waiting: {'; '.join(waits.values())}" if waits else "Asking the PAC…"
                bar.update(task, completed=self.asked + self.held, description=words)
                if not console.is_terminal:
                    for name in waits.keys() - said:
                        output.say(f"waiting: {waits[name]}")
                    said |= waits.keys()
                await asyncio.sleep(SLOW)

    def _waits(self, now: float) -> Iterator[tuple[str, str]]:
        """What is waited for, in words; the first is the same for as long as it is the same wait."""
        for account, (why, until) in self.waits.items():
            yield f"{account} {until}", f"{account} ({max(1.0, until - now):.0f} s): {why}"
        for endpoint, seconds in {self.core.quiet(account) for account, _ in self.turns}:
            if seconds > 0:
                yield endpoint, f"{endpoint} asked for quiet ({seconds:.0f} s)"
        for key, task in self.turns.items():
            if task in self.core.poller.calling:
                self.calls.setdefault(key, now)
        hanging = [(since, key) for key, since in self.calls.items() if now - since >= SLOW]
        for since, (account, rfc) in sorted(hanging)[:1]:
            most = self.core.config.poll.timeout
            words = f"no answer for {rfc} since {now - since:.0f} s (a call ends after {most:g} s)"
            yield f"{account} {rfc}", f"{account}: {words}"


def _rfcs(number: int) -> str:
    return "1 RFC" if number == 1 else f"{number} RFCs"
