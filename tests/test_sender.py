"""The direct sender, against pretend Alertmanagers on real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from monitor.alerts import Alert, Sender, send_test
from monitor.alerts.sender import BATCH, LEASE, RESEND, RESOLVED_FOR
from tests.clock import Clock

NOW = 1_790_000_000.0


class Alertmanager:
    """Takes alerts, or does not."""

    def __init__(self) -> None:
        self.posts: list[list[dict[str, Any]]] = []
        self.status = 200
        self.silent: asyncio.Event | None = None
        self.address = ""

    async def handle(self, request: web.Request) -> web.Response:
        assert request.path == "/api/v2/alerts"
        if self.silent is not None:
            await self.silent.wait()
        posts = await request.json()
        if self.status == 200:
            self.posts.append(posts)
        return web.Response(status=self.status)

    def names(self) -> list[list[str]]:
        return [[alert["labels"]["alertname"] for alert in post] for post in self.posts]


@asynccontextmanager
async def alertmanager() -> AsyncIterator[Alertmanager]:
    made = Alertmanager()
    app = web.Application()
    app.router.add_post("/{rest:.*}", made.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()


class Sending:
    """A sender with a clock of its own, and what it observed."""

    def __init__(self, http: aiohttp.ClientSession, *managers: Alertmanager) -> None:
        self.clock = Clock(0.0)
        self.seen: list[tuple[str, int, bool]] = []
        self.addresses = [manager.address for manager in managers]
        self.sender = Sender(http, lambda *seen: self.seen.append(seen), self.clock)

    async def __call__(self, *names: str, after: float = 0.0) -> None:
        self.clock.now += after
        await self.sender.send(map(alert, names), NOW + self.clock.now, self.addresses)


def alert(name: str) -> Alert:
    return Alert((("account", "norte"), ("alertname", name)), {"summary": f"about {name}"})


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def ends(post: dict[str, Any]) -> float:
    return datetime.fromisoformat(post["endsAt"]).timestamp() - NOW


async def test_the_first_is_sent_at_once_and_everything_each_minute(http: aiohttp.ClientSession) -> None:
    async with alertmanager() as manager:
        send = Sending(http, manager)
        await send("A")
        await send("A", after=5)
        await send("A", "B", after=5)  # B is new
        await send("A", "B", after=RESEND - 15)
        assert manager.names() == [["A"], ["B"]]
        await send("A", "B", after=5)
        assert manager.names() == [["A"], ["B"], ["A", "B"]]


async def test_an_alert_ends_four_minutes_ahead_and_keeps_its_beginning(http: aiohttp.ClientSession) -> None:
    async with alertmanager() as manager:
        send = Sending(http, manager)
        await send("A")
        await send("A", after=RESEND)
        first, second = (post[0] for post in manager.posts)
        assert (ends(first), ends(second)) == (LEASE, RESEND + LEASE)
        assert first["startsAt"] == second["startsAt"]
        assert second["labels"] == {"account": "norte", "alertname": "A"}
        assert second["annotations"] == {"summary": "about A"}


async def test_what_is_resolved_is_told_at_once_and_for_a_quarter_of_an_hour(
    http: aiohttp.ClientSession,
) -> None:
    async with alertmanager() as manager:
        send = Sending(http, manager)
        await send("A")
        await send(after=5)
        assert ends(manager.posts[-1][0]) == 5
        for _ in range(30):
            await send(after=RESEND)
        resolved = manager.posts[1:]
        assert {ends(post[0]) for post in resolved} == {5}
        assert len(resolved) == 1 + RESOLVED_FOR // RESEND - 1


async def test_what_comes_back_is_firing_and_no_longer_resolved(http: aiohttp.ClientSession) -> None:
    async with alertmanager() as manager:
        send = Sending(http, manager)
        await send("A")
        await send(after=5)
        await send("A", after=5)
        await send("A", after=RESEND)
        assert manager.names()[-2:] == [["A"], ["A"]]
        assert ends(manager.posts[-1][0]) > 70


async def test_many_alerts_go_in_batches(http: aiohttp.ClientSession) -> None:
    async with alertmanager() as manager:
        send = Sending(http, manager)
        await send(*(f"A{n}" for n in range(2 * BATCH + 1)))
        assert [len(post) for post in manager.posts] == [BATCH, BATCH, 1]


async def test_every_alertmanager_is_told_and_one_that_is_down_or_slow_hinders_no_other(
    http: aiohttp.ClientSession,
) -> None:
    async with alertmanager() as slow, alertmanager() as good, alertmanager() as gone:
        send = Sending(http, slow, good, gone)
        slow.silent = asyncio.Event()
        send.addresses[2] = "http://127.0.0.1:9"
        task = asyncio.create_task(send("A"))
        while not good.posts:
            await asyncio.sleep(0.01)
        assert not task.done()
        slow.silent.set()
        await task
        assert slow.names() == good.names() == [["A"]]
        assert sorted(ok for _, _, ok in send.seen) == [False, True, True]


async def test_a_refusal_is_counted_and_said_again_a_minute_later(http: aiohttp.ClientSession) -> None:
    async with alertmanager() as manager:
        send = Sending(http, manager)
        manager.status = 400
        await send("A")
        assert send.seen == [(manager.address, 1, False)]
        manager.status = 200
        await send("A", after=RESEND)
        assert manager.names() == [["A"]]
        assert send.seen[-1] == (manager.address, 1, True)


async def test_a_test_alert_says_that_it_is_one() -> None:
    async with alertmanager() as manager:
        faults = await send_test([manager.address, "http://127.0.0.1:9"], NOW)
        assert faults[manager.address] is None
        assert "no connection" in (faults["http://127.0.0.1:9"] or "")
        (post,) = manager.posts
        assert post[0]["labels"] == {"alertname": "TimbresTest", "severity": "warning", "test": "true"}


async def test_one_that_was_away_is_told_everything_with_the_next_news(http: aiohttp.ClientSession) -> None:
    async with alertmanager() as back, alertmanager() as good:
        send = Sending(http, back, good)
        await send("A")
        back.status = 500
        await send("A", "B", after=5)
        back.status = 200
        await send("A", "B", "C", after=5)
        assert back.names() == [["A"], ["A", "B", "C"]]
        assert good.names() == [["A"], ["B"], ["C"]]
