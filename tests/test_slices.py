"""Long work leaves room for other work on the event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakSet

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from monitor.slices import SLICE, let_go, slowly
from monitor.web.parts import OFTEN, WRITE, answer


class Turns:
    """How often something else came to run."""

    def __init__(self) -> None:
        self.count = 0

    async def run(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.count += 1


@asynccontextmanager
async def others() -> AsyncIterator[Turns]:
    turns = Turns()
    task = asyncio.create_task(turns.run())
    yield turns
    task.cancel()


class Thing:
    """Something that tells when it is gone."""


async def test_every_item_comes_in_order_and_others_get_their_turns() -> None:
    async with others() as turns:
        assert [number async for number in slowly(range(10 * SLICE + 1))] == list(range(10 * SLICE + 1))
        assert turns.count >= 9


async def test_what_is_let_go_is_freed_bit_by_bit() -> None:
    things = [Thing() for _ in range(10 * SLICE)]
    alive = WeakSet(things)
    async with others() as turns:
        await let_go(things)
        assert turns.count >= 9
    assert len(alive) == 0


async def test_a_reader_quicker_than_us_does_not_stop_everything_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def taken(_response: web.StreamResponse, _data: bytes) -> None:
        """At once."""

    monkeypatch.setattr(web.StreamResponse, "write", taken)
    async with others() as turns:
        await answer(make_mocked_request("GET", "/"), [b"x" * WRITE] * (10 * OFTEN), {})
        assert turns.count >= 9
