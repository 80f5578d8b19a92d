"""Readings written by the monitor's store, or by sqlite3 alone.

`python -m bench.storing store|raw FOLDER BATCHES` prints the CPU seconds and how many readings they were.
"""

import asyncio
import sqlite3
import sys
import time
from pathlib import Path

from bench.product import say
from monitor.model import Kept, Key, Reading
from monitor.store import Store

BATCH = 333  # readings of a second
_TARGET = (
    "UPDATE target SET attempted_at=?, at=?, contracted=?, used=?, available=?, code=?, consumed=? WHERE id=?"
)
_HISTORY = "INSERT OR REPLACE INTO history VALUES (?, ?, ?, ?, ?, ?)"
_BEGIN = "INSERT INTO target (id, account, rfc, place, attempted_at) VALUES (?, 'banco', ?, '', 0)"


def batch(number: int) -> dict[Key, Kept]:
    """Every number has changed since the last: none is spared a row of history."""
    at = 1_790_000_000.0 + number
    reading = Reading(at, 1000, number % 900, 1000 - number % 900, "200")
    return {("banco", str(rfc)): Kept(at, reading, number) for rfc in range(BATCH)}


async def by_store(path: Path, batches: list[dict[Key, Kept]]) -> float:
    store = Store(f"sqlite:///{path}")
    await store.open()
    await store.write(batches[0], 0.0)
    began = time.process_time()
    for kept in batches[1:]:
        if not await store.write(kept, 0.0):
            raise SystemExit("not written")
    took = time.process_time() - began
    await store.close()
    return took


async def by_sqlite(path: Path, batches: list[dict[Key, Kept]]) -> float:
    """The same tables, made by the store, and the same care."""
    store = Store(f"sqlite:///{path}")
    await store.open()
    await store.close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.executemany(_BEGIN, [(number, str(number)) for number in range(BATCH)])
    rows = [
        (
            [(k.attempted_at, r.at, r.contracted, r.used, r.available, r.code, k.consumed, i), r]
            for i, k in enumerate(kept.values())
            if (r := k.reading) is not None
        )
        for kept in batches[1:]
    ]
    told = [list(part) for part in rows]
    began = time.process_time()
    for part in told:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(_TARGET, [values for values, _ in part])
        connection.executemany(
            _HISTORY,
            [(v[-1], int(r.at), r.contracted, r.used, r.available, v[-2]) for v, r in part],
        )
        connection.execute("COMMIT")
    took = time.process_time() - began
    connection.close()
    return took


async def main() -> None:
    way, folder, count = sys.argv[1:]
    batches = [batch(number) for number in range(int(count) + 1)]
    work = by_store if way == "store" else by_sqlite
    say({"cpu": await work(Path(folder) / "timbres.db", batches), "readings": BATCH * int(count)})


if __name__ == "__main__":
    asyncio.run(main())
