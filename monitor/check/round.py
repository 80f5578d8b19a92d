"""Everything polled once, and what is waited for meanwhile."""

import asyncio
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import Progress

from monitor.config import Target
from monitor.core import Core
from monitor.model import Failure

GRACE = 1.0  # seconds beyond its timeout that a call under way has to end in
SLOW = 2.0  # seconds after which `check` says what it waits for


@dataclass(slots=True)
class Round:
    """Everything polled once: each account at its own pace, so that one whose calls hang keeps no other
    waiting.
    """

    core: Core
    patience: float  # seconds
    asked: int = 0
    waits: dict[str, str] = field(default_factory=dict)  # accounts, and what each waits for
    over: bool = False

    async def poll(self) -> int:
        """How many targets could not be asked in time."""
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
        watch = asyncio.create_task(self._watch())
        try:
            _, late = await asyncio.wait(workers, timeout=self.patience)
            self.over = True
            # A call under way is waited for: broken off, it would count as a lost login.
            calling = late & self.core.poller.calling
            for task in late - calling:
                task.cancel()
            if calling:
                await asyncio.wait(calling, timeout=self.core.config.poll.timeout + GRACE)
        finally:
            for task in (*workers, watch):
                task.cancel()
            ended = await asyncio.gather(*workers, watch, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error
        return len(self.core.config.targets) - self.asked

    async def _work(self, targets: "deque[Target]") -> None:
        """Take the next target whose turn may come, until all have had theirs."""
        while targets and not self.over:
            target = targets.popleft()
            outcome = await self.core.turn(target, time.monotonic())
            if not isinstance(outcome, Failure) or outcome.sent or outcome.retry_after is None:
                self.waits.pop(target.account, None)
                self.asked += 1
                continue
            # It could not be sent yet: the others of the account first, and then when it may be.
            targets.append(target)
            until = time.monotonic() + outcome.retry_after
            while targets and not self.core.may_ask(*targets[0].key) and time.monotonic() < until:
                left = max(1.0, until - time.monotonic())
                self.waits[target.account] = f"{target.account} ({left:.0f} s): {outcome.text}"
                await asyncio.sleep(0.2)

    async def _watch(self) -> None:
        """Say what is waited for, once it takes long: a bar on a terminal, a line an account elsewhere."""
        await asyncio.sleep(SLOW)
        console, said = Console(stderr=True, highlight=False), set[str]()
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("", total=len(self.core.config.targets))
            while True:
                quiet = {endpoint: f"{endpoint} asked for quiet" for endpoint in self.core.quiet()}
                waits = self.waits | quiet
                words = f"Waiting: {'; '.join(waits.values())}" if waits else "Asking the PAC…"
                bar.update(task, completed=self.asked, description=words)
                if not console.is_terminal:
                    for name in waits.keys() - said:
                        with suppress(OSError):
                            print(f"waiting: {waits[name]}", file=sys.stderr, flush=True)  # noqa: T201
                    said |= waits.keys()
                await asyncio.sleep(SLOW)
