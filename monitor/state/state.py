"""The rows of all configured targets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from monitor.config import Target
from monitor.model import Failure, Forecast, Kept, Key, Outcome
from monitor.state.row import Row

BATCH = 1_000  # targets that are stored together: of more the event loop would feel the work before and after


@dataclass(frozen=True, slots=True)
class Arranged:
    """The rows of a configuration that is about to be taken over."""

    rows: dict[Key, Row]
    gone: Sequence[Key]  # the targets that are configured no more
    attic: dict[Key, Kept]  # what is known of others
    found: Mapping[Key, Kept]  # the same as it was before


class State:
    """The rows of all configured targets, in the order of the configuration."""

    def __init__(self) -> None:
        self._rows: dict[Key, Row] = {}
        self._touched: set[Key] | None = None  # rows that changed since `now`, until `adopt`
        self._attic: dict[Key, Kept] = {}  # of targets that are not configured now
        self._dirty: dict[Key, None] = {}  # in the order of their outcomes
        self._taken: dict[Key, None] = {}  # the same, while they are being stored
        self._responses: dict[tuple[str, str], int] = {}

    def restore(self, kept: Mapping[Key, Kept]) -> None:
        """What was stored is back, with its old times."""
        self._attic = {**self._attic, **kept}
        self._rows = {key: self._known(row) for key, row in self._rows.items()}

    def apply(self, targets: Iterable[Target], places: Mapping[str, str]) -> None:
        """Take over a configuration: what stays keeps its readings and counters.

        `places`: the endpoint at which each account is asked.
        """
        self.adopt(self.arrange(self.now(), targets, places), places)

    def now(self) -> dict[Key, Row]:
        """The rows as they are, to `arrange` them anew."""
        self._touched = set()
        return self._rows.copy()

    def arrange(
        self, before: Mapping[Key, Row], targets: Iterable[Target], places: Mapping[str, str]
    ) -> Arranged:
        """The long part of `apply`. Changes nothing, so that a thread may do it."""
        rows: dict[Key, Row] = {}
        found = self._attic
        for target in targets:
            row, place = before.get(target.key), places[target.account]
            row = self._known(Row(target, place=place)) if row is None else _told(row, target, place)
            rows[target.key] = row
        gone = [key for key in before if key not in rows]
        return Arranged(rows, gone, _without(found, rows), found)

    def adopt(self, arranged: Arranged, places: Mapping[str, str]) -> None:
        """The short part of `apply`."""
        rows, attic = arranged.rows, arranged.attic
        # 1. What was learned since the rows were arranged.
        if self._attic is not arranged.found:
            rows, attic = {key: self._known(row) for key, row in rows.items()}, _without(self._attic, rows)
        for key in (self._touched or set()) & rows.keys():
            rows[key] = _told(self._rows[key], rows[key].target, rows[key].place)
        # 2. What is known of targets that are not configured now.
        for key in arranged.gone:
            if (kept := self._rows[key].kept()) is not None:
                attic[key] = kept
        self._rows, self._attic, self._touched = rows, attic, None
        self._responses = {key: n for key, n in self._responses.items() if key[0] in places}

    def record(self, target: Target, outcome: Outcome) -> tuple[Row, Row] | None:
        """Count and keep an outcome: the row before and after, `None` if no longer configured."""
        before = self._rows.get(target.key)
        if before is None:
            return None
        after = before.then(outcome)
        self._put(target.key, after)
        if after.attempted_at != before.attempted_at or after.reading is not before.reading:
            self._dirty[target.key] = None
        if not isinstance(outcome, Failure) or outcome.sent:
            answer = (target.account, outcome.code)
            self._responses[answer] = self._responses.get(answer, 0) + 1
        return before, after

    def take_dirty(self) -> dict[Key, Kept]:
        """What has changed since the last call and is to be stored, the oldest `BATCH` of it."""
        self._taken = dict.fromkeys(islice(self._dirty, BATCH))
        for key in self._taken:
            del self._dirty[key]
        if not self._dirty:
            self._dirty = {}  # an emptied one stays as large as it was: 10 MB after 100,000 had to wait
        every = ((key, self._kept(key)) for key in self._taken)
        return {key: kept for key, kept in every if kept is not None}

    def put_back(self, keys: Iterable[Key]) -> None:
        """They could not be stored: the next `take_dirty` has them again."""
        self._dirty = dict.fromkeys(keys) | self._dirty
        self._taken = {}

    def commit(self, kept: Mapping[Key, Kept]) -> None:
        """They are on the disk: from now on their consumption may be shown."""
        self._taken = {}
        for key, stored in kept.items():
            row = self._rows.get(key)
            if row is not None and stored.consumed != row.committed:
                self._put(key, replace(row, committed=stored.consumed))

    def foresee(self, key: Key, forecast: Forecast, daily: Sequence[int]) -> None:
        """Keep what was forecast of a target, and its last days."""
        row = self._rows.get(key)
        if row is not None:
            self._put(key, replace(row, forecast=forecast, daily=daily))
            self._dirty[key] = None

    @property
    def queue(self) -> int:
        """Targets that wait to be stored."""
        return len(self._dirty.keys() | self._taken.keys())

    def row(self, key: Key) -> Row | None:
        """All that is known of one target; `None` if it is not configured."""
        return self._rows.get(key)

    def rows(self) -> list[Row]:
        return list(self._rows.values())

    def keys(self) -> list[Key]:
        return list(self._rows)

    def responses(self) -> dict[tuple[str, str], int]:
        return dict(self._responses)

    def _put(self, key: Key, row: Row) -> None:
        self._rows[key] = row
        if self._touched is not None:
            self._touched.add(key)

    def _kept(self, key: Key) -> Kept | None:
        row = self._rows.get(key)
        return self._attic.get(key) if row is None else row.kept()

    def _known(self, row: Row) -> Row:
        """The row with what is stored of it, unless it has learned something of its own."""
        kept = self._attic.get(row.target.key)
        if kept is None or row.attempted_at is not None:
            return row
        consumed = kept.consumed if kept.reading is None else kept.consumed or 0
        known = Row(  # `replace` takes three times as long, and a start does this for every target
            row.target,
            kept.reading,
            row.last,
            row.polls,
            row.errors,
            kept.attempted_at,
            consumed,
            None if row.target.key in self._dirty or row.target.key in self._taken else consumed,
            kept.forecast,
            (),
            row.place,
        )
        return known if kept.place == row.place else known.at_place(row.place)


def _told(row: Row, target: Target, place: str) -> Row:
    """The row with what is told of it now."""
    row = replace(row, target=target)
    return row if row.place == place else row.at_place(place)


def _without(attic: Mapping[Key, Kept], rows: Mapping[Key, Row]) -> dict[Key, Kept]:
    return {key: kept for key, kept in attic.items() if key not in rows}
