"""The file, found in a state that can be used: created, checked, migrated, or begun anew."""

from pathlib import Path

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from monitor.store import schema, sqlite
from monitor.store.errors import Corrupt, StoreUnavailable

log = structlog.get_logger()


def find(path: Path) -> tuple[Engine, bool]:
    """The connection to a current database, and whether it was empty.

    A corrupt one is set aside, loudly, and a new one begun. Raises `StoreUnavailable`.
    """
    sqlite.create(path)
    sqlite.examine(path, lambda reason: _set_aside(path, reason))
    try:
        return _open(path)
    except Corrupt as error:
        _set_aside(path, str(error))
    with sqlite.faults(path):
        return _open(path)


def _set_aside(path: Path, reason: str) -> None:
    aside = sqlite.set_aside(path)
    log.error("database corrupt: set aside, a new one begun", file=str(path), aside=str(aside), reason=reason)


def _open(path: Path) -> tuple[Engine, bool]:
    sqlite.create(path)
    engine = sqlite.engine(path)
    try:
        with engine.begin() as connection:
            return engine, schema.prepare(connection, path)
    except BaseException as error:
        engine.dispose()
        if isinstance(error, DBAPIError):
            if sqlite.is_corrupt(error):
                raise Corrupt(str(error.orig)) from None
            raise StoreUnavailable(f"{path}: {error.orig}") from None
        raise
