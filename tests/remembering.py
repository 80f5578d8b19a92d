"""The service on a database that a process before has left."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from monitor.config import load
from monitor.model import Kept, Key, Reading
from monitor.simulator import Issuer, Pac
from monitor.store import Point, Store
from tests.watching import EPOCH, Watched, account, paying, watching

DAY = 86400.0


def points(days: int = 40, daily: int = 10, until: float = EPOCH) -> list[Point]:
    """So many stamps a day, until now."""
    used = [(until - day * DAY, daily * (days - day)) for day in range(days, -1, -1)]
    return [Point(at, 1000, stamps, 1000 - stamps, stamps) for at, stamps in used]


async def remember(path: Path, kept: dict[Key, Kept], past: dict[Key, list[Point]]) -> None:
    """Have the database of a configuration hold this."""
    config = load(path)
    places = {one.name: one.place for one in config.accounts}
    store = Store(config.state.url)
    await store.open()
    for key, changes in past.items():
        readings = [Reading(p.at, p.contracted, p.used, p.available, "200") for p in changes]
        steps = [
            {key: Kept(p.at, reading, p.consumed, place=places[key[0]])}
            for p, reading in zip(changes, readings, strict=True)
        ]
        assert await store.write_past(steps, EPOCH)
    assert await store.write({key: replace(one, place=places[key[0]]) for key, one in kept.items()}, EPOCH)
    await store.close()


@asynccontextmanager
async def started(
    directory: Path, told: list[str], kept: dict[Key, Kept], past: dict[Key, list[Point]]
) -> AsyncIterator[Watched]:
    """The service, started on a database of the process before; nothing is asked until the clock moves."""
    pac = Pac([paying({rfc: Issuer(1000, 400) for rfc in told})])

    def configured(url: str) -> list[dict[str, Any]]:
        return [account(url, *told)]

    async with watching(directory, pac, configured, lambda path: remember(path, kept, past)) as watched:
        yield watched
