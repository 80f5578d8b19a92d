"""The monitor inside the test, before a pretend PAC, on a clock that moves when the test says so."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from monitor.app import Monitor
from monitor.config import load
from monitor.simulator import Account, Pac
from tests.service import Exposition

EPOCH = 1_790_000_000.0  # what the wall clock says at the start
FIRST = 121.0  # seconds after which every target has had its first turn

USER = "ws@norte.example"
PASSWORD = "right horse"


class Clock:
    """Both clocks of the monitor: monotonic seconds, and the same on the wall."""

    now = 0.0
    step = 0.0  # of the wall alone

    def __call__(self) -> float:
        return self.now

    def wall(self) -> float:
        return EPOCH + self.now + self.step


@dataclass
class Page:
    """An answer of the service."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


async def ask(
    http: aiohttp.ClientSession,
    address: str,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
) -> Page:
    """One request; what comes is neither followed nor unpacked."""
    async with http.request(method, address, headers=headers, allow_redirects=False) as response:
        return Page(response.status, response.headers, await response.read())


@dataclass
class Watched:
    """A running monitor, the PAC that it asks, and the file that it was told by."""

    monitor: Monitor
    pac: Pac
    clock: Clock
    path: Path
    endpoint: str
    http: aiohttp.ClientSession

    async def get(self, path: str, method: str = "GET", **headers: str) -> Page:
        """Ask the service; `_` in the name of a header stands for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await ask(self.http, self.monitor.address + path, method, named)

    async def metrics(self) -> Exposition:
        page = await self.get("/metrics")
        assert page.status == 200, page.text
        return Exposition(page.text)

    async def until(self, condition: Callable[[Exposition], object]) -> Exposition:
        """The first scrape of which the condition is true."""
        async with asyncio.timeout(20):
            while not condition(scrape := await self.metrics()):
                await asyncio.sleep(0.01)
        return scrape

    async def first_polls(self, polls: int) -> Exposition:
        """Let the first turns come, and wait for so many polls."""
        self.clock.now += FIRST
        return await self.until(lambda m: m.total("timbres_polls_total") >= polls)

    def tell(self, *accounts: dict[str, Any], **rest: Any) -> None:
        """Write the configuration anew; nobody has read it yet."""
        write(self.path, *accounts, **rest)


def account(endpoint: str, *rfcs: object, name: str = "norte", **rest: Any) -> dict[str, Any]:
    """An account of the configuration."""
    login = {"username": USER, "password": PASSWORD}
    return {"name": name, "endpoint": endpoint, **login, "rfcs": list(rfcs), **rest}


def write(path: Path, *accounts: dict[str, Any], **rest: Any) -> None:
    """Write a configuration; JSON is YAML."""
    web = {"listen": "127.0.0.1:0", **rest.pop("web", {})}
    told = {"web": web, "accounts": list(accounts), **rest}
    path.write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
    path.chmod(0o600)


@asynccontextmanager
async def watching(
    directory: Path,
    pac: Pac,
    accounts: Callable[[str], list[dict[str, Any]]],
    remember: Callable[[Path], Awaitable[None]] | None = None,
    **rest: Any,
) -> AsyncIterator[Watched]:
    """Run the monitor for these accounts, made from the PAC's endpoint. `remember`: gives the configuration a
    database.
    """
    clock = Clock()
    path = directory / "config.yaml"
    http = aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=["Accept-Encoding"])
    async with pac.serve() as endpoint, http:
        write(path, *accounts(endpoint), **rest)
        if remember is not None:
            await remember(path)
        async with Monitor(load(path), clock=clock, wall=clock.wall) as monitor:
            yield Watched(monitor, pac, clock, path, endpoint, http)


def paying(issuers: dict[str, Any], **rest: Any) -> Account:
    """A customer of the PAC whose password is the right one."""
    return Account(USER, PASSWORD, issuers, **rest)
