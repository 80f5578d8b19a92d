"""HTTP connections to the PACs: kept, so that most polls pay for no TLS handshake, but not for ever.

A name may come to stand for another address, which nobody notices on a connection that is never let go; and
there are servers that break a kept connection at its second request, time after time.
"""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from monitor.pac.errors import PacError

MAX_AGE = 5 * 60.0  # seconds that connections are kept
ONE_EACH = 10 * 60.0  # seconds without kept connections, after a used one broke without a word

_BROKEN = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError)


class Resolver(AbstractResolver):
    """Looks names up, each in a thread of its own. Those of asyncio are waited for at the end of the process,
    however long a resolver takes, and are needed for other work.
    """

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        look_up = partial(
            socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
        numeric = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
        found = []
        for of, _, protocol, _, address in await _in_thread(look_up):
            name, _ = socket.getnameinfo(address, numeric)  # with the scope that a local address may have
            flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
            found.append(
                ResolveResult(
                    hostname=host, host=name, port=address[1], family=of, proto=protocol, flags=flags
                )
            )
        return found

    async def close(self) -> None:
        pass


async def _in_thread(work: Callable[[], Any]) -> Any:
    """What `work` returns. Nobody waits for its thread but who awaits this."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    told: list[Any] = []

    def tell(result: Any) -> None:
        told.append(result)
        done.set()

    def run() -> None:
        result: Any
        try:
            result = work()
        except Exception as error:  # noqa: BLE001  # raised where it is awaited
            result = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, result)

    threading.Thread(target=run, daemon=True, name="resolve").start()
    await done.wait()
    if isinstance(told[0], Exception):
        raise told[0]
    return told[0]


def session(*, keeps: bool = True) -> aiohttp.ClientSession:
    """An HTTP client that follows our rules."""
    return aiohttp.ClientSession(
        # `limit` decides how many calls at once.
        connector=aiohttp.TCPConnector(limit=0, force_close=not keeps, resolver=Resolver()),
        cookie_jar=aiohttp.DummyCookieJar(),  # a session cookie would tie accounts together
        auto_decompress=False,  # 1.6 KB of brotli can become 1 GiB
        trust_env=False,
    )


class Kept:
    """The connections to one origin, until they are renewed."""

    def __init__(self, keeps: bool, now: float) -> None:
        self.http = session(keeps=keeps)
        self.since = now
        self.calls = 0  # under way
        self.answers = 0
        self.retired = False

    async def let_go(self) -> None:
        """Close them if nobody needs them any more."""
        if self.retired and not self.calls:
            await self.http.close()


class Connections:
    """All of them: `async with connections.to(origin) as http: call`.

    The outcome of the block decides on what comes: after an answer that is none the next call has a fresh
    connection.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, Kept] = {}
        self._one_each: dict[str, float] = {}  # origins whose connections are not kept, and until when

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of all. Calls under way break."""
        for kept in self._kept.values():
            await kept.http.close()
        self._kept.clear()

    @asynccontextmanager
    async def to(self, origin: str) -> AsyncIterator[aiohttp.ClientSession]:
        """What to call an origin with. What the block raises is raised."""
        kept, stale = self._of(origin)
        kept.calls += 1
        try:
            if stale is not None:
                await stale.let_go()
            yield kept.http
            kept.answers += 1
        except PacError as error:
            kept.answers += 1
            if not error.code.isdigit():  # a status of the PAC is an answer
                self._retire(origin, kept)
            raise
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, _BROKEN) and kept.answers:
                self._one_each[origin] = self._clock() + ONE_EACH
            self._retire(origin, kept)
            raise
        finally:
            kept.calls -= 1
            await kept.let_go()

    def _of(self, origin: str) -> tuple[Kept, Kept | None]:
        """The connections to an origin, and those that have grown too old. Without an await: nobody makes
        some at the same time.
        """
        now = self._clock()
        kept = stale = self._kept.get(origin)
        if kept is None or now - kept.since > MAX_AGE:
            if kept is not None:
                self._retire(origin, kept)
            kept = self._kept[origin] = Kept(self._one_each.get(origin, now) <= now, now)
        return kept, stale if stale is not kept else None

    def _retire(self, origin: str, kept: Kept) -> None:
        """The next call gets others. Calls under way end on these."""
        kept.retired = True
        if self._kept.get(origin) is kept:
            del self._kept[origin]
