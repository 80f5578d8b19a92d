"""The monitor: builds the parts, takes over configurations, runs, closes in reverse order."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog
from aiohttp import web

from monitor import __version__, pac
from monitor.config import Config, ConfigError, Fault, Target, load
from monitor.guard import Credential, Guard
from monitor.limit import Limit
from monitor.metrics import Metrics
from monitor.model import Failure, Outcome, Reason, Standing
from monitor.poller import Line, Poller
from monitor.schedule import Schedule
from monitor.state import Row, Snapshot, State
from monitor.web import application

log = structlog.get_logger()

KEEP_ALIVE = 75.0  # seconds: aiohttp keeps silent connections for an hour


class Monitor:
    """The service of one configuration file: `async with Monitor(load(path)) as monitor`.

    Entering raises `OSError` if it cannot listen. `address` is where it listens.
    """

    version = __version__

    def __init__(
        self,
        config: Config,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.config = config
        self.ready = False
        self.address = ""
        self.metrics = Metrics(self.version)
        self.renderer = ThreadPoolExecutor(1, thread_name_prefix="render")
        self._clock = clock
        self._wall = wall
        self._guard = Guard(self._remember, clock=clock, wall=wall)
        self._limits: dict[str, Limit] = {}
        self._state = State()
        self._reloading = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._poller: Poller
        self._schedule: Schedule

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            stack.callback(self.renderer.shutdown, wait=False, cancel_futures=True)
            runner = web.AppRunner(
                application(self), access_log=None, keepalive_timeout=KEEP_ALIVE, shutdown_timeout=5.0
            )
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            site = web.TCPSite(runner, self.config.web.host, self.config.web.port)
            await site.start()
            host, port = runner.addresses[0][:2]
            self.address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            http = await stack.enter_async_context(pac.session())
            self._poller = Poller(http, self.metrics.observe_poll, clock=self._clock, wall=self._wall)
            self._schedule = Schedule(self._turn, clock=self._clock, wall=self._wall)
            await self._apply(self.config)
            self._schedule.start()
            stack.push_async_callback(self._stop)
            self._stack = stack.pop_all()
        self.ready = True
        log.info(
            "running", address=self.address, accounts=len(self.config.accounts), rfcs=len(self.config.targets)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def reload(self) -> Sequence[Fault]:
        """Read the configuration again. If it has faults, they are returned and nothing changes."""
        async with self._reloading:
            path: Path = self.config.path
            try:
                config = await asyncio.to_thread(load, path)
            except ConfigError as error:
                self.metrics.observe_reload(self._wall(), successful=False)
                for fault in error.faults:
                    log.error("configuration not reloaded", fault=str(fault))
                return error.faults
            if config.web.listen != self.config.web.listen:
                log.warning("web.listen changed: needs a restart", listen=config.web.listen)
            await self._apply(config)
            log.info("configuration reloaded", accounts=len(config.accounts), rfcs=len(config.targets))
            return ()

    def snapshot(self) -> Snapshot:
        """Everything that is shown, as of now."""
        return Snapshot(
            at=self._wall(),
            expire_after=self.config.poll.expire_after,
            rows=self._state.rows(),
            responses=self._state.responses(),
            accounts=self._guard.statuses(),
            endpoints=[limit.status() for limit in self._limits.values()],
        )

    async def _apply(self, config: Config) -> None:
        services = await asyncio.to_thread(
            lambda: {
                account.name: pac.Service(account, config.poll.timeout, self.version)
                for account in config.accounts
            }
        )
        # From here on without an await: nobody sees half of a configuration.
        known = {account.name: account.credential for account in self.config.accounts}
        self.config = config
        self._guard.apply(config.accounts, Counter(target.account for target in config.targets))
        self._limits = {
            endpoint: self._limits.get(endpoint) or Limit(endpoint, config.poll.max_in_flight, self._clock)
            for endpoint in dict.fromkeys(account.endpoint for account in config.accounts)
        }
        for limit in self._limits.values():
            limit.apply(config.poll.max_in_flight)
        self._poller.apply(
            {
                account.name: Line(
                    self._guard.gate(account.name), self._limits[account.endpoint], services[account.name]
                )
                for account in config.accounts
            }
        )
        self._state.apply(config.targets, [account.name for account in config.accounts])
        self._schedule.apply(config.targets)
        self._schedule.hasten(
            {a.name for a in config.accounts if known.get(a.name, a.credential) != a.credential}
        )
        self.metrics.observe_reload(self._wall(), successful=True)
        for warning in config.warnings:
            log.warning("configuration", warning=str(warning))

    async def _turn(self, target: Target, due: float) -> Outcome:
        outcome = await self._poller.poll(target, due)
        change = self._state.record(target, outcome)
        if change is not None:
            _log_change(*change)
        return outcome

    async def _remember(self, _credential: Credential, _standing: Standing) -> bool:
        return True

    async def _stop(self) -> None:
        self.ready = False
        await self._schedule.stop(self._poller.calling, self.config.poll.timeout)


def _log_change(before: Row, after: Row) -> None:
    """A line for a change of state, not for each poll; a held account has a line of its own."""
    was = before.last.reason if isinstance(before.last, Failure) else None
    last = after.last
    if isinstance(last, Failure):
        if last.reason not in (was, Reason.HELD, Reason.REFUSED):
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
