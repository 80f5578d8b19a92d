"""The service: core, schedule and web together; reloads, and closes in reverse order."""

import asyncio
import math
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Self

import aiohttp
import structlog
from aiohttp import web

from monitor import __version__, interpreter
from monitor.alerts import RESEND, Sender, firing
from monitor.config import Config, ConfigError, Fault, Target, load
from monitor.config.url import EVERYWHERE
from monitor.core import Core
from monitor.forecast import Habits
from monitor.guard import Waits
from monitor.journal import Journal
from monitor.limit import BRIEFLY
from monitor.metrics import Metrics
from monitor.model import Key, Outcome
from monitor.pac import Resolver
from monitor.schedule import Schedule
from monitor.slices import let_go
from monitor.state import Snapshot
from monitor.store import Point
from monitor.web import Silent, application

log = structlog.get_logger()

FORESEE = 10.0  # seconds between looks at what is to be forecast
ALERT = 5.0  # seconds between looks at what has crossed a threshold, for the direct sender
FLUSH = 1.0  # seconds between writes; a request to re-arm is obeyed within two
HUSH = 1.0  # seconds between looks at connections that ask for nothing
THIN = COLLECT = 3600.0
PROBE_AGE = 60.0  # seconds: a younger poll is good enough for a probe
KEEP_ALIVE = 75.0  # seconds: aiohttp keeps silent connections for an hour
GRACE = 1.0  # seconds beyond the timeout that a call has to end in when we stop


async def _hush(silent: Silent, runner: web.AppRunner) -> None:
    if runner.server is not None:
        silent.close(runner.server)


def _site(runner: web.AppRunner, host: str, port: int) -> web.BaseSite:
    """Where it listens. asyncio would take `::` for IPv6 alone; one socket takes IPv4 too."""
    if host != EVERYWHERE:
        return web.TCPSite(runner, host, port)
    dual = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if dual else socket.AF_INET
    return web.SockSite(runner, socket.create_server(("", port), family=family, dualstack_ipv6=dual))


