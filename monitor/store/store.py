"""What outlives the process: last readings, history, holds, requests to re-arm."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import structlog

from monitor.model import Kept, Key, Standing
from monitor.store import key, sqlite
from monitor.store.errors import Locked, StoreUnavailable
from monitor.store.ledger import Ledger
from monitor.store.rows import Loaded, Point, Polled
from monitor.store.thinning import fadings

log = structlog.get_logger()

T = TypeVar("T")


class Store:
    """The database of one service. All work is done in a thread of its own, in the order of the calls.

    Once open, nothing here raises for trouble with files: what could not be written is told by
    `False`, counted, and kept by the caller. The next call tries again.
    """

    def __init__(self, url: str, brief: bool = False) -> None:
        self.writable = True  # the last write worked
        self.write_errors = 0
        self._ledger = Ledger(sqlite.file_of(url), brief)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._opened = False
        self._closed = False

    async def open(self, known: Iterable[Key] = ()) -> Loaded:
        """Take the lock, find or begin the database, and tell what it holds. Of keys that are `known` the
        same objects are told.

        Raises `Locked` if another process has it, and `StoreUnavailable` if it cannot be read
        now: the lock is kept if it was got, and `open` may be called again.
        """
        loaded = await self._run(partial(self._ledger.open, known))
        self._opened = True
        return loaded

    async def adopt(self, places: Mapping[str, str]) -> dict[Key, Kept]:
        """Give the targets of these accounts that version 2 has stored the endpoint that it did not know: how
        they are now. Raises `StoreUnavailable`.
        """
        return await self._use(partial(self._ledger.adopt, places))

    async def close(self) -> None:
        """Finish what was begun and release the lock."""
        if self._closed:
            return
        self._closed = True
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._ledger.close)
        finally:
            self._thread.shutdown(wait=False)

    def fingerprint(self, credential: tuple[str, str, str]) -> str:
        """The keyed hash by which a credential (see `Account.credential`) is known. Once open."""
        if not self._opened:
            raise RuntimeError("the store is not open")
        return key.fingerprint(self._ledger.key, credential)

    async def save_standing(self, fingerprint: str, standing: Standing) -> bool:
        """Store what is known of a credential: durable once `True`."""
        return await self._write(partial(self._ledger.put_standing, fingerprint, standing))

    async def write(self, kept: Mapping[Key, Kept], at: float) -> bool:
        """Store the latest of targets, all or nothing: durable once `True`. `at`: now, epoch seconds.

        A target whose numbers differ from those stored gets a row of history, dated with its reading.
        """
        return await self._write(partial(self._ledger.put, kept, at))

    async def write_past(self, steps: Iterable[Mapping[Key, Kept]], at: float) -> bool:
        """Store what `write` would if it were called for each step in turn, all or nothing."""
        return await self._write(partial(self._ledger.put_past, steps, at))

    async def take_requests(self, since: float) -> list[str]:
        """The accounts that somebody has asked to re-arm `since` then (epoch seconds), in order, told once;
        none if that cannot be done now.
        """
        return await self._read(partial(self._ledger.take_requests, since), [])

    async def put_polled(self, polled: Mapping[str, Polled]) -> bool:
        """Store how each account is polled, for commands beside."""
        return await self._write(partial(self._ledger.put_polled, polled))

    async def histories(self, places: Mapping[Key, str], since: float) -> dict[Key, list[Point]]:
        """The changes of each of these targets from `since` (epoch seconds) on, by time, at the endpoint that
        it is asked at; of those that are not stored there, or unreadable now, nothing.

        The first may be an earlier one: it says how things were at `since`.
        """
        return await self._read(partial(self._ledger.histories, places, since), {})

    async def history(self, key: Key, since: float, place: str = "") -> list[Point]:
        """`histories` of one target."""
        return (await self.histories({key: place}, since)).get(key, [])

    async def thin(self, now: float, retention: float) -> None:
        """Let history fade as of `now` (epoch seconds), and forget targets not attempted for
        `retention` seconds. In small steps, between which other calls get their turn; the next
        call goes on where this one failed.
        """
        try:
            for fading in fadings(now, retention):
                after: int | None = 0
                while after is not None:
                    after = await self._use(partial(self._ledger.thin, fading, after))
            while await self._use(partial(self._ledger.forget, now - retention)):
                pass
        except (Locked, StoreUnavailable) as error:
            self._failed(error)

    async def _write(self, work: Callable[[], None]) -> bool:
        try:
            await self._use(work)
        except (Locked, StoreUnavailable) as error:
            self._failed(error)
            return False
        if not self.writable:
            log.info("state written again")
        self.writable = True
        return True

    def _failed(self, error: Exception) -> None:
        self.write_errors += 1
        if self.writable:
            log.error("state not written", error=str(error))
        self.writable = False

    async def _read(self, work: Callable[[], T], otherwise: T) -> T:
        try:
            return await self._use(work)
        except (Locked, StoreUnavailable):
            return otherwise  # the next write says why

    async def _use(self, work: Callable[[], T]) -> T:
        if not self._opened:  # what is stored must be known before anything is written over it
            raise StoreUnavailable("the store is not open")
        return await self._run(work)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
