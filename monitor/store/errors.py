"""Why the store is not there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Locked(Exception):
    """Another process holds the lock: only its holder polls."""


class StoreUnavailable(Exception):
    """The database cannot be opened, created or read now; it may be worth trying again later."""


class Corrupt(Exception):
    """The file is no database, or not as we wrote it. Never leaves the package: it is set aside."""


@contextmanager
def unavailable(path: Path) -> Iterator[None]:
    """Whatever the system says about `path`, as one line."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror or error}") from None
