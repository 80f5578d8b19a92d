"""For commands beside a running service: a look, and a word. Neither creates a database or takes the lock."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from monitor.store import files, key, rows, schema, sqlite
from monitor.store.errors import StoreUnavailable, unavailable
from monitor.store.rows import Loaded

T = TypeVar("T")

#: Seconds: the service may be writing 100,000 targets at once.
_PATIENCE = 5.0


def is_there(url: str) -> bool:
    """Whether there is a database. Raises `StoreUnavailable` if the system cannot tell."""
    with unavailable(file := sqlite.file_of(url)):
        return file.is_file()


async def peek(url: str) -> Loaded:
    """What is stored, read without writing. Raises `StoreUnavailable`, also if there is nothing."""
    return await _aside(partial(_visit, sqlite.file_of(url), rows.load, read_only=True))


def recogniser(url: str) -> Callable[[tuple[str, str, str]], str]:
    """The `fingerprint` of the store at `url`. Raises `StoreUnavailable`, also if there is no key."""
    path = files.beside(sqlite.file_of(url), ".key")
    secret = key.read(path)
    if secret is None:
        raise StoreUnavailable(f"{path}: no key; has the service run?")
    return partial(key.fingerprint, secret)


async def request_rearm(url: str, accounts: Sequence[str]) -> list[int]:
    """Ask whoever polls to re-arm accounts: the numbers of the requests. Raises `StoreUnavailable`, also if
    there is no database.
    """
    ask = partial(rows.put_requests, accounts=accounts, at=time.time())
    return await _aside(partial(_visit, sqlite.file_of(url), ask, read_only=False))


async def withdraw(url: str, requests: Sequence[int]) -> bool:
    """Take requests back. Whether one of them was still there: nobody has obeyed it. Raises
    `StoreUnavailable`.
    """
    remove = partial(rows.remove_requests, numbers=requests)
    return await _aside(partial(_visit, sqlite.file_of(url), remove, read_only=False)) > 0


def _visit(path: Path, work: Callable[[Connection], T], read_only: bool) -> T:
    if not path.is_file():
        raise StoreUnavailable(f"{path}: no database; has the service run?")
    options = "mode=rw"
    if read_only:
        # Without a log there is no service: reading the file alone keeps SQLite from making one.
        options = "mode=ro" if files.beside(path, "-wal").exists() else "mode=ro&immutable=1"
    engine = sqlite.engine(path, options, _PATIENCE)
    try:
        with sqlite.faults(path):
            with engine.begin() as connection:
                schema.recognise(connection, path)
            with engine.begin() as connection:
                return work(connection)
    finally:
        engine.dispose()


async def _aside(work: Callable[[], T]) -> T:
    with ThreadPoolExecutor(1, thread_name_prefix="store") as thread:
        return await asyncio.get_running_loop().run_in_executor(thread, work)
