"""Files that only we may read, and whether a path still leads to the same one."""

import os
from contextlib import suppress
from pathlib import Path

Identity = tuple[int, int]


def beside(path: Path, suffix: str) -> Path:
    """The file of the same name with `suffix` at its end."""
    return path.with_name(path.name + suffix)


def create(path: Path) -> int:
    """A new file of mode 0600, whatever the umask. Raises `FileExistsError`."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    os.fchmod(file, 0o600)
    return file


def reserve(path: Path, amount: int) -> None:
    """A file of so many bytes, at least, that are really on the disk: what it lacks is written whole or not
    at all, and does not compress. Raises `OSError`.
    """
    with suppress(FileExistsError):
        os.close(create(path))
    there = size(path)
    if there >= amount:
        return
    try:
        with path.open("ab") as file:
            file.write(os.urandom(amount - there))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        os.truncate(path, there)
        raise


def give_back(path: Path, amount: int) -> bool:
    """Give some room of a reserve back to the disk; whether there was any left. Raises `OSError`."""
    left = size(path)
    if left:
        os.truncate(path, max(0, left - amount))
    return left > 0


def sync_directory(path: Path) -> None:
    """Make names created or changed beside `path` outlive a power failure."""
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def identity(file: Path | int) -> Identity | None:
    """Which file this is; `None` if there is none."""
    try:
        found = os.fstat(file) if isinstance(file, int) else file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def size(path: Path) -> int:
    """In bytes; 0 if there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
