"""Everything between a target whose turn it is and what is known of it afterwards."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Self

import structlog

from monitor import __version__, pac
from monitor.config import Config, Target
from monitor.foresight import Foresight
from monitor.guard import Credential, Guard, Held, Waits, recall
from monitor.journal import Journals
from monitor.limit import Limit
from monitor.model import AccountStatus, Failure, Kept, Key, Outcome, Reason, Standing, StoreStatus
from monitor.poller import Line, Observe, Poller
from monitor.slices import let_go, slowly
from monitor.state import BATCH, Arranged, Row, Snapshot, State
from monitor.store import Loaded, Locked, Polled, Store, StoreUnavailable

log = structlog.get_logger()


REQUESTED = 10.0  # seconds that a request to release holds: a command takes it back sooner, if it lives


class Core:
    """The parts of a configuration that poll and remember: `async with Core(config, observe) as core`.

    Entering takes the lock of the database and raises `Locked` if another process has it. A
    database that cannot be opened now is tried again by `flush`; until then nothing is sent.
    `brief`: the lock will be held for a while only, which a service waits for.
    """

    def __init__(
        self,
        config: Config,
        observe: Observe = lambda _lag, _duration: None,
        *,
        brief: bool = False,
        waits: Waits | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.config = config
        self.loaded = False  # the database has been read
        self.trouble = ""  # why not
        self.state = State()
        self.journals = Journals()
        self.poller: Poller
        self._observe = observe
        self._clock = clock
        self._wall = wall
        self.store = Store(config.state.url, brief)
        self.foresight = Foresight(self.state, self.store.histories, clock, wall)
        self._guard = Guard(self._remember, waits, clock, wall)
        self._limits: dict[str, Limit] = {}
        self._lines: dict[str, Line] = {}
        self._connections: pac.Connections

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except Locked:
            await self.store.close()
            raise
        self._connections = pac.Connections(clock=self._clock)
        self.poller = Poller(self._connections, self._observe, clock=self._clock, wall=self._wall)
        await self.apply(self.config)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connections.close()
        await self.flush()
        await self.store.close()
        self.foresight.close()

    async def apply(self, config: Config) -> set[str]:
        """Take over a configuration; the accounts that are asked as somebody else, or in another way."""
        known = {a.name: (a.credential, a.way) for a in self.config.accounts}
        places = {account.name: account.place for account in config.accounts}
        before = self.state.now()

        def prepare() -> tuple[dict[str, pac.Service], Counter[Credential], Arranged]:
            return (
                {a.name: pac.Service(a, config.poll.timeout, __version__) for a in config.accounts},
                _rfcs_of_each(config),
                self.state.arrange(before, config.targets, places),
            )

        services, numbers, arranged = await asyncio.to_thread(prepare)
        # From here on without an await: nobody sees half of a configuration.
        self.config = config
        self._guard.apply(config.accounts, numbers)
        most = config.poll.max_in_flight
        limits: dict[str, Limit] = {}
        for account in config.accounts:  # several spellings of one endpoint share a limit
            if account.place not in limits:
                known_limit = self._limits.get(account.place)
                limits[account.place] = known_limit or Limit(account.endpoint, most, self._clock)
        self._limits = limits
        for limit in self._limits.values():
            limit.apply(most)
        self._lines = {
            account.name: Line(
                self._guard.gate(account.name), self._limits[account.place], services[account.name]
            )
            for account in config.accounts
        }
        self.poller.apply(self._lines)
        self.state.adopt(arranged, places)
        self.journals.forget(arranged.gone)
        self.foresight.forget(arranged.gone)
        await self._guard.save()
        await self._tell_polled()
        # The rows as they were are held by nobody else now.
        freed = list(before.values())
        before.clear()
        await let_go(freed)
        return {a.name for a in config.accounts if known.get(a.name) not in (None, (a.credential, a.way))}

    async def turn(self, target: Target, due: float) -> Outcome:
        """Poll a target that was due at `due` (monotonic seconds), and keep what came of it."""
        asked = self.state.row(target.key)
        outcome = await self.poller.poll(target, due)
        now = self.state.row(target.key)
        if asked is None or now is None or asked.place == now.place:  # or it is another endpoint's answer
            self.keep(target, outcome)
        return outcome

    def keep(self, target: Target, outcome: Outcome) -> None:
        """Remember what came of a turn."""
        change = self.state.record(target, outcome)
        if change is not None:
            self.journals.record(target.key, outcome)
            self.foresight.observe(change[1])
            _log_change(*change)

    async def flush(self) -> None:
        """Write what is to be written, and obey requests. Done every second."""
        if not self.loaded:
            try:
                await self._open()
                await self._tell_polled()
            except Locked:  # somebody was quicker: it is waited for
                self.store.write_errors += 1
        await self._guard.save()
        for _ in range(0, self.state.queue, BATCH):  # what is there now; what comes meanwhile can wait
            if not await self._write():
                break

    async def requests(self) -> list[str]:
        """The configured accounts that an operator asked to release by command; asked once.

        Of those that share a credential one stands for all: released one after the other, each
        would allow a call.
        """
        asked = await self.store.take_requests(time.time() - REQUESTED)  # by the clock of commands
        accounts = [account.name for account in self.config.accounts if account.name in asked]
        return list({self._guard.gate(account): account for account in accounts}.values())

    async def rearm(self, account: str) -> tuple[str, ...]:
        """Release a configured account, and those that share its credential: their names."""
        gate = self._guard.gate(account)
        await gate.rearm()
        return gate.accounts

    def may_ask(self, account: str, rfc: str) -> bool:
        """Whether a call for an RFC would go out now, or after those before it at the most."""
        line = self._lines[account]
        try:
            line.gate.check(rfc)
        except Held:
            return False
        return not line.limit.holds_off

    def kept_back(self, key: Key) -> float:
        """Seconds in which nothing is sent for a target: infinite while only a person can say."""
        if self.state.row(key) is None:
            return 0.0
        line = self._lines[key[0]]
        return max(line.gate.kept_back(key[1]), line.limit.quiet)

    def quiet(self, account: str) -> tuple[str, float]:
        """The endpoint of an account, and for how many seconds it gets no call: the PAC asked for that."""
        limit = self._lines[account].limit
        return limit.endpoint, limit.quiet

    async def leaders(self, account: str = "") -> list[tuple[Sequence[str], Key]]:
        """For each unproven credential, or that of one account, its accounts, and the target that goes first:
        of those that may be asked the one with the newest reading, as it is the least likely to be at fault
        itself. None before its first call and the first reading: then it makes no difference.
        """
        unproven = [self._guard.gate(account)] if account else self._guard.unproven()
        gates = {name: gate for gate in unproven for name in gate.accounts}
        newest: dict[Sequence[str], tuple[float, Key]] = {}
        async for row in slowly(self.state.rows() if gates else ()):
            gate, (_, rfc) = gates.get(row.target.account), row.target.key
            if gate is None or gate.goes_behind(rfc) or gate.set_aside(rfc):
                continue
            if row.reading is not None or gate.asked:
                found = row.reading.at if row.reading is not None else -math.inf, row.target.key
                newest[gate.accounts] = max(newest.get(gate.accounts, found), found)
        return [(accounts, key) for accounts, (_, key) in newest.items()]

    def waits_for_another(self, key: Key) -> bool:
        """Whether nothing keeps this target back but that another one of its account goes first."""
        if self.state.row(key) is None:
            return False
        gate = self._guard.gate(key[0])
        return gate.is_open and gate.goes_behind(key[1])

    def age(self, key: Key) -> float | None:
        """Seconds since the last poll of a target was sent."""
        row = self.state.row(key)
        return None if row is None or row.attempted_at is None else self._wall() - row.attempted_at

    async def thin(self) -> None:
        """Let history fade. Done every hour."""
        await self.store.thin(self._wall(), self.config.state.retention)

    def snapshot(self) -> Snapshot:
        """Everything that is shown, as of now."""
        return Snapshot(
            at=self._wall(),
            expire_after=self.config.poll.expire_after,
            rows=self.state.rows(),
            responses=self.state.responses(),
            accounts=[self._quiet_too(status) for status in self._guard.statuses()],
            endpoints=[limit.status() for limit in self._limits.values()],
            store=StoreStatus(self.loaded and self.store.writable, self.store.write_errors, self.state.queue),
        )

    def _quiet_too(self, status: AccountStatus) -> AccountStatus:
        """A call that waits does so for the endpoint, too."""
        quiet = self._lines[status.name].limit.quiet
        if status.next_call is None or not quiet:
            return status
        return replace(status, next_call=max(status.next_call, self._wall() + quiet))

    async def _open(self) -> None:
        try:
            loaded = await self.store.open([target.key for target in self.config.targets])
            adopted = await self._adopt(loaded)
        except StoreUnavailable as error:
            if self.store.write_errors == 0:
                log.error("no database: nothing is polled until it can be used", error=str(error))
            self.store.write_errors += 1
            self.trouble = str(error)
            return
        self.loaded, self.trouble = True, ""
        standings = loaded.standings  # not all that was loaded: the guard keeps it
        self._guard.restore(partial(recall, standings, self.store.fingerprint))
        self.state.restore(loaded.kept | adopted)

    async def _tell_polled(self) -> None:
        """Commands beside us read other files than we have loaded, if somebody has changed them since."""
        if self.loaded:
            fingerprint = self.store.fingerprint
            accounts = self.config.accounts
            await self.store.put_polled(
                {a.name: Polled(fingerprint(a.credential), a.place) for a in accounts}
            )

    async def _adopt(self, loaded: Loaded) -> dict[Key, Kept]:
        """What version 2 has stored is of the endpoint that is configured, if that version has asked there
        with the same login. Otherwise nobody knows: testing numbers must not stand for production.
        """
        orphans = {account for (account, _), kept in loaded.kept.items() if not kept.place}
        accounts = [account for account in self.config.accounts if account.name in orphans]
        fingerprint = self.store.fingerprint
        known = [a for a in accounts if any(fingerprint(one) in loaded.standings for one in a.spellings)]
        if lost := ", ".join(sorted({a.name for a in accounts} - {a.name for a in known})):
            log.warning(
                "what an older version has read is not shown: endpoint, user or password changed with the"
                " update; start once as it was to keep it",
                accounts=lost,
            )
        return await self.store.adopt({account.name: account.place for account in known})

    async def _write(self) -> bool:
        """Store some of what is to be stored."""
        dirty = self.state.take_dirty()
        written = False
        try:
            written = await self.store.write(dirty, self._wall())
        finally:  # also when cancelled by the end of the service, which flushes once more
            if written:
                self.state.commit(dirty)
            else:
                self.state.put_back(dirty)
        return written

    async def _remember(self, credential: Credential, standing: Standing) -> bool:
        if not self.loaded:
            return False
        return await self.store.save_standing(self.store.fingerprint(credential), standing)


def _rfcs_of_each(config: Config) -> Counter[Credential]:
    """How many RFCs each credential is used for. Accounts that share one may name the same RFC."""
    credentials = {account.name: account.credential for account in config.accounts}
    sharing = {key for key, number in Counter(credentials.values()).items() if number > 1}
    shared = {
        (credentials[target.account], target.rfc)
        for target in config.targets
        if credentials[target.account] in sharing
    }
    alone = (credentials[target.account] for target in config.targets)
    numbers = Counter(key for key in alone if key not in sharing)
    numbers.update(key for key, _ in shared)
    return numbers


def _log_change(before: Row, after: Row) -> None:
    """A line for a change of state, not for each poll; a held account has a line of its own."""
    was = before.last.reason if isinstance(before.last, Failure) else None
    last = after.last
    if isinstance(last, Failure):
        if last.sent and last.reason not in (was, Reason.REFUSED):
            log.warning(
                "no reading",
                account=after.target.account,
                rfc=after.target.rfc,
                reason=str(last.reason),
                code=last.code,
                text=last.text,
            )
    elif was is not None:
        log.info("reading again", account=after.target.account, rfc=after.target.rfc)
