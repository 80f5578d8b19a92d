"""The lines of the log, written by a thread of their own: a reader who stalls keeps nobody else waiting."""

import atexit
import os
import queue
import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

MOST = 2_000  # lines that wait to be written: of a fleet that flaps, some seconds
LAST_WORDS = 1.0  # seconds that the end waits for them


class Lines:
    """A stream that never fails and never waits. It may be closed (`2>&-`), its reader may leave or stall,
    its disk may fill up: lines are lost, polls go on. `lost` is told how many were, once there is room again.
    """

    def __init__(self, stream: TextIO | None, lost: Callable[[int], None], most: int = MOST) -> None:
        self._stream = stream
        self._tell = lost
        self._waiting: queue.Queue[str] = queue.Queue(most)
        self._lock = threading.Lock()
        self._lost = 0
        self._thread: threading.Thread | None = None

    def write(self, text: str) -> int:
        """Have a line written, or lose it."""
        if self._stream is None:
            return len(text)
        try:
            self._waiting.put_nowait(text)
        except queue.Full:
            with self._lock:
                self._lost += 1
        if self._thread is None:
            self._begin()
        return len(text)

    def flush(self) -> None:
        pass  # the thread does

    def drain(self) -> None:
        """Wait until all is written, for a while."""
        until = time.monotonic() + LAST_WORDS
        while self._waiting.unfinished_tasks and time.monotonic() < until:
            time.sleep(0.005)

    def _begin(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="log")
                self._thread.start()
                atexit.register(self.drain)

    def _run(self) -> None:
        while True:
            text = self._waiting.get()
            with suppress(OSError, ValueError):
                self._put(text)
            self._waiting.task_done()
            with self._lock:
                lost, self._lost = self._lost, 0
            if lost:
                self._tell(lost)

    def _put(self, text: str) -> None:
        assert self._stream is not None  # noqa: S101  # or there is no thread
        try:
            file = self._stream.fileno()
        except (OSError, ValueError):  # it only looks like a file
            self._stream.write(text)
            self._stream.flush()
            return
        # Not by the stream itself, whose lock would be held while its reader stalls: the end needs it.
        data = text.encode(self._stream.encoding, "backslashreplace")
        while data:
            try:
                data = data[os.write(file, data) :]
            except BlockingIOError:
                select.select([], [file], [])
