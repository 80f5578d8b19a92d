"""The rows of a page out of all: judged, found, and in order as far as the page needs."""

import heapq
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import inf
from typing import Any, NamedTuple

from monitor.alerts import Level, level
from monitor.model import Failure, Reading, Reason, Refusal
from monitor.state import Row, Snapshot
from monitor.web.query import Query

_RANK = {one: rank for rank, one in enumerate(Level)}

#: Rows that are sorted in one go: `sort` lets no other thread run, the event loop's neither.
_RUN = 2000


class Judged(NamedTuple):
    """A row and how it is. `place`: in the configuration."""

    place: int
    row: Row
    level: Level
    reading: Reading | None  # unless it is too old to be shown
    held: bool
    refusal: Refusal | None  # it is not asked, as the PAC refuses the login for it alone
    is_waiting: bool  # its account, or the database

    @property
    def time_left(self) -> float | None:
        """Seconds that the stamps will last, once known."""
        if self.reading is None or self.row.forecast is None:
            return None
        # The forecast is made hourly, and the last stamp may go in between.
        return self.row.forecast.time_left if self.reading.available else 0.0

    @property
    def peak_day(self) -> int | None:
        """The most stamps that it took in 24 hours of late, once known."""
        return self.row.forecast.peak_day if self.row.forecast is not None else None

    @property
    def failure(self) -> Failure | None:
        """Why the last turn gave no numbers; if it was not used, as long as that is still true."""
        last, refusal = self.row.last, self.refusal
        if isinstance(last, Failure) and (last.sent or self.held or self.is_waiting or refusal is not None):
            return last
        if refusal is not None:  # by the process before
            at = self.row.attempted_at or 0.0
            return Failure(at, Reason.REJECTED, refusal.code, refusal.text, sent=False)
        return None


@dataclass(frozen=True, slots=True)
class Selection:
    """What a page shows of `judged`, which is every row in the order of the configuration."""

    judged: Sequence[Judged]
    counts: Counter[Level]  # of those that the rest of the query finds, whatever their state
    found: int
    lines: Sequence[Judged]
    page: int
    pages: int


def judge(snapshot: Snapshot) -> list[Judged]:
    """Every row, judged as of the snapshot."""
    at, expire_after = snapshot.at, snapshot.expire_after
    held = {account.name for account in snapshot.accounts if account.hold is not None}
    waiting = {account.name for account in snapshot.accounts if account.next_call is not None}
    aside = {(account.name, one.rfc): one for account in snapshot.accounts for one in account.set_aside}
    no_writes = not snapshot.store.writable
    return [
        Judged(
            place,
            row,
            level(row, at, expire_after, held=is_held),
            row.fresh(at, expire_after),
            is_held,
            aside.get(row.target.key) if aside else None,
            no_writes or row.target.account in waiting,
        )
        for place, row in enumerate(snapshot.rows)
        for is_held in (row.target.account in held,)
    ]


def select(judged: Sequence[Judged], query: Query) -> Selection:
    """The rows that a query shows."""
    matching = list(_matching(judged, query))
    counts = Counter(one.level for one in matching)
    found = [one for one in matching if not query.state or one.level == query.state]
    pages = max(1, -(-len(found) // query.size))
    page = min(query.page, pages)
    start = (page - 1) * query.size
    lines = list(islice(in_order(found, query.sort), start, start + query.size))
    return Selection(judged, counts, len(found), lines, page, pages)


def everything(judged: Sequence[Judged], query: Query) -> Iterator[Judged]:
    """The rows of all pages of a query."""
    found = (one for one in _matching(judged, query) if not query.state or one.level == query.state)
    return in_order(list(found), query.sort)


def in_order(found: Iterable[Judged], sort: str) -> Iterator[Judged]:
    """Sorted, what is not known last. Asking for the first few takes less than asking for all."""
    key, descending = KEYS[sort.removeprefix("-")], sort.startswith("-")
    known: list[tuple[Any, int, Judged]] = []
    unknown: list[Judged] = []
    for one in found:
        value = key(one)
        if value is None:
            unknown.append(one)
        else:
            known.append((value, one.place, one))
    runs = [sorted(known[start : start + _RUN], reverse=descending) for start in range(0, len(known), _RUN)]
    for _, _, one in heapq.merge(*runs, reverse=descending):
        yield one
    yield from unknown


def fold(text: str) -> str:
    """As people search and sort: neither case nor accents count."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return text.casefold()


def _matching(judged: Sequence[Judged], query: Query) -> Iterable[Judged]:
    """Those that search and account let pass."""
    if query.account:
        judged = [one for one in judged if one.row.target.account == query.account]
    words = fold(query.q).split()
    return [one for one in judged if all(map(_text(one).__contains__, words))] if words else judged


def _text(one: Judged) -> str:
    target = one.row.target
    return fold(f"{target.rfc} {target.alias} {target.account}")


def _urgency(one: Judged) -> tuple[float, ...]:
    """The worse state first; then who runs out first, then who has the least in proportion."""
    reading = one.reading
    if reading is None:
        return _RANK[one.level], inf, inf
    left = one.time_left if reading.available else 0.0
    share = reading.available / reading.contracted if reading.contracted else inf
    return _RANK[one.level], inf if left is None else left, share


#: What is sorted by what. `None` is not known.
KEYS: dict[str, Callable[[Judged], Any]] = {
    "urgency": _urgency,
    "name": lambda one: fold(one.row.target.alias) or None,
    "rfc": lambda one: one.row.target.rfc,
    "account": lambda one: fold(one.row.target.account),
    "available": lambda one: one.reading and one.reading.available,
    "days": lambda one: one.time_left,
    "consumption": lambda one: sum(one.row.daily) if one.row.daily else None,
    "read": lambda one: one.row.reading and one.row.reading.at,
    "error": lambda one: one.failure and one.failure.code,
}
