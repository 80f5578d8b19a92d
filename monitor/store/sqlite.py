"""What is peculiar to SQLite: the file, its pragmas, its error codes. The rest of the package is portable."""

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, StaticPool, create_engine, event
from sqlalchemy.exc import DBAPIError

from monitor.store import files
from monitor.store.errors import Corrupt, StoreUnavailable, unavailable

_PREFIX = "sqlite:///"

#: Seconds to wait for somebody else's transaction. Ours wait in line for it.
PATIENCE = 1.0

#: Errors that leave the connection as good as it was.
_PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL}
_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def file_of(url: str) -> Path:
    """The absolute path in `url`, which is not percent-encoded. Symbolic links are followed:
    lock and key lie beside the file itself.
    """
    if not url.startswith(_PREFIX):
        raise ValueError("the state is kept in a file of SQLite: sqlite:////absolute/path")
    return Path(os.path.realpath(url.removeprefix(_PREFIX)))


def engine(path: Path, options: str = "mode=rw", patience: float = PATIENCE) -> Engine:
    """One connection to an existing file. It opens with the first use."""
    made = create_engine(
        "sqlite://",
        creator=lambda: _connect(path, options, patience),
        poolclass=StaticPool,
        hide_parameters=True,
    )
    event.listen(made, "connect", _configure if options == "mode=rw" else _observe)
    event.listen(made, "begin", _begin)
    return made


def _connect(path: Path, options: str, patience: float) -> sqlite3.Connection:
    # The driver begins no transactions of its own: `_begin` does.
    return sqlite3.connect(f"{path.as_uri()}?{options}", uri=True, timeout=patience, isolation_level=None)


def _configure(connection: sqlite3.Connection, _: Any) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # what is committed outlives a power failure
    connection.execute("PRAGMA journal_size_limit = 16777216")  # a large batch leaves no large file


def _observe(connection: sqlite3.Connection, _: Any) -> None:
    connection.execute("PRAGMA query_only = ON")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def create(path: Path) -> None:
    """See to it that there is a file; SQLite gives its companions the same mode.

    Raises `StoreUnavailable`.
    """
    with unavailable(path):
        try:
            os.close(files.create(path))
        except FileExistsError:
            if not stat.S_ISREG(path.stat().st_mode):
                raise StoreUnavailable(f"{path}: not a file") from None
        else:
            files.sync_directory(path)


def examine(path: Path, damaged: Callable[[str], None]) -> None:
    """Look at every page, and call `damaged` if one is not right. Raises `StoreUnavailable`.

    It is called before the file is closed: closing would write the log into what is left of the
    database, and remove it.
    """
    try:
        connection = _connect(path, "mode=rw", PATIENCE)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{path}: {error}") from None
    with closing(connection):
        try:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.Error as error:
            if _code(error) not in _CORRUPT:
                raise StoreUnavailable(f"{path}: {error}") from None
            found = str(error)
        if found != "ok":
            damaged(found.replace("\n", " "))


def set_aside(path: Path) -> Path:
    """Rename the database with its companions, over nothing, and tell what it is called now.

    Raises `StoreUnavailable`.
    """
    stamp = datetime.now(UTC).strftime(".corrupt-%Y%m%dT%H%M%SZ")
    aside, number = files.beside(path, stamp), 1
    while any(os.path.lexists(f"{aside}{suffix}") for suffix in ("", "-wal", "-shm")):
        number += 1
        aside = files.beside(path, f"{stamp}-{number}")
    with unavailable(path):
        # The database first: SQLite drops a log that it finds beside a new, empty one.
        path.rename(aside)
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                files.beside(path, suffix).rename(files.beside(aside, suffix))
        files.sync_directory(path)
    return aside


@contextmanager
def faults(path: Path) -> Iterator[None]:
    """Whatever SQLite says about the file, as one line of a `StoreUnavailable`."""
    try:
        yield
    except DBAPIError as error:
        raise StoreUnavailable(f"{path}: {error.orig}") from None
    except Corrupt as error:
        raise StoreUnavailable(f"{path}: {error}") from None


def is_corrupt(error: DBAPIError) -> bool:
    """The file, not the moment, is at fault."""
    return _code(error.orig) in _CORRUPT


def is_passing(error: DBAPIError) -> bool:
    """The transaction failed and the connection is as good as it was."""
    return _code(error.orig) in _PASSING


def is_full(error: DBAPIError) -> bool:
    """There is no room on the disk. A log that cannot grow is an I/O error of a write."""
    extended = getattr(error.orig, "sqlite_errorcode", 0)
    return _code(error.orig) == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_WRITE


def _code(error: BaseException | None) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
