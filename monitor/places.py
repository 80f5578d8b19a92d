"""Places to be taken by calls: a counting semaphore whose size may change while it is used."""

import asyncio
from collections import deque


class Places:
    """At most `size` places, handed over in order of arrival. Nobody overtakes."""

    __slots__ = ("_queue", "size", "used")

    def __init__(self, size: int) -> None:
        self.size = size
        self.used = 0
        self._queue: deque[asyncio.Future[bool]] = deque()

    async def take(self) -> bool:
        """Wait for a place. `False`: dismissed, and no place taken."""
        if self.used < self.size and not self._queue:
            self.used += 1
            return True
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue.append(future)
        try:
            return await future
        except asyncio.CancelledError:
            # Cancelled between being handed a place and running: hand it on.
            if not future.cancelled() and future.result():
                self.give()
            raise

    def give(self) -> None:
        """Give a place back."""
        self.used -= 1
        self._serve()

    def resize(self, size: int) -> None:
        """Change the size; a smaller one takes effect as places are given back."""
        self.size = size
        self._serve()

    def dismiss(self) -> None:
        """Send all who wait away."""
        while self._queue:
            future = self._queue.popleft()
            if not future.done():
                future.set_result(False)

    def _serve(self) -> None:
        # As many as there is room for, not one a release: after halving and growing back, a
        # queue that wakes one waiter a release never fills the new places.
        while self._queue and self.used < self.size:
            future = self._queue.popleft()
            if not future.done():
                self.used += 1
                future.set_result(True)
