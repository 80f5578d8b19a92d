"""Why the store is not there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Locked(Exception):
    """Another process holds the lock: only its holder polls. `holder` names it; `brief`: a command, which
    ends by itself.
    """

    def __init__(self, text: str, holder: str = "another process", *, brief: bool = False) -> None:
        super().__init__(text)
        self.holder = holder
        self.brief = brief


class StoreUnavailable(Exception):
    """The database cannot be opened, created, read or written now; it may be worth trying again later.

    `full`: for want of room on the disk.
    """

    def __init__(self, text: str, *, full: bool = False) -> None:
        super().__init__(text)
        self.full = full


class Corrupt(Exception):
    """The file is no database, or not as we wrote it. Never leaves the package: it is set aside."""


@contextmanager
def unavailable(path: Path) -> Iterator[None]:
    """Whatever the system says about `path`, as one line."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror or error}") from None
