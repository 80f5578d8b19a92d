"""Connections that ask for nothing keep nobody from being answered."""

import asyncio
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import ClientSession, web

from monitor.log import EVERY, Repeated
from monitor.simulator import Pac
from monitor.web.silent import MOST, PATIENCE, Silent
from tests.clock import Clock
from tests.service import running
from tests.test_check import RFCS, account, configure, customer


def few_files(most: int) -> tuple[str, ...]:
    return "sh", "-c", f'ulimit -n {most}; exec "$@"', "sh"


@pytest.mark.parametrize(("files", "silent"), [(128, 150), pytest.param(1024, 1000, marks=pytest.mark.slow)])
async def test_silent_connections_stop_neither_polls_nor_scrapes(
    files: int, silent: int, tmp_path: Path
) -> None:
    pac = Pac([customer(dict.fromkeys(RFCS[:5], 1_000))])
    async with pac.serve() as url:
        config = configure(tmp_path, account(url, *RFCS[:5]))
        async with running(config, wrapper=few_files(files)) as service:
            before = await service.until(lambda m: m.total("timbres_up") == 5)
            host, port = service.address.removeprefix("http://").split(":")
            lines = len(service.log)
            with ExitStack() as stack:
                for _ in range(silent):
                    stack.enter_context(socket.create_connection((host, int(port))))
                polls = before.total("timbres_polls_total") + 25
                # A new connection each time: it must get in.
                async with ClientSession() as http, asyncio.timeout(40):
                    service.http = http
                    await service.until(lambda m: m.total("timbres_polls_total") > polls)
                service.http = ClientSession()
                assert len(service.log) - lines <= 5, service.log[lines:]
            await service.http.close()
            assert await service.stop() == 0


async def test_those_who_have_asked_stay_the_others_have_half_a_minute() -> None:
    clock = Clock(0.0)
    silent = Silent(clock)
    app = web.Application(middlewares=[silent.middleware])

    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    app.router.add_get("/", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    server: Any = runner.server
    asks, says_nothing, says_half = [await asyncio.open_connection(host, port) for _ in range(3)]
    asks[1].write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    says_half[1].write(b"GET / HTTP/1.1\r\nHost: x\r\n")
    assert (await asks[0].readline()).startswith(b"HTTP/1.1 200")
    silent.close(server)
    clock.now += PATIENCE + 1
    late = await asyncio.open_connection(host, port)
    while len(server.connections) < 4:
        await asyncio.sleep(0.01)
    silent.close(server)
    while len(server.connections) > 2:
        await asyncio.sleep(0.01)
    for reader, _ in (says_nothing, says_half):
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
    for _, writer in (asks, late):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await late[0].readline()).startswith(b"HTTP/1.1 200")
    many = [await asyncio.open_connection(host, port) for _ in range(MOST + 3)]
    while len(server.connections) < MOST + 5:
        await asyncio.sleep(0.01)
    silent.close(server)
    while len(server.connections) > MOST + 2:
        await asyncio.sleep(0.01)
    for _, writer in (asks, late, says_nothing, says_half, *many):
        writer.close()
    await runner.cleanup()


def test_the_same_fault_of_ours_is_told_once_a_minute_and_then_how_often_it_came() -> None:
    clock = Clock(0.0)
    told = Repeated(clock)
    with structlog.testing.capture_logs() as logs:
        for _ in range(1000):
            told.tell("OSError at x")
        told.tell("KeyError at y")
        clock.now += EVERY
        told.tell("OSError at x")
    assert [(line["error"], line.get("times_before")) for line in logs] == [
        ("OSError at x", None),
        ("KeyError at y", None),
        ("OSError at x", 999),
    ]
