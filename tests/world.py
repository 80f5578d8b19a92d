"""A PAC, a disk and a process that dies, without sockets: what the guard is tried in.

The PAC counts wrong logins by itself. The disk keeps what was written before a death. A process is
a `Guard` and the calls under way; everything of it but the disk is gone when it dies.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from monitor.config import Account
from monitor.guard import Credential, Guard, Held
from monitor.model import Standing, Verdict
from monitor.pac import Garbled, PacError, Refused, Unavailable
from tests.clock import Clock

RFCS = ("A", "B", "C")
ENDPOINT = "http://127.0.0.1/"


@dataclass
class Call:
    """One that was sent; `answer` is told by the test."""

    credential: Credential
    rfc: str
    answer: asyncio.Future[str]
    unproven: bool


async def _idle() -> None:
    for _ in range(12):
        await asyncio.sleep(0)


def account_of(password: str, max_in_flight: int = 1) -> Account:
    return Account(
        name="norte",
        endpoint=ENDPOINT,
        username="user",
        password=SecretStr(password),
        max_in_flight=max_in_flight,
    )


class World:
    """Everything outside of the guard, and the one that runs now."""

    def __init__(self, max_in_flight: int = 1, *, writes_intents: bool = True) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = Clock(0.0)
        self.max_in_flight = max_in_flight
        self.connecting = False  # nobody gets a connection for a while
        self.writes_intents = writes_intents
        self.password = "p0"  # at the PAC
        self.configured = "p0"
        self.disk: dict[Credential, Standing] = {}
        self.disk_full = False
        self.born = 0
        self.dies_in: int | None = None  # so many steps of writing
        self.life = 0
        self.tasks: list[asyncio.Task[Any]] = []
        self.calls: list[Call] = []  # under way
        self.sent: Counter[Credential] = Counter()
        self.wrong_logins: Counter[Credential] = Counter()
        self.armings: Counter[Credential] = Counter()
        self.verdicts_lost: Counter[Credential] = Counter()
        self.refused: set[Credential] = set()
        self.worked: set[Credential] = set()
        self.bad_rfcs: set[str] = set()  # those that the PAC refuses whatever the password
        self.refused_rfcs: Counter[tuple[Credential, str]] = Counter()  # with the right password
        self.set_aside: dict[Credential, frozenset[str]] = {}
        self.times_set_aside: Counter[Credential] = Counter()
        self.lost_at: dict[Credential, list[float]] = defaultdict(list)  # since it last worked
        self.guard: Any = None
        self.start()

    # The process

    def make_guard(self) -> Any:
        life = self.life

        async def remember(credential: Credential, standing: Standing) -> bool:
            aside = frozenset(one.rfc for one in standing.refusals if one.set_aside)
            self.times_set_aside[credential] += len(aside - self.set_aside.get(credential, frozenset()))
            self.set_aside[credential] = aside
            await self._step(life)
            if self.disk_full:
                return False
            if standing.intent and not self.writes_intents:
                return True
            self.disk[credential] = standing
            await self._step(life)
            return True

        guard = Guard(remember, clock=self.clock, wall=self.clock)
        guard.restore(lambda credential, _: (self.disk.get(credential, Standing()), False))
        return guard

    async def _step(self, life: int) -> None:
        """A moment of writing, at which the process may die."""
        if self.dies_in is not None and life == self.life:
            self.dies_in -= 1
            if self.dies_in < 0:
                self.life += 1
        if life != self.life:
            raise asyncio.CancelledError  # the dead do nothing more

    @property
    def dead(self) -> bool:
        return self.guard is None

    @property
    def credential(self) -> Credential:
        return account_of(self.configured).credential

    def start(self) -> None:
        self.born = self.life
        self.guard = self.make_guard()
        self._configure()
        self._run(self.guard.save())
        self._bury()

    def _configure(self) -> None:
        account = account_of(self.configured, self.max_in_flight)
        self.armings[self.credential] = max(1, self.armings[self.credential])
        self.guard.apply([account], {account.credential: len(RFCS)})

    def die(self) -> None:
        self.life += 1
        self._bury()

    def _bury(self) -> None:
        """If the process has died: what it did not write down is lost."""
        if self.guard is None or self.life == self.born:
            return
        for call in self.calls:  # sent, and nobody hears the answer
            self._login(call)
            self._lose(call)
        self.calls.clear()
        for task in self.tasks:
            task.cancel()
        while self.tasks:
            self.loop.run_until_complete(asyncio.sleep(0))
            self.tasks = [task for task in self.tasks if not task.done()]
        self.guard, self.dies_in = None, None

    def _run(self, work: Coroutine[Any, Any, Any]) -> None:
        self.tasks.append(self.loop.create_task(work))
        self.settle()

    def settle(self) -> None:
        """Let everything go on until it waits for something."""
        self.loop.run_until_complete(_idle())
        self.tasks = [task for task in self.tasks if not task.done()]
        self._bury()

    # What happens to it

    def poll(self, rfc: str) -> None:
        self._run(self._poll(rfc))

    async def _poll(self, rfc: str) -> None:
        gate = self.guard.gate("norte")
        credential = self.credential
        try:
            async with gate.turn(rfc):
                gate.check(rfc)
                await self._connect()
                await gate.ready(rfc)
                await self._send(credential, rfc, unproven=not gate.proven)
        except (Held, PacError):
            pass

    async def _connect(self) -> None:
        """Others get their turn meanwhile."""
        while self.connecting:
            await asyncio.sleep(0)

    async def _send(self, credential: Credential, rfc: str, *, unproven: bool) -> None:
        # A held account sends nothing.
        assert self.disk.get(credential, Standing()).hold is None
        call = Call(credential, rfc, self.loop.create_future(), unproven)
        self.sent[credential] += 1
        self.calls.append(call)
        answer = await call.answer
        if answer == "truth":
            answer = "200" if self._login(call) else "601"
        if answer in ("lost", "unreadable"):
            self._login(call)
        self.calls.remove(call)
        if answer == "601":
            # Until the hold is on the disk, a death would lose this verdict.
            self.refused.add(credential)
            self._unwritten = call
            raise Refused("601", "")
        if answer == "lost":
            self._lose(call)
            raise Unavailable("timeout", "", Verdict.LOST)
        if answer == "unreadable":
            self.unreadable(call)
        if answer == "403":
            raise Unavailable("http_403", "", Verdict.FORBIDDEN)
        if answer == "500":
            raise Unavailable("500", "", Verdict.NOTHING)
        if answer == "dns":
            raise Unavailable("dns", "", Verdict.NOT_SENT)
        self.worked.add(credential)
        self.lost_at[credential].clear()

    def unreadable(self, call: Call) -> None:
        self._lose(call)
        raise Garbled("not_soap", "", Verdict.UNREADABLE)

    def _login(self, call: Call) -> bool:
        right = call.credential[2] == self.password
        self.wrong_logins[call.credential] += not right
        if right and call.rfc in self.bad_rfcs:
            self.refused_rfcs[call.credential, call.rfc] += 1
            return False
        return right

    def _lose(self, call: Call) -> None:
        self.verdicts_lost[call.credential] += 1
        if call.unproven:
            self.lost_at[call.credential].append(self.clock.now)

    def finish(self, number: int, answer: str) -> None:
        """One of the calls under way ends: truth, lost, 403, 500 or dns."""
        if self.calls:
            call = self.calls[number % len(self.calls)]
            call.answer.set_result(answer)
            life = self.life
            self.settle()
            if self.life != life and answer == "truth":
                self.verdicts_lost[call.credential] += 1  # heard, and died before it was written

    def rearm(self) -> None:
        self.armings[self.credential] += 1
        self.lost_at[self.credential].clear()
        self._run(self.guard.gate("norte").rearm())

    def configure(self, password: str) -> None:
        self.configured = password
        self._configure()
        self._run(self.guard.save())

    def write_again(self) -> None:
        self._run(self.guard.save())

    def unwritten_holds(self) -> list[Credential]:
        """Holds that are only in memory: the disk was full. A death loses these verdicts."""
        gates = self.guard._gates if isinstance(self.guard, Guard) else {}
        return [c for c, g in gates.items() if g.standing.hold and self.disk.get(c, Standing()).hold is None]

    def close(self) -> None:
        self.die()
        self.loop.close()
