"""Connections are kept, not for ever, and not to servers that break them. Looking names up delays nobody."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import aiohttp
import pytest

from monitor.model import Quota
from monitor.pac import Connections, PacError, Service
from monitor.pac.connections import MAX_AGE, ONE_EACH
from tests import issuers
from tests.clock import Clock
from tests.premises import IMPATIENT
from tests.service import running
from tests.test_pac import RFC, account, fields

BROKEN = ""  # an answer that is none: the connection ends without a byte


@dataclass
class Server:
    """One that tells its connections apart. `answers`: of the n-th request of a connection."""

    answers: Callable[[int], str]
    requests: list[int] = field(default_factory=list)  # of each connection
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        finally:
            server.close()
            for writer in self.writers:
                writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = len(self.requests)
        self.requests.append(0)
        self.writers.append(writer)
        for number in count(1):
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            length = re.search(rb"Content-Length: (\d+)", head)
            assert length is not None
            await reader.readexactly(int(length[1]))
            self.requests[mine] += 1
            answer = self.answers(number)
            if answer == BROKEN:
                break
            body = fields() if answer == "200" else b"<html>"
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        writer.close()


async def outcome(url: str, connections: Connections) -> str:
    try:
        assert await Service(account(url), 1.0, "0").get_timbres(connections, RFC) == Quota(100, 40, 60)
    except PacError as error:
        return error.code
    return "200"


async def test_many_polls_share_a_connection_but_none_is_older_than_five_minutes() -> None:
    clock = Clock(0.0)
    server = Server(lambda _: "200")
    async with server.serve() as url, Connections(clock) as connections:
        for _ in range(10):
            await outcome(url, connections)
            clock.now += MAX_AGE / 9
        assert server.requests == [10]
        clock.now += 1
        await outcome(url, connections)
    assert server.requests == [10, 1]


async def test_after_an_answer_that_is_none_the_next_call_has_a_fresh_connection() -> None:
    server = Server(lambda number: "200" if number < 3 else "html")
    async with server.serve() as url, Connections() as connections:
        assert [await outcome(url, connections) for _ in range(4)] == ["200", "200", "not_soap", "200"]
    assert server.requests == [3, 1]


async def test_a_server_that_breaks_kept_connections_costs_one_poll_and_is_called_anew_each_time() -> None:
    clock = Clock(0.0)
    server = Server(lambda number: "200" if number == 1 else BROKEN)
    async with server.serve() as url, Connections(clock) as connections:
        assert [await outcome(url, connections) for _ in range(5)] == ["200", "reset", "200", "200", "200"]
        clock.now += ONE_EACH + MAX_AGE  # then it is tried whether it still does
        assert [await outcome(url, connections) for _ in range(4)] == ["200", "reset", "200", "200"]


async def test_a_server_that_breaks_new_connections_is_not_taken_for_one() -> None:
    answers = iter([BROKEN, BROKEN, "200", "200"])
    server = Server(lambda _: next(answers))
    async with server.serve() as url, Connections() as connections:
        assert [await outcome(url, connections) for _ in range(4)] == ["reset", "reset", "200", "200"]
    assert server.requests == [1, 1, 2]


async def test_calls_under_way_end_on_the_connections_that_they_began_with() -> None:
    server = Server(lambda _: "200")
    clock = Clock(0.0)
    async with server.serve() as url, Connections(clock) as connections:
        async with connections.to("origin") as http:
            clock.now += MAX_AGE + 1
            async with connections.to("origin") as other:
                assert other is not http
            assert not http.closed
            async with http.post(url, data=b"x", headers={"Content-Length": "1"}) as response:
                assert response.status == 200
        assert http.closed


async def test_calls_that_find_connections_too_old_at_the_same_time_share_the_new_ones() -> None:
    server = Server(lambda _: "200")
    clock = Clock(0.0)
    made: list[aiohttp.ClientSession] = []

    async def call(url: str, connections: Connections) -> None:
        async with connections.to("origin") as http, http.post(url, data=b"x") as response:
            made.append(http)
            assert response.status == 200

    async with server.serve() as url, Connections(clock) as connections:
        await call(url, connections)
        clock.now += MAX_AGE + 1
        await asyncio.gather(*(call(url, connections) for _ in range(5)))
        assert made[0].closed
        assert len(set(made)) == 2
    assert all(http.closed for http in made)


@pytest.mark.slow
async def test_names_that_nobody_resolves_delay_neither_a_reload_nor_the_end(tmp_path: Path) -> None:
    stuck = [f"pac{number}.example" for number in range(120)]
    told = [
        {
            "name": name,
            "endpoint": f"https://{name}/ws",
            "username": "u",
            "password": "p",
            "rfcs": [RFC],
            "interval": "1m",
        }
        for name in stuck
    ]
    web = {"listen": "127.0.0.1:0", "lifecycle": True}
    poll = {"timeout": "25s", "max_in_flight": 120}
    config = issuers.write(tmp_path / "config.yaml", {"web": web, "poll": poll, "accounts": told})
    names = tmp_path / "stuck"
    names.write_text("\n".join(stuck))
    async with running(config, "--stuck", str(names), program=IMPATIENT) as service:
        await service.until(lambda m: m.total("timbres_polls_in_flight") >= 12)
        async with asyncio.timeout(10):
            async with service.http.post(f"{service.address}/-/reload") as response:
                assert (response.status, await response.text()) == (200, "Reloaded\n")
            assert await service.stop() == 0