class Monitor:
    """The service of one configuration file: `async with Monitor(load(path)) as monitor`.

    Entering raises `Locked` if another process has the database, and `OSError` if it cannot
    listen. `address` is where it listens. `look`, `resend`: seconds between the direct sender's looks
    at what has crossed a threshold, and between its posts of everything.
    """

    version = __version__

    def __init__(
        self,
        config: Config,
        *,
        waits: Waits | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        look: float = ALERT,
        resend: float = RESEND,
    ) -> None:
        self.address = ""
        self.metrics = Metrics(self.version)
        self.renderer = ThreadPoolExecutor(1, thread_name_prefix="render")
        self._listen = config.web.listen
        self._wall = wall
        self._core = Core(config, self.metrics.observe_poll, waits=waits, clock=clock, wall=wall)
        self._schedule = Schedule(self._turn, clock=clock, wall=wall)
        self._since = wall()
        self._look = look
        self._resend = resend
        self._sender: Sender
        self._running = False
        self._scheduled = False  # by what is stored
        self._started = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._this_reload: asyncio.Task[Sequence[Fault]] | None = None  # held, whoever waits for it
        self._next_reload: asyncio.Task[Sequence[Fault]] | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            stack.callback(self.renderer.shutdown, wait=False, cancel_futures=True)
            silent = Silent()
            runner = web.AppRunner(
                application(self, silent.middleware),
                access_log=None,
                keepalive_timeout=KEEP_ALIVE,
                shutdown_timeout=5.0,
            )
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            stack.callback(self._started.set)  # whatever happens, nobody waits longer
            await _site(runner, self.config.web.host, self.config.web.port).start()
            host, port = runner.addresses[0][:2]
            self.address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            await stack.enter_async_context(self._core)
            await self._core.foresight.begin(self.config.timezone)
            await self._applied(set())
            self._scheduled = self._core.loaded
            self._schedule.every(FLUSH, self._tend)
            self._schedule.every(HUSH, partial(_hush, silent, runner))
            self._schedule.every(THIN, self._core.thin)
            self._schedule.every(COLLECT, self._collect)
            self._schedule.every(FORESEE, self._foresee)
            self._sender = Sender(
                await stack.enter_async_context(
                    aiohttp.ClientSession(
                        connector=aiohttp.TCPConnector(resolver=Resolver()), trust_env=False
                    )
                ),
                self.metrics.observe_notifications,
                resend=self._resend,
            )
            self._schedule.every(self._look, self._alert)
            self._schedule.start()
            stack.push_async_callback(self._stop)
            self._stack = stack.pop_all()
        interpreter.loaded()
        self._running = True
        self._started.set()
        config = self.config
        log.info("running", address=self.address, accounts=len(config.accounts), rfcs=len(config.targets))
        for account in self.snapshot().accounts:
            if account.hold is not None:
                told = {"code": account.hold, "rfc": account.rfc, "answer": account.text}
                since = datetime.fromtimestamp(account.held_at or 0.0, UTC).isoformat(timespec="seconds")
                log.error("account is held since before", account=account.name, since=since, **told)
            elif account.next_call is not None:
                seconds = round(account.next_call - self._wall())
                log.warning("account still waits", account=account.name, seconds=seconds, answer=account.text)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self._core.config

    @property
    def ready(self) -> bool:
        """Configuration and stored readings are loaded, and polls go out."""
        return self._running and self._core.loaded and self._scheduled

    @property
    def trouble(self) -> str:
        """Why it is not ready for longer than a start takes; "" if nothing is wrong."""
        return self._core.trouble

    async def reload(self) -> Sequence[Fault]:
        """Read the configuration again. If it has faults, they are returned and nothing changes.

        Whoever asks while a reload is under way waits for the one after it, which all of them share.
        """
        if self._next_reload is None:
            self._next_reload = asyncio.create_task(self._reload())
        return await asyncio.shield(self._next_reload)

    async def _reload(self) -> Sequence[Fault]:
        async with self._reloading:
            # Who asks from now on may have written what this one has read.
            self._this_reload, self._next_reload = self._next_reload, None
            before = self.config
            try:
                config = await asyncio.to_thread(load, before.path)
            except ConfigError as error:
                self.metrics.observe_reload(self._wall(), successful=False)
                for fault in error.faults:
                    log.error("configuration not reloaded", fault=str(fault))
                return error.faults
            if config.web.listen != self._listen:
                log.warning("web.listen changed: needs a restart", listen=config.web.listen)
            if config.state.url != before.state.url:
                log.warning("state.url changed: needs a restart")
            places = {account.name: account.place for account in before.accounts}
            await self._applied(await self._core.apply(config))
            for account in config.accounts:
                if places.get(account.name, account.place) != account.place:
                    words = "endpoint changed: what the former one told is not shown"
                    log.info(words, account=account.name, endpoint=account.endpoint)
            freed = list(before.targets)
            del before  # nobody else has it now
            await let_go(freed)
            log.info("configuration reloaded", accounts=len(config.accounts), rfcs=len(config.targets))
            return ()

    async def rearm(self, account: str) -> bool:
        """Release a held account. Whether there is such an account."""
        if account not in (configured.name for configured in self.config.accounts):
            return False
        accounts = await self._core.rearm(account)
        await self._schedule.hasten(accounts)
        await self._lead()
        return True

    async def probe(self, account: str, rfc: str, patience: float | None = None) -> Snapshot | None:
        """What is known of one target, polled now unless it was lately or must wait; `None` if unknown. Not
        later than in `patience` seconds: a poll that takes longer goes on.
        """
        key = account, rfc
        if self._core.state.row(key) is None:
            return None
        age = self._core.age(key)
        # Below zero the wall clock went back: nobody knows how old it is.
        if (age is None or not 0 <= age < PROBE_AGE) and self._core.may_ask(account, rfc):
            task = self._schedule.ask(key)
            if task is not None:
                await asyncio.wait([task], timeout=patience)
        snapshot = self.snapshot()
        return replace(
            snapshot,
            rows=[row for row in snapshot.rows if row.target.key == key],
            responses={k: count for k, count in snapshot.responses.items() if k[0] == account},
            accounts=[status for status in snapshot.accounts if status.name == account],
            endpoints=[],
        )

    async def started(self) -> None:
        """Until what is stored is back, or cannot be read now."""
        await self._started.wait()

    def snapshot(self) -> Snapshot:
        """Everything that is shown, as of now."""
        return self._core.snapshot()

    def due(self, key: Key) -> float | None:
        """When the next poll of a target comes (epoch seconds); `None` while one is under way, or as long as
        none comes before a person has acted.
        """
        seconds, kept_back = self._schedule.next_due(key), self._core.kept_back(key)
        if kept_back == math.inf or (seconds is None and kept_back <= BRIEFLY):
            return None
        return self._wall() + max(seconds or 0.0, kept_back)

    def journal(self, key: Key) -> Journal:
        """The last polls of a target and its last failures, since the start."""
        return self._core.journals.of(key)

    async def history(self, key: Key, since: float) -> Sequence[Point]:
        """The changes of a target's numbers from `since` (epoch seconds) on; see `Monitored`."""
        row = self._core.state.row(key)
        return [] if row is None else await self._core.store.history(key, since, row.place)

    async def habits(self, key: Key) -> Habits | None:
        """What the forecast of a target is made of; `None` before 7 days of history."""
        return await self._core.foresight.habits(key, self.config.timezone)

    async def _applied(self, changed: set[str]) -> None:
        config = self.config
        await self._schedule.apply(config.targets, self._core.age)
        await self._schedule.hasten(changed)
        await self._lead()
        self.metrics.observe_reload(self._wall(), successful=True)
        for warning in config.warnings:
            log.warning("configuration", warning=str(warning))

    async def _turn(self, target: Target, due: float) -> Outcome:
        outcome = await self._core.turn(target, due)
        if self._core.waits_for_another(target.key):
            # The other one may be due in hours.
            await self._lead(target.account)
        return outcome

    async def _lead(self, account: str = "") -> None:
        await self._schedule.lead(await self._core.leaders(account))

    async def _tend(self) -> None:
        for account in await self._core.requests():
            await self.rearm(account)
        await self._core.flush()
        if self._core.loaded and not self._scheduled:
            # A database that came late tells when each target was asked, and which goes first.
            await self._schedule.apply(())
            await self._schedule.apply(self.config.targets, self._core.age)
            await self._lead()
            self._scheduled = True

    async def _collect(self) -> None:
        interpreter.collect()

    async def _foresee(self) -> None:
        await self._core.foresight.renew(self.config.timezone)

    async def _alert(self) -> None:
        alertmanagers = self.config.alertmanagers
        if not alertmanagers or not self._core.loaded:
            return
        snapshot = self.snapshot()
        alerts = await asyncio.get_running_loop().run_in_executor(
            self.renderer, lambda: list(firing(snapshot, self._since))
        )
        await self._sender.send(alerts, snapshot.at, alertmanagers)

    async def _stop(self) -> None:
        self._running = False
        reloads = [task for task in (self._next_reload, self._this_reload) if task is not None]
        for task in reloads:  # nothing is taken over any more
            task.cancel()
        await asyncio.gather(*reloads, return_exceptions=True)
        await self._schedule.stop(self._core.poller.calling, self.config.poll.timeout + GRACE)
