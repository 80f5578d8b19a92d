"""What the pages are made from."""

from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Protocol

from monitor.config import Config, Fault
from monitor.forecast import Habits
from monitor.journal import Journal
from monitor.metrics import Metrics
from monitor.model import Key
from monitor.state import Snapshot
from monitor.store import Point


class Monitored(Protocol):
    """What the pages are made from."""

    @property
    def version(self) -> str: ...
    @property
    def config(self) -> Config: ...
    @property
    def ready(self) -> bool: ...
    @property
    def trouble(self) -> str:
        """Why it is not ready for longer than a start takes."""

    @property
    def metrics(self) -> Metrics: ...
    @property
    def renderer(self) -> Executor: ...  # rendering takes long: not on the loop, nor where DNS waits

    async def started(self) -> None:
        """Until what is stored is back, or cannot be read: a page made before would show nothing."""

    def snapshot(self) -> Snapshot: ...

    def due(self, key: Key) -> float | None:
        """When the next poll of a target comes, in epoch seconds.

        `None` while one is under way, as long as none comes before a person has acted, and for what is not
        configured. May be asked in any thread.
        """

    def journal(self, key: Key) -> Journal:
        """The last polls of a target and its last failures, since the start."""

    async def history(self, key: Key, since: float) -> Sequence[Point]:
        """The changes of a target's numbers from `since` (epoch seconds) on, by time.

        The first may be an earlier one: it says how things were at `since`.
        Empty while the database cannot be read.
        """

    async def habits(self, key: Key) -> Habits | None:
        """What the forecast of a target is made of; `None` before 7 days of history."""

    async def reload(self) -> Sequence[Fault]: ...

    async def rearm(self, account: str) -> bool: ...

    async def probe(self, account: str, rfc: str, patience: float | None) -> Snapshot | None: ...
