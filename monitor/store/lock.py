"""One process polls: the holder of the lock beside the database."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from monitor.store import files
from monitor.store.errors import Locked, unavailable

_BRIEF = "command"


class Lock:
    """An flock: the kernel releases it however the process ends. The file stays, and says who has it.

    `brief`: for the time of a command.
    """

    def __init__(self, path: Path, brief: bool = False) -> None:
        self._path = path
        self._brief = brief
        self._file: int | None = None

    def take(self) -> None:
        """Take it, or see that it is still held. Raises `Locked`, `StoreUnavailable`."""
        if self._file is not None:
            if files.identity(self._path) == files.identity(self._file):
                return
            # Whoever removed the file took the lock away: another process may hold the new one.
            self.release()
        with unavailable(self._path):
            try:
                file = files.create(self._path)
            except FileExistsError:
                file = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
            try:
                self._lock(file)
            except BaseException:
                os.close(file)
                raise
        self._file = file

    def release(self) -> None:
        """Let others have it. Releasing twice does nothing."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _lock(self, file: int) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder, _, kind = os.pread(file, 40, 0).decode("ascii", "replace").strip().partition(" ")
            by = f"process {holder}" if holder.isdecimal() else "another process"
            raise Locked(f"{self._path} is locked by {by}", by, brief=kind == _BRIEF) from None
        with suppress(OSError):  # for people only; a full disk is found out where it matters
            os.ftruncate(file, 0)
            os.pwrite(file, f"{os.getpid()} {_BRIEF if self._brief else 'service'}\n".encode(), 0)
